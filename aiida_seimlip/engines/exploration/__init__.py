"""Exploration engines: a structure and a potential in, candidates out."""
