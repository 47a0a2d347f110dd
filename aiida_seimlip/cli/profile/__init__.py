"""Profiles, computers and codes of the embedded programs."""
