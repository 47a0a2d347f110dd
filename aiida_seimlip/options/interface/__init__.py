"""Options of slabs, surfaces, interfaces and fields."""
