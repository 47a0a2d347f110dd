"""Workflows on potentials themselves."""
