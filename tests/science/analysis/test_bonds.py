"""Bonds and roles of atoms in ions whose structure is known."""

from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from aiida_seimlip.science.analysis.bonds import element_kinds, find_bonds, role_kinds
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import li2co3
from tests.crystals import li2o
from tests.science.analysis.molecules import carbonate_ion, ethylene_dicarbonate_ion, hexafluorophosphate_ion, in_box


def roles(*images):
    kinds = role_kinds(Frames.from_atoms(images))
    assert set(kinds.names) == set(kinds.labels)
    return Counter(kinds.labels.tolist())


def test_bonds_of_carbonate_crystal():
    atoms = li2co3()
    graph = find_bonds(Frames.from_atoms([atoms]))
    assert graph.first.size == 12
    assert {frozenset(atoms.symbols[[i, j]]) for i, j in zip(graph.first, graph.second, strict=True)} == {
        frozenset('CO')
    }
    assert graph.lengths == pytest.approx(1.28, abs=0.02)  # C-O of the crystal, by experiment
    assert sorted(np.bincount(graph.units)) == [1] * 8 + [4] * 4


def test_bonds_do_not_join_frames():
    frames = Frames.from_atoms([li2co3(), in_box(carbonate_ion()), li2co3()])
    graph = find_bonds(frames)
    frame = frames.frame_of_atom
    assert np.array_equal(frame[graph.first], frame[graph.second])
    assert all(len(set(frame[graph.units == unit])) == 1 for unit in range(graph.units.max() + 1))


def test_bonds_ignore_faces_without_periodicity():
    atoms = Atoms('CO', [[0.1, 5, 5], [9.0, 5, 5]], cell=[10] * 3, pbc=True)
    assert find_bonds(Frames.from_atoms([atoms])).first.size == 1
    atoms.pbc = False
    assert find_bonds(Frames.from_atoms([atoms])).first.size == 0


def test_bonds_of_ions_alone():
    assert find_bonds(Frames.from_atoms([Atoms('Li2', [[0, 0, 0], [1, 0, 0]], cell=[9] * 3, pbc=True)])).first.size == 0
    assert find_bonds(Frames.empty()).first.size == 0


def test_element_kinds():
    kinds = element_kinds(Frames.from_atoms([li2co3(), li2o()]))
    assert kinds.names == ('Li', 'C', 'O')
    assert Counter(kinds.labels.tolist()) == {'Li': 16, 'C': 4, 'O': 16}


def test_roles_of_carbonate_crystal():
    assert roles(li2co3()) == {'Li': 8, 'C': 4, 'O_carbonate': 12}


def test_roles_of_ethylene_dicarbonate():
    assert roles(in_box(ethylene_dicarbonate_ion())) == {'C': 4, 'H': 4, 'O_carbonyl': 4, 'O_ether': 2}


def test_roles_of_oxide():
    assert roles(li2o()) == {'Li': 8, 'O_oxide': 4}


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('H2O', {'H': 2, 'O_water': 1}),
        ('CO2', {'C': 1, 'O_carbonyl': 2}),
        ('CO', {'C': 1, 'O_carbonyl': 1}),
        ('OH', {'H': 1, 'O_hydroxide': 1}),
        ('CH3OH', {'C': 1, 'H': 4, 'O_hydroxyl': 1}),
        ('CH3OCH3', {'C': 2, 'H': 6, 'O_ether': 1}),
        ('HCOOCH3', {'C': 2, 'H': 4, 'O_carbonyl': 1, 'O_ether': 1}),
        ('HCOOH', {'C': 1, 'H': 2, 'O_carbonyl': 1, 'O_hydroxyl': 1}),
        ('H2O2', {'H': 2, 'O_other': 2}),
    ],
)
def test_roles_in_molecules(name, expected):
    assert roles(in_box(molecule(name))) == expected


def test_roles_follow_the_bonds_of_each_frame():
    whole, broken = in_box(carbonate_ion()), in_box(carbonate_ion())
    broken.positions[1] += [0, 4, 0]
    kinds = role_kinds(Frames.from_atoms([whole, broken]))
    assert kinds.names == ('C', 'O_oxide', 'O_carbonate', 'O_carbonyl')
    assert kinds.labels.tolist() == ['C', *3 * ['O_carbonate'], 'C', 'O_oxide', 'O_carbonyl', 'O_carbonyl']
    assert kinds.select(slice(4, 6)).labels.tolist() == ['C', 'O_oxide']


def test_tolerance_decides_about_stretched_bonds():
    ion = hexafluorophosphate_ion()
    ion.positions[1] *= 1.2  # 1.92 Å; the radii of P and F add up to 1.64
    frames = Frames.from_atoms([in_box(ion)])
    assert find_bonds(frames).first.size == 6
    assert find_bonds(frames, tolerance=1.15).first.size == 5
