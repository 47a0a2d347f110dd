"""Calcfunctions on surfaces, interfaces and fields."""
