"""Calcfunctions of workflows that compare models."""
