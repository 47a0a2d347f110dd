"""Models for surfaces and interfaces: those for crystals."""

from tests.workflows.crystal.conftest import emt, lennard_jones

__all__ = ('emt', 'lennard_jones')
