"""Ordered cells: their number and energies against independent counts and sums."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from ase import Atoms
from ase.geometry import get_distances

from aiida_seimlip.science.structures.disorder.crystal import DisorderedCrystal
from aiida_seimlip.science.structures.disorder.electrostatics import guess_charges, net_charge
from aiida_seimlip.science.structures.disorder.ordering import order
from aiida_seimlip.science.structures.supercells import StructureError

HEXAGONAL = np.array([[2.82, 0, 0], [-1.41, 1.41 * np.sqrt(3), 0], [0, 0, 4.8]])
FRACTIONAL = np.array([[0, 0, 0.5], [0, 0, 0], [1 / 3, 2 / 3, 0.2], [2 / 3, 1 / 3, 0.8]])
CHARGES = {'Li': 1.0, 'Co': 3.5, 'O': -2.0}


def layer(repeat, occupancy=0.5):
    """Return a layered oxide of cobalt with a part of its lithium."""
    sites = [{'Li': occupancy}, {'Co': 1.0}, {'O': 1.0}, {'O': 1.0}]
    return DisorderedCrystal.of(HEXAGONAL, FRACTIONAL @ HEXAGONAL, sites).supercell(np.diag(repeat))


def brute_force(crystal):
    """Return how many ordered cells there are, by pymatgen's comparison of all with all."""
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.io.ase import AseAtomsAdaptor

    places = crystal.disordered
    matcher = StructureMatcher(primitive_cell=False, scale=False, attempt_supercell=False)
    kept: list = []
    n_all = 0
    for chosen in combinations(places, len(places) // 2):
        n_all += 1
        whole = [index for index in range(len(crystal.sites)) if index not in places]
        symbols = ['Li'] * len(chosen) + [next(iter(crystal.sites[index])) for index in whole]
        atoms = Atoms(symbols, crystal.positions[[*chosen, *whole]], cell=crystal.cell, pbc=True)
        structure = AseAtomsAdaptor.get_structure(atoms)
        if not any(matcher.fit(structure, other) for other in kept):
            kept.append(structure)
    return n_all, len(kept)


@pytest.mark.parametrize('repeat', [(2, 1, 1), (4, 1, 1), (6, 1, 1), (2, 2, 1), (2, 1, 2), (2, 2, 2)])
def test_number_of_distinct_cells(repeat):
    found = order(layer(repeat), number=100, seed=0)
    assert (found.n_arrangements, found.n_distinct) == brute_force(layer(repeat))
    assert sum(found.degeneracies) == found.n_arrangements
    assert len(found.atoms) == found.n_distinct


def test_a_half_filled_chain_of_four():
    """By hand: two of four sites in a ring are neighbours in four ways, opposite in two; apart is better.

    The nearest image of the one opposite is in the next row of the layer.
    """
    found = order(layer((4, 1, 1)), number=9, seed=0)
    assert found.degeneracies == [2, 4]
    for atoms, expected in zip(found.atoms, (np.sqrt(3) * 2.82, 2.82), strict=True):
        lithium = atoms.positions[atoms.numbers == 3]
        assert get_distances(lithium, cell=atoms.cell, pbc=True)[1].max() == pytest.approx(expected)


@pytest.mark.parametrize('repeat', [(4, 1, 1), (2, 2, 2)])
def test_energies_are_those_of_ewald_sums_of_the_ordered_cells(repeat):
    from pymatgen.analysis.ewald import EwaldSummation
    from pymatgen.core import Structure

    found = order(layer(repeat), number=3, seed=0)
    assert found.charges == CHARGES
    for atoms, energy in zip(found.atoms, found.energies, strict=True):
        symbols = atoms.get_chemical_symbols()
        structure = Structure(atoms.cell.array, symbols, atoms.positions, coords_are_cartesian=True)
        structure.add_oxidation_state_by_element(CHARGES)
        assert energy == pytest.approx(EwaldSummation(structure).total_energy, abs=1e-4)


def test_a_search_finds_the_lowest_of_all():
    crystal = layer((4, 2, 2))
    everything = order(crystal, number=1, seed=0)
    assert everything.n_arrangements == 12870
    found = order(crystal, number=5, seed=1, max_enumerated=1000)
    assert found.n_arrangements is None
    assert found.energies[0] == pytest.approx(everything.energies[0], abs=1e-6)
    assert 'lowest of a search with the seed 1' in found.notes[0]
    again = order(crystal, number=5, seed=1, max_enumerated=1000)
    for one, other in zip(found.atoms, again.atoms, strict=True):
        np.testing.assert_array_equal(one.positions, other.positions)


SPLIT = np.array([[0, 0, 0], [2.0, 0, 0], [2.48, 0, 0], [0, 2, 2], [2, 2, 0]])
SPLIT_SITES = [{'Li': 1.0}, {'Li': 0.5}, {'Li': 0.5}, {'O': 0.5, 'S': 0.5}, {'O': 1.0}]


@pytest.mark.parametrize('max_enumerated', [1000, 1])
def test_split_sites_are_not_both_occupied(max_enumerated):
    crystal = DisorderedCrystal.of(4.0 * np.eye(3), SPLIT, SPLIT_SITES).supercell(np.diag([2, 1, 1]))
    found = order(crystal, number=9, seed=0, max_enumerated=max_enumerated)
    for atoms in found.atoms:
        assert atoms.get_chemical_formula() == 'Li4O3S'
        assert get_distances(atoms.positions, cell=atoms.cell, pbc=True)[1][~np.eye(8, dtype=bool)].min() > 1.5
    if max_enumerated > 1:
        # in each half one of two Li sites: LL, LR, RL, RR of which two have as many left as right; times O S or S O
        assert found.n_arrangements == 4


def test_nothing_fits():
    crystal = DisorderedCrystal.of(4.0 * np.eye(3), SPLIT, SPLIT_SITES)
    for max_enumerated in (1000, 1):
        with pytest.raises(StructureError, match='No arrangement'):
            order(crystal, number=1, seed=0, rounded=True, min_distance=3.9, max_enumerated=max_enumerated)


def test_refusals():
    with pytest.raises(StructureError, match='ordered'):
        order(layer((1, 1, 1), 1.0), number=1, seed=0)
    with pytest.raises(StructureError, match='2 times as large'):
        order(layer((1, 1, 1)), number=1, seed=0)
    with pytest.raises(StructureError, match='oxidation state of O is not given'):
        order(layer((2, 1, 1)), number=1, seed=0, charges={'Li': 1, 'Co': 3.5})


def test_what_a_user_should_know():
    rounded = order(layer((1, 1, 3)), number=1, seed=0, rounded=True)
    assert rounded.notes[0].startswith('The occupancies make Co3Li1.5O6 and are rounded to Co3Li2O6')
    charged = order(layer((2, 1, 1)), number=1, seed=0, charges={'Li': 1, 'Co': 3, 'O': -2})
    assert charged.net_charge == pytest.approx(-1)
    assert 'charge of -1 e' in charged.notes[0]
    sites = [{'Li': 0.5, 'Na': 0.5}, {'Co': 1.0}, {'O': 1.0}, {'O': 1.0}]
    same = DisorderedCrystal.of(HEXAGONAL, FRACTIONAL @ HEXAGONAL, sites)
    found = order(same.supercell(np.diag([4, 1, 1])), number=9, seed=0)
    assert found.n_distinct == 2
    assert 'ranks nothing' in found.notes[0]


def test_oxidation_states():
    assert guess_charges({'Li': 24, 'P': 4, 'S': 20, 'Cl': 4}) == {'Li': 1.0, 'P': 5.0, 'S': -2.0, 'Cl': -1.0}
    assert net_charge({'Li': 2, 'O': 1}, {'Li': 1, 'O': -2}) == 0
    with pytest.raises(StructureError, match='give them'):
        guess_charges({'Ne': 1, 'Ar': 1, 'Li': 1})
