"""Calcfunctions on potentials themselves, and on how they compare."""
