"""Small MACE models for tests, made by the interpreter that has mace-torch."""
