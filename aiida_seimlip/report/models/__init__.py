"""Reports on potentials themselves, and on comparisons of models."""
