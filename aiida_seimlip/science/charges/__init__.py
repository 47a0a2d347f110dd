"""Partial charges of atoms by charge equilibration, and their means over groups of atoms."""
