"""Reports on comparisons of models."""
