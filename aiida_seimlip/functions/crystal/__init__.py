"""Calcfunctions on crystals."""
