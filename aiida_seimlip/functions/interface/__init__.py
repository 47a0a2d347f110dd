"""Calcfunctions on surfaces and interfaces."""
