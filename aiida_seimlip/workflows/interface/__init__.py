"""Workflows on surfaces, interfaces and fields."""
