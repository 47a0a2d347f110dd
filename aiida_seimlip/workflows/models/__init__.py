"""WorkChains that compare models."""
