"""Analysis of errors and trajectories."""
