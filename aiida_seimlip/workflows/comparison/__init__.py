"""Workflows that put models side by side."""
