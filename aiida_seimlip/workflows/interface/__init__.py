"""Workflows on surfaces and interfaces."""
