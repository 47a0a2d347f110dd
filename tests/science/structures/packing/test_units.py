from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list

from aiida_seimlip.science.structures.molecules import MOLECULES, Molecule
from aiida_seimlip.science.structures.packing import (
    MissingProgramError,
    PackingError,
    PackingTimeoutError,
    cell_lengths,
    pack_units,
    units,
)
from aiida_seimlip.science.structures.packing.packmol import find_packmol
from aiida_seimlip.science.structures.packing.units import density, density_of, shortest_contact, volume_at

SALTS = [MOLECULES['Li2CO3'], MOLECULES['Li2EDC']]

needs_packmol = pytest.mark.skipif(find_packmol() is None, reason='packmol (extra `starts`) is not installed')


def cell_for(molecules, counts, factor):
    volume = factor * sum(each.volume * count for each, count in zip(molecules, counts, strict=True))
    return cell_lengths(volume)


@pytest.fixture
def without_packmol(monkeypatch):
    monkeypatch.setattr(units, 'find_packmol', lambda: None)


def test_what_is_known_about_a_cell():
    packed = pack_units(SALTS, [2, 1], cell_for(SALTS, [2, 1], 2.5), method='random', seed=1)
    assert packed.names == ('Li2CO3', 'Li2CO3', 'Li2EDC')
    np.testing.assert_array_equal(packed.units, np.repeat([0, 1, 2], [6, 6, 16]))
    assert (packed.method, packed.tolerance, packed.notes) == ('random', 1.8, ())
    assert packed.density == pytest.approx(density_of(packed.atoms))
    for number, molecule in enumerate([SALTS[0], SALTS[0], SALTS[1]]):
        np.testing.assert_allclose(
            packed.atoms[packed.units == number].get_all_distances(), molecule.atoms.get_all_distances(), atol=1e-6
        )


def test_thin_cells_are_packed_one_by_one():
    assert pack_units(SALTS, [3, 1], cell_for(SALTS, [3, 1], 2.5), seed=1).method == 'random'


@needs_packmol
def test_dense_cells_are_packed_by_packmol():
    packed = pack_units(SALTS, [6, 2], cell_for(SALTS, [6, 2], 1.0), seed=1)
    assert packed.method == 'packmol'
    assert packed.program.startswith('packmol 2')
    assert packed.density > 1.7


@pytest.mark.parametrize('method', ['random', pytest.param('packmol', marks=needs_packmol), 'start_generator'])
def test_distances_by_another_program(method):
    """All distances between molecules, and to images of one, by ASE's neighbour list."""
    if method == 'start_generator':
        pytest.importorskip('ase_ga', reason='ase-ga (extra `starts`) is not installed')
    packed = pack_units(SALTS, [3, 2], cell_for(SALTS, [3, 2], 3.0), method=method, tolerances=[1.8], seed=2)
    first, second, distances, vectors = neighbor_list('ijdD', packed.atoms, 4.0)
    straight = packed.atoms.positions[second] - packed.atoms.positions[first]
    is_image = np.linalg.norm(vectors - straight, axis=1) > 1e-3
    between = (packed.units[first] != packed.units[second]) | is_image
    assert distances[between].min() == pytest.approx(packed.shortest, abs=1e-9)
    assert packed.shortest >= 1.78


@pytest.mark.parametrize('method', ['random', pytest.param('packmol', marks=needs_packmol), 'start_generator'])
def test_the_same_again(method):
    if method == 'start_generator':
        pytest.importorskip('ase_ga', reason='ase-ga (extra `starts`) is not installed')
    cell = cell_for(SALTS, [3, 1], 6.0)
    np.random.seed(1)
    one = pack_units(SALTS, [3, 1], cell, method=method, seed=4)
    np.random.seed(2)
    again = pack_units(SALTS, [3, 1], cell, method=method, seed=4)
    other = pack_units(SALTS, [3, 1], cell, method=method, seed=5)
    np.testing.assert_array_equal(one.atoms.positions, again.atoms.positions)
    assert np.abs(one.atoms.positions - other.atoms.positions).max() > 0.1


def test_a_smaller_tolerance_where_the_molecules_do_not_fit(monkeypatch):
    monkeypatch.setattr(units, 'MISFITS', 1)
    cell = cell_for(SALTS, [2, 0], 2.0)
    packed = pack_units(SALTS, [2, 0], cell, method='random', tolerances=[4.5, 1.8], seed=1)
    assert packed.tolerance == 1.8
    assert len(packed.notes) == 1
    assert packed.notes[0].startswith('CLi2O3 found no place in 1000 attempts')


def test_without_packmol_dense_cells_are_tried_all_the_same(without_packmol):
    lithium = [MOLECULES['LiF']]
    packed = pack_units(lithium, [4], cell_for(lithium, [4], 1.6), tolerances=[1.2], seed=1)
    assert packed.density > 1.4
    assert packed.method == 'random'
    assert packed.notes[0] == "packmol is not installed (pip install 'aiida-seimlip[starts]')."


