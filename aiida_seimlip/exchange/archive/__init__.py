"""Archives that others may have."""
