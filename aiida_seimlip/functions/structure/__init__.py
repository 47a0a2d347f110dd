"""Supercells, defects and the end points of hops."""
