"""Options of `SeiWorkChain`, and what it finds."""
