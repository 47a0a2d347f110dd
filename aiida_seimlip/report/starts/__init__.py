"""Reports on starts."""
