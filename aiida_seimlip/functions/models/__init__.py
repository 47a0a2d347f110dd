"""Calcfunctions on potentials themselves."""
