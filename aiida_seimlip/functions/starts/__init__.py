"""Calcfunctions of starts: recipes, packing and their checks."""
