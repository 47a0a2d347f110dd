"""WorkChains that make starts."""
