"""Reports on potentials themselves."""
