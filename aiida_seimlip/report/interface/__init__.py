"""Reports on surfaces, interfaces and fields."""
