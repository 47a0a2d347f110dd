"""Diffusivities, conductivities and the structure along trajectories."""
