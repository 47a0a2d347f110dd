"""Cubic crystals with few atoms, for tests."""

from aiida_seimlip.science.structures.crystals import CRYSTALS


def lithium():
    """Return metallic lithium: cubic cell, body-centred (A2), 2 atoms, a = 3.51 Å at room temperature."""
    return CRYSTALS['Li-bcc'].conventional()


def li2o():
    """Return lithium oxide: cubic cell, antifluorite (C1), 12 atoms, a = 4.619 Å at room temperature."""
    return CRYSTALS['Li2O'].conventional()
