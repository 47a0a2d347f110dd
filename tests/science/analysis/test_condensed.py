"""Units that broke, bonds that are new, and copies."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from aiida_seimlip.science.analysis.condensed import (
    SAME,
    NotTheSameAtomsError,
    compare_bonds,
    difference,
    find_duplicates,
    fingerprint,
)
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.molecules import MOLECULES
from aiida_seimlip.science.structures.packing import pack


def cell(counts, seed=1, edge=10.0):
    """Return molecules in a cube, those of each kind together, in order of the names."""
    kinds = [MOLECULES[name].atoms for name in sorted(counts)]
    return pack(kinds, [counts[name] for name in sorted(counts)], [edge] * 3, tolerance=1.8, seed=seed)


def frame(atoms):
    return Frames.from_atoms([atoms])


def test_whole_units():
    """Lithium has no bonds; all others are what they were, also where they vibrate and wrap."""
    packed = cell({'Li2EDC': 1, 'Li2CO3': 2, 'LiPF6': 1})
    after = packed.copy()
    after.rattle(0.03, seed=1)
    after.wrap()
    changes = compare_bonds(frame(packed), frame(after))
    assert {name: (fate.n_packed, fate.n_whole) for name, fate in changes.units.items()} == {
        'CO3': (2, 2), 'C4H4O6': (1, 1), 'F6P': (1, 1)
    }  # fmt: skip
    assert changes.new_bonds == ()


def test_pieces_are_named():
    """EDC that breaks into two carbonates and ethylene, as it does beside lithium: C4H4O6 has them as pieces."""
    packed = cell({'EDC': 1}, edge=14.0)
    after = packed.copy()
    graph = packed.get_all_distances()
    carbons = [index for index, symbol in enumerate(packed.symbols) if symbol == 'C']
    oxygens = [index for index, symbol in enumerate(packed.symbols) if symbol == 'O']
    ends = [atom for atom in carbons if sum(graph[atom, other] < 1.5 for other in oxygens) == 3]
    for atom in ends:
        group = [atom, *(other for other in oxygens if graph[atom, other] < 1.5)]
        away = packed.positions[atom] - packed.positions.mean(axis=0)
        after.positions[group] += 1.5 * away / np.linalg.norm(away)
    fate = compare_bonds(frame(packed), frame(after)).units['C4H4O6']
    assert (fate.n_packed, fate.n_whole, fate.pieces) == (1, 0, {'CO3': 2, 'C2H4': 1})


def test_new_bond():
    packed = Atoms('CO3CO3', positions=np.zeros((8, 3)), cell=[14.0] * 3, pbc=True)
    packed.positions[:4] = MOLECULES['CO3'].atoms.positions + 3.0
    packed.positions[4:] = MOLECULES['CO3'].atoms.positions + 8.0
    after = packed.copy()
    shift = packed.positions[1] - packed.positions[5] + [0.0, 0.0, 1.45]
    after.positions[4:] += shift
    changes = compare_bonds(frame(packed), frame(after))
    assert ('O', 'O', 1.45) in changes.new_bonds
    assert all(not {'Li'} & {one, other} for one, other, _ in changes.new_bonds)
    assert changes.units['CO3'].n_whole == 2  # a unit is what its own bonds are


def test_molecules_that_are_packed_as_near_as_bonded_atoms():
    """O of one carbonate is 1.7 Å from C of another: two units, if it is known what the molecules are."""
    packed = Atoms('CO3CO3', positions=np.zeros((8, 3)), cell=[14.0] * 3, pbc=True)
    packed.positions[:4] = MOLECULES['CO3'].atoms.positions + 5.0
    packed.positions[4:] = MOLECULES['CO3'].atoms.positions
    packed.positions[4:] += packed.positions[0] + [0.0, 0.0, 1.7] - packed.positions[5]
    after = packed.copy()
    after.positions[4:] += [0.0, 0.0, 2.0]
    molecules = np.repeat([0, 1], 4)
    known = compare_bonds(frame(packed), frame(after), molecules=molecules)
    assert (known.units['CO3'].n_packed, known.units['CO3'].n_whole, known.new_bonds) == (2, 2, ())
    assert compare_bonds(frame(packed), frame(packed), molecules=molecules).new_bonds
    assert 'CO3' not in compare_bonds(frame(packed), frame(after)).units


def test_molecule_that_is_packed_near_its_own_image():
    """One carbonate in a thin cell, its oxygens 1.6 Å from those of its image: no bond, which later is not broken."""
    packed = Atoms('CO3', positions=MOLECULES['CO3'].atoms.positions, cell=[14.0] * 3, pbc=True)
    packed.rotate([0.0, 0.0, 1.0], packed.positions[1] - packed.positions[2])
    packed.set_cell([14.0, 14.0, np.ptp(packed.positions[:, 2]) + 1.6])
    after = packed.copy()
    after.set_cell([14.0] * 3)
    fate = compare_bonds(frame(packed), frame(after), molecules=np.zeros(4, dtype=int)).units['CO3']
    assert (fate.n_packed, fate.n_whole) == (1, 1)
    assert compare_bonds(frame(packed), frame(after)).units['CO3'].n_whole == 0


def test_other_atoms_are_refused():
    packed = cell({'Li2CO3': 2})
    with pytest.raises(NotTheSameAtomsError, match='in their order'):
        compare_bonds(frame(packed), frame(packed[::-1]))


@pytest.mark.parametrize('counts', [{'Li2CO3': 4, 'LiF': 3}, {'Li2EDC': 2, 'LiPF6': 2}])
def test_fingerprint_knows_a_structure_again(counts):
    """Renamed, turned, shifted, in other cell vectors: the same. Packed anew: another one."""
    packed = cell(counts, edge=10.5)
    again = packed[np.random.default_rng(0).permutation(len(packed))]
    again.set_cell(np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]]) @ packed.cell.array, scale_atoms=False)
    again.rotate(40.0, (1, 2, 3), rotate_cell=True)
    again.positions += [1.0, 2.0, 3.0]
    again.wrap()
    other = cell(counts, seed=2, edge=10.5)
    prints = [fingerprint(frame(atoms)) for atoms in (packed, again, other)]
    assert difference(prints[0], prints[1]) < 1e-6
    assert difference(prints[0], prints[2]) > 2 * SAME


def test_duplicates_name_the_first():
    """Three copies are those of the first; another composition of the same elements is never one."""
    packed, other = cell({'Li2CO3': 3}), cell({'Li2CO3': 4})
    copies = [packed.copy() for _ in range(2)]
    for copy in copies:
        copy.rattle(0.01, seed=3)
    frames = Frames.from_atoms([packed, other, *copies])
    assert find_duplicates(frames) == {2: 0, 3: 0}
