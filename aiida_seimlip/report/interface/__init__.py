"""Sections of reports on slabs, surfaces, interfaces and fields."""
