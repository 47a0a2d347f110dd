"""Calcfunctions of `SeiWorkChain`."""
