"""Disordered structures: molecules packed at random into a periodic cell."""

from aiida_seimlip.science.structures.packing.random import PackingError, pack

__all__ = ['PackingError', 'pack']
