"""Readers of labelled frames that other programs wrote: one module for each family of formats."""