def test_packmol_is_asked_for_and_not_there(without_packmol):
    with pytest.raises(MissingProgramError, match=r"^packmol is not installed \(pip install 'aiida-seimlip\[starts\]'"):
        pack_units(SALTS, [1, 0], [9.0, 9.0, 9.0], method='packmol', seed=1)


def test_the_start_generator_is_asked_for_and_not_there(monkeypatch):
    monkeypatch.setattr(units, 'find_spec', lambda name: None)
    with pytest.raises(MissingProgramError, match=r'^ase-ga, which has the start generator, is not installed'):
        pack_units(SALTS, [1, 0], [9.0, 9.0, 9.0], method='start_generator', seed=1)


def test_nothing_fits(monkeypatch):
    monkeypatch.setattr(units, 'MISFITS', 1)
    with pytest.raises(PackingError, match=r'found no place in 1000 attempts.*tolerance of 5'):
        pack_units(SALTS, [2, 0], cell_for(SALTS, [2, 0], 1.0), method='random', tolerances=[5.5, 5.0], seed=1)


def test_the_time_limit_ends_it():
    with pytest.raises(PackingTimeoutError, match=r'Packing took longer than 1e-06 s'):
        pack_units(SALTS, [9, 0], cell_for(SALTS, [9, 0], 1.0), method='random', seed=1, time_limit=1e-6)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda atoms: atoms.rattle(0.1, seed=1), 'A molecule Li2CO3 came back in another shape'),
        (lambda atoms: atoms.positions.__setitem__(slice(6, 12), atoms.positions[:6]), r'are 0.00 Å apart'),
    ],
)
def test_what_a_program_packed_is_looked_at(monkeypatch, change, message):
    def packer(molecules, counts, cell, **settings):
        atoms = Atoms(cell=cell, pbc=True) + molecules[0]
        moved = molecules[0].copy()
        moved.translate([0, 0, 6.0])
        atoms += moved
        change(atoms)
        return atoms

    monkeypatch.setitem(units._PACKERS, 'random', packer)
    with pytest.raises(PackingError, match=message):
        pack_units([MOLECULES['Li2CO3']], [2], [12.0, 12.0, 12.0], method='random', seed=1)


def test_a_molecule_on_its_own_image_is_packed_again(monkeypatch):
    """As packmol leaves it: a chain along an edge that is too short for it fits along the diagonal."""
    chain = Molecule.of('chain', Atoms('C6', [(0, 0, 1.3 * k) for k in range(6)]), source='a test')
    directions = iter([(0, 0, 1), (0, 1, 0), (1, 1, 1)])

    def packer(molecules, counts, cell, **settings):
        turned = molecules[0].copy()
        turned.rotate((0, 0, 1), next(directions))
        return Atoms(cell=cell, pbc=True) + turned

    monkeypatch.setitem(units._PACKERS, 'random', packer)
    packed = pack_units([chain], [1], [7.5, 7.5, 7.5], method='random', tolerances=[1.8], seed=1)
    assert packed.shortest >= 1.8
    assert packed.notes == (
        'Two molecules, or a molecule and its image, are 1.00 Å apart, where 1.8 Å were asked for.',
    )


def test_no_such_method():
    with pytest.raises(ValueError, match=r'^There is no method of packing `magic`'):
        pack_units(SALTS, [1, 0], [9.0, 9.0, 9.0], method='magic', seed=1)


def test_densities():
    """Of water: 18.015 u in 29.9 Å³ are 1 g/cm³."""
    assert density(18.015, 29.915) == pytest.approx(1.0, abs=1e-4)
    assert volume_at(1.0, 18.015) == pytest.approx(29.915, abs=1e-3)


def test_contacts_with_images_of_a_molecule():
    rod = Atoms('O2', [(0, 0, 0.2), (0, 0, 4.2)], cell=[9.0, 9.0, 5.5], pbc=True)
    assert shortest_contact(rod, np.zeros(2, dtype=int)) == pytest.approx(1.5)


def test_lengths_of_cells():
    np.testing.assert_allclose(cell_lengths(1000.0), [10.0, 10.0, 10.0])
    np.testing.assert_allclose(cell_lengths(1000.0, (1.0, 1.0, 8.0)), [5.0, 5.0, 40.0])
    np.testing.assert_allclose(cell_lengths(1000.0, (1.0, 1.0, 8.0), min_length=7.0), [7.0, 7.0, 40.0])


def test_nothing_to_pack():
    packed = pack_units([Molecule.of('Li', Atoms('Li'), source='a test')], [0], [9.0, 9.0, 9.0], seed=1)
    assert len(packed.atoms) == 0
