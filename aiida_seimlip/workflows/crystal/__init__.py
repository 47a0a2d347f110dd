"""Workflows on crystals."""
