"""One pydantic model for each Dict port: the defaults, the units, the checks."""
