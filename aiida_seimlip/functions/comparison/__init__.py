"""Calcfunctions that put models side by side."""
