"""Energies of interfaces."""

import pytest

from aiida_seimlip.science.analysis.interface_energy import interface_energies


def test_without_vacuum():
    """Two interfaces of 5 Å² cost 0.2 eV/Å² each above the crystals; the slabs have 0.3 and 0.4 eV/Å² on each face."""
    found = interface_energies(-30.0 + 2.0, (-10.0, -20.0), (-10.0 + 3.0, -20.0 + 4.0), 5.0, 2)
    assert found.interface == pytest.approx(0.2)
    assert (found.film, found.substrate) == pytest.approx((0.3, 0.4))
    assert found.adhesion == pytest.approx(0.5), 'Dupré: 0.3 + 0.4 − 0.2'


def test_with_vacuum():
    """The same interface once, and a face of each slab."""
    found = interface_energies(-30.0 + 5.0 * (0.2 + 0.3 + 0.4), (-10.0, -20.0), (-7.0, -16.0), 5.0, 1)
    assert found.interface == pytest.approx(0.2) and found.adhesion == pytest.approx(0.5)


def test_a_crystal_parted_in_two():
    """Slabs that make their crystal together cost what their faces cost."""
    found = interface_energies(-20.0, (-10.0, -10.0), (-8.0, -8.0), 4.0, 2)
    assert found.interface == pytest.approx(0.0) and found.adhesion == pytest.approx(found.film + found.substrate)
