"""Calcfunctions, the only other creators of data."""
