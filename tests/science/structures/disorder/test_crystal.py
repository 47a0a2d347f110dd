"""Disordered crystals: which sites are one, which are equivalent, and how many atoms there are."""

import numpy as np
import pytest
from ase.io import read

from aiida_seimlip.science.structures.disorder.crystal import DisorderedCrystal, best_repeat, is_count
from aiida_seimlip.science.structures.occupancy import read_occupancies
from aiida_seimlip.science.structures.supercells import StructureError

CUBE = 4.0 * np.eye(3)


@pytest.fixture
def load(fixtures):
    def load(name):
        atoms = read(fixtures / 'crystals' / f'{name}.cif')
        return DisorderedCrystal.of(atoms.cell.array, atoms.positions, read_occupancies(atoms))

    return load


def test_sites_and_orbits(load):
    crystal = load('argyrodite')
    sizes = sorted(np.sum(crystal.orbits == orbit) for orbit in set(crystal.orbits[crystal.disordered]))
    assert sizes == [4, 4, 24, 48]  # the Wyckoff positions 4a, 4c, 24g and 48h
    assert crystal.formula == 'Cl4Li24P4S20'


def test_sites_refined_apart_are_one():
    """Germanium and phosphorus on one site, 0.03 Å apart."""
    sites = [{'Ge': 0.5}, {'P': 0.5}, {'S': 1.0}]
    crystal = DisorderedCrystal.of(CUBE, np.array([[0, 0, 0], [0.03, 0, 0], [2, 2, 2]]), sites)
    assert crystal.sites == [{'Ge': 0.5, 'P': 0.5}, {'S': 1.0}]


def test_more_than_one_atom_on_a_site():
    with pytest.raises(StructureError, match=r'Site 0 would hold more than one atom \(Ge 0.7, P 0.5\)'):
        DisorderedCrystal.of(CUBE, np.array([[0, 0, 0], [0.03, 0, 0]]), [{'Ge': 0.7}, {'P': 0.5}])


@pytest.mark.parametrize(
    ('occupancy', 'n_sites', 'fits'),
    [
        (0.5, 1, False), (0.5, 2, True), (0.333, 3, True), (0.333, 2, False), (0.667, 3, True), (0.44, 48, False),
        (0.691, 16, False), (0.125, 8, True), (1.0, 5, True),
    ],
)  # fmt: skip
def test_whole_numbers(occupancy, n_sites, fits):
    assert is_count(occupancy, n_sites) == fits


def test_smallest_cell_that_meets_the_occupancies():
    positions = np.array([[0, 0, 0], [2, 2, 2], [2, 2, 0]])
    crystal = DisorderedCrystal.of(CUBE, positions, [{'Li': 0.5}, {'Na': 0.333}, {'F': 1.0}])
    assert crystal.smallest_multiple() == 6
    with pytest.raises(StructureError, match=r'is 6 times as large \(`--repeat 3 2 1`\)'):
        crystal.counts()
    large = crystal.supercell(np.diag([3, 2, 1]))
    assert sorted(str(counts) for counts in large.counts().values()) == ["{'Li': 3}", "{'Na': 2}"]
    assert crystal.counts(rounded=True)[1] == {'Na': 0}


def test_rounded_numbers_leave_no_site_with_two_atoms():
    crystal = DisorderedCrystal.of(CUBE, np.zeros((1, 3)), [{'O': 0.5, 'S': 0.5}])
    (counts,) = crystal.counts(rounded=True).values()
    assert sum(counts.values()) == 1


def test_most_compact_repetition():
    assert best_repeat(np.diag([3.0, 3.0, 12.0]), 4) == (2, 2, 1)
    assert best_repeat(np.diag([3.0, 6.0, 3.0]), 2) == (2, 1, 1)


def test_counts_of_a_whole_cell(load):
    assert {str(counts) for counts in load('lgps').counts(rounded=True).values()} == {
        "{'Li': 11}", "{'Li': 5}", "{'Ge': 2, 'P': 2}",
    }  # fmt: skip
