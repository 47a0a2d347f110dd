"""Slabs, surfaces, interfaces and fields."""
