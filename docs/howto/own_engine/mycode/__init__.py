"""An engine of the socket `reference` in a package of its own."""
