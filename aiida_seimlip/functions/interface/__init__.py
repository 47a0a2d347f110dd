"""Calcfunctions of slabs, surfaces, interfaces and fields."""
