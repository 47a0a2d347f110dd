"""Sites and multiplicities that are known from the International Tables and from textbooks."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aiida_seimlip.science.structures.crystals import li2co3
from aiida_seimlip.science.structures.sites import empty_sites, occupied_sites, to_pymatgen
from aiida_seimlip.science.structures.supercells import StructureError, supercell
from aiida_seimlip.science.structures.symmetry import Symmetry
from tests.crystals import li2o, lithium

COPPER = bulk('Cu', a=3.6, cubic=True)


@pytest.mark.parametrize(
    ('atoms', 'symbol', 'multiplicities'),
    [
        (COPPER, 'Cu', [4]),
        (bulk('Cu', a=3.6), 'Cu', [1]),
        (li2co3(), 'Li', [8]),
        (li2co3(), 'O', [4, 8]),
        (li2co3().repeat((1, 2, 2)), 'Li', [32]),
        (li2o(), 'Li', [8]),
    ],
    ids=['fcc', 'fcc-primitive', 'Li2CO3', 'Li2CO3-O', 'Li2CO3-1x2x2', 'Li2O'],
)
def test_occupied_sites(atoms, symbol, multiplicities):
    sites = occupied_sites(atoms, symbol)
    assert [site.multiplicity for site in sites] == multiplicities
    for site in sites:
        assert atoms.symbols[site.index] == symbol
        np.testing.assert_allclose(site.position, atoms.positions[site.index])


def test_interstices_of_fcc():
    octahedral, tetrahedral = empty_sites(COPPER, 'Cu')
    assert (octahedral.multiplicity, tetrahedral.multiplicity) == (4, 8)
    assert octahedral.room == pytest.approx(1.8)
    assert tetrahedral.room == pytest.approx(np.sqrt(3) / 4 * 3.6)
    np.testing.assert_allclose(np.sort(octahedral.fractional % 0.5), 0.0, atol=1e-6)
    np.testing.assert_allclose(tetrahedral.fractional % 0.5, 0.25, atol=1e-6)


def test_interstices_of_bcc():
    (tetrahedral,) = empty_sites(lithium(), 'Li')
    assert tetrahedral.multiplicity == 12
    assert tetrahedral.room == pytest.approx(np.sqrt(5) / 4 * 3.51)


def test_interstices_of_antifluorite():
    (octahedral,) = empty_sites(li2o(), 'Li')
    assert octahedral.multiplicity == 4
    assert octahedral.room == pytest.approx(4.619 * np.sqrt(3) / 4)


def test_interstices_of_li2co3_are_those_of_the_generator():
    from pymatgen.analysis.defects.generators import VoronoiInterstitialGenerator

    atoms = li2co3()
    sites, symmetry = empty_sites(atoms, 'Li'), Symmetry.of(atoms)
    assert sorted(site.multiplicity for site in sites) == [4, *[8] * 7]
    assert [site.room for site in sites] == sorted((site.room for site in sites), reverse=True)
    primitive = to_pymatgen(atoms).get_primitive_structure()
    found = list(VoronoiInterstitialGenerator().generate(primitive, insert_species=['Li'], oxi_state=0))
    places = [atoms.cell.scaled_positions(site.coords) for defect in found for site in defect.equivalent_sites]
    assert 2 * len(places) == sum(site.multiplicity for site in sites)
    for place in places:
        fits = [symmetry.distances(site.equivalents, place).min() < 0.05 for site in sites]
        assert sum(fits) == 1


def test_a_supercell_has_the_sites_of_its_cell():
    atoms = li2co3()
    for small, large in zip(empty_sites(atoms, 'Li'), empty_sites(supercell(atoms, (1, 2, 1)), 'Li'), strict=True):
        assert large.multiplicity == 2 * small.multiplicity
        assert large.room == pytest.approx(small.room, abs=1e-6)


def test_noise_below_the_tolerance_does_not_matter():
    atoms = li2co3()
    atoms.positions += np.random.default_rng(1).normal(scale=0.001, size=atoms.positions.shape)
    (site,) = occupied_sites(atoms, 'Li')
    assert site.multiplicity == 8
    np.testing.assert_array_equal(site.position, atoms.positions[site.index])
    assert len(occupied_sites(atoms, 'Li', symprec=1e-5)) == 8


def test_room_in_a_cell_of_one_atom_is_that_of_its_images():
    (site,) = occupied_sites(bulk('Cu', a=3.6), 'Cu')
    assert site.room == pytest.approx(3.6 / np.sqrt(2))


def test_no_such_element():
    with pytest.raises(StructureError, match='no Na in the structure, which consists of C, Li, O'):
        occupied_sites(li2co3(), 'Na')


def test_missing_library(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pymatgen.analysis.defects.generators', None)
    with pytest.raises(StructureError, match=r"pip install 'aiida-seimlip\[structures\]'"):
        occupied_sites(COPPER, 'Cu')


def test_no_room():
    with pytest.raises(StructureError, match=r'3\.0 Å away'):
        empty_sites(COPPER, 'Cu', min_room=3.0)


def test_no_crystal():
    with pytest.raises(StructureError, match='not a crystal'):
        empty_sites(Atoms('Li', positions=[(0, 0, 0)]), 'Li')


def test_multiplicity_of_paths():
    symmetry = Symmetry.of(COPPER)
    origin = np.zeros(3)
    assert symmetry.symbol == 'Fm-3m'
    assert symmetry.count(np.array([origin, [0.5, 0.5, 0.0]])) == 24  # 12 neighbours of 4 atoms, each pair once
    assert symmetry.count(np.array([origin, [1.0, 0.0, 0.0]])) == 12
    assert symmetry.are_equivalent(np.array([origin, [0.5, 0.5, 0.0]]), [np.array([[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]])])
    assert not symmetry.are_equivalent(np.array([origin, [0.5, 0.5, 0.0]]), [np.array([origin, [1.0, 0.0, 0.0]])])
