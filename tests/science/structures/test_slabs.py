from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
from scipy.spatial.transform import Rotation

from aiida_seimlip.science.analysis.bonds import find_bonds
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.science.structures.molecules.builtin import MOLECULES
from aiida_seimlip.science.structures.slabs import make_slabs
from aiida_seimlip.science.structures.supercells import StructureError, supercell

CUTOFF = 6.0
INDICES = [
    index for index in itertools.product(range(-2, 3), repeat=3)
    if np.gcd.reduce(index) == 1 and next(value for value in index if value) > 0
]  # fmt: skip
LIF, LI = CRYSTALS['LiF'].conventional(), CRYSTALS['Li-bcc'].conventional()


def dicarbonate() -> Atoms:
    """Return a crystal as Li2EDC may have it: P-1, Z = 2, its molecules cut by the faces of the cell."""
    cell = np.array([[9.0, 0.0, 0.0], [-1.6, 8.4, 0.0], [-2.2, 1.3, 9.5]])
    molecule = MOLECULES['EDC'].atoms
    turned = Rotation.from_euler('xyz', [20, 50, 70], degrees=True).apply(
        molecule.positions - molecule.positions.mean(0)
    )
    half = Atoms(molecule.numbers, turned + np.array([0.27, 0.22, 0.3]) @ cell)
    half += Atoms('Li2', np.array([[0.62, 0.13, 0.08], [0.1, 0.55, 0.8]]) @ cell)
    other = Atoms(half.numbers, -half.positions)
    whole = Atoms(half + other)
    whole.set_cell(cell)
    whole.pbc = True
    whole.wrap()
    return whole


CUT = {
    'Li2CO3-monoclinic': (CRYSTALS['Li2CO3-monoclinic'].conventional(), {'Li': 2, 'CO3': 1}),
    'Li2CO3-hexagonal': (CRYSTALS['Li2CO3-hexagonal'].conventional(), {'Li': 2, 'CO3': 1}),
    'LiPF6': (CRYSTALS['LiPF6'].conventional(), {'Li': 1, 'F6P': 1}),
    'dicarbonate': (dicarbonate(), {'Li': 2, 'C4H4O6': 1}),
}


def pieces(atoms: Atoms) -> Counter[str]:
    owners = find_bonds(Frames.from_atoms([atoms])).units
    return Counter(str(atoms[owners == owner].symbols.formula.format('hill')) for owner in np.unique(owners))


def pair_energy(atoms: Atoms) -> float:
    first, second, distances = neighbor_list('ijd', atoms, CUTOFF)
    weights = np.sqrt(atoms.numbers[first]) + atoms.numbers[second]
    return float((weights * np.exp(-distances) * (1.0 - distances / CUTOFF) ** 2).sum())


@pytest.mark.parametrize('name', CUT)
def test_units_stay_whole_on_all_surfaces(name):
    crystal, unit = CUT[name]
    assert pieces(crystal) == Counter({kind: number * pieces(crystal)[kind] // number for kind, number in unit.items()})
    volume = crystal.get_volume() / pieces(crystal)[list(unit)[1]]
    for miller in INDICES:
        for slab in make_slabs(crystal, miller, thickness=0.1, vacuum=8.0, stoichiometric=False):
            found = pieces(slab.atoms)
            lacking = {kind.replace('PF6', 'F6P'): number for kind, number in slab.missing.items()}
            full = Counter({kind: number * slab.n_formula_units for kind, number in unit.items()})
            assert found + Counter(lacking) == full, (miller, slab.label)
            if slab.is_stoichiometric:
                assert slab.area * slab.thickness == pytest.approx(slab.n_formula_units * volume)


@pytest.mark.parametrize('name', CUT)
def test_one_more_layer_is_a_piece_of_the_crystal(name):
    crystal, unit = CUT[name]
    of_unit = pair_energy(crystal) / pieces(crystal)[list(unit)[1]]
    for miller in [(0, 0, 1), (1, 1, 0), (1, -1, 2)]:
        (thin, *_), (thick, *_) = (
            make_slabs(crystal, miller, thickness=thickness, vacuum=CUTOFF) for thickness in (12.0, 20.0)
        )
        more = thick.n_formula_units - thin.n_formula_units
        assert more > 0
        assert pair_energy(thick.atoms) - pair_energy(thin.atoms) == pytest.approx(more * of_unit, rel=1e-9)


@pytest.mark.parametrize(
    ('crystal', 'miller', 'area', 'spacing'),
    [
        (LIF, (1, 0, 0), 4.026**2 / 2, 4.026 / 2),
        (LIF, (1, 1, 0), 4.026**2 / np.sqrt(2), 4.026 / np.sqrt(8)),
        (LIF, (1, 1, 1), 4.026**2 * np.sqrt(3) / 4, 4.026 / np.sqrt(3)),
        (LI, (1, 0, 0), 3.51**2, 3.51 / 2),
        (LI, (1, 1, 0), 3.51**2 / np.sqrt(2), 3.51 / np.sqrt(2)),
        (LI, (1, 1, 1), 3.51**2 * np.sqrt(3), 3.51 / np.sqrt(12)),
        (LI, (-3, 0, 1), 3.51**2 / 2 * np.sqrt(10), 3.51 / np.sqrt(10)),
        (LI, (2, 0, -1), 3.51**2 * np.sqrt(5), 3.51 / np.sqrt(20)),
    ],
)
def test_area_and_spacing_of_cubic_crystals(crystal, miller, area, spacing):
    slab = make_slabs(crystal, miller, thickness=10.0)[0]
    assert slab.area == pytest.approx(area)
    assert slab.thickness == pytest.approx(spacing * np.ceil(10.0 / spacing))
    assert slab.n_layers == pytest.approx(np.ceil(10.0 / spacing))
    vectors = slab.atoms.cell.array
    assert np.linalg.norm(np.cross(vectors[0], vectors[1])) == pytest.approx(area)
    np.testing.assert_allclose(vectors[[0, 0, 1, 2, 2], [1, 2, 2, 0, 1]], 0.0, atol=1e-9)


def test_vacuum_is_between_the_outermost_atoms():
    slab = make_slabs(LIF, (1, 1, 1), thickness=10.0, vacuum=7.0)[0]
    heights = slab.atoms.positions[:, 2]
    assert slab.atoms.cell[2, 2] - np.ptp(heights) == pytest.approx(7.0)
    assert heights.min() == pytest.approx(3.5)


def test_polar_surface_of_rock_salt():
    (slab,) = make_slabs(LIF, (1, 1, 1), thickness=10.0)
    assert {slab.bottom, slab.top} == {'Li', 'F'}
    assert slab.is_polar and not slab.is_symmetric and slab.is_stoichiometric
    layers = round(slab.thickness / (4.026 / np.sqrt(3)))
    assert abs(slab.dipole_per_area) == pytest.approx(layers * 4.026 / np.sqrt(12) / slab.area)
    up, down = slab.top, np.sign(slab.dipole_per_area)
    assert down == (1.0 if up == 'Li' else -1.0)


def test_faces_of_slabs_that_are_not_stoichiometric():
    found = make_slabs(LIF, (1, 1, 1), thickness=10.0, stoichiometric=False)
    assert [(slab.bottom, slab.top, dict(slab.missing), slab.is_symmetric) for slab in found[1:]] == [
        ('F', 'F', {'Li': 1}, True), ('Li', 'Li', {'F': 1}, True),
    ]  # fmt: skip
    assert [slab.dipole_per_area for slab in found[1:]] == [None, None]


@pytest.mark.parametrize(
    ('name', 'miller', 'faces', 'is_polar'),
    [
        ('LiF', (1, 0, 0), [{'F+Li'}], [False]),
        ('Li2O', (1, 1, 1), [{'Li'}, {'Li', 'O'}], [False, True]),  # antifluorite: the neutral stack is Li-O-Li
        ('LiPF6', (0, 0, 1), [{'Li', 'PF6'}], [True]),
        ('Li-bcc', (1, 1, 0), [{'Li'}], [False]),
    ],
)
def test_terminations(name, miller, faces, is_polar):
    found = make_slabs(CRYSTALS[name].conventional(), miller, thickness=10.0)
    assert [{slab.bottom, slab.top} for slab in found] == faces
    assert [slab.is_polar for slab in found] == is_polar
    assert [slab.termination for slab in found] == list(range(len(found)))


def test_symmetric_slabs_have_an_operation_that_turns_them_over():
    import spglib

    for crystal, _ in CUT.values():
        for miller in [(0, 0, 1), (1, 1, 0), (1, 1, 1)]:
            for slab in make_slabs(crystal, miller, thickness=8.0, stoichiometric=False):
                atoms = slab.atoms
                cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
                rotations = spglib.get_symmetry(cell, symprec=0.01)['rotations']
                assert slab.is_symmetric == bool((rotations[:, 2, 2] == -1).any()), (miller, slab.label)


def test_supercell_of_the_crystal_changes_nothing():
    crystal = CUT['Li2CO3-monoclinic'][0]
    large = supercell(crystal, (1, 2, 1))
    small, same = make_slabs(crystal, (0, 1, 0), thickness=8.0)[0], make_slabs(large, (0, 1, 0), thickness=8.0)[0]
    assert (same.area, len(same.atoms)) == (pytest.approx(small.area), len(small.atoms))


def test_a_turned_crystal_that_rattles_a_little_has_the_same_slabs():
    crystal = CUT['LiPF6'][0].copy()
    before = make_slabs(crystal, (1, 0, 1), thickness=8.0, stoichiometric=False)
    turn = Rotation.from_euler('xyz', [10, 50, 70], degrees=True).as_matrix()
    crystal.set_cell(crystal.cell.array @ turn.T, scale_atoms=True)
    crystal.rattle(1e-3, seed=1)
    after = make_slabs(crystal, (1, 0, 1), thickness=8.0, stoichiometric=False, symprec=0.05)
    assert [slab.label for slab in after] == [slab.label for slab in before]
    assert [slab.area for slab in after] == [pytest.approx(slab.area) for slab in before]


def test_charges_that_are_not_known():
    assert make_slabs(bulk('Cu'), (1, 1, 1), thickness=5.0)[0].dipole_per_area == 0.0
    assert make_slabs(LIF, (1, 0, 0), thickness=5.0, charges={'Li': 1.0})[0].dipole_per_area is None
    assert make_slabs(LIF, (1, 0, 0), thickness=5.0, charges={'Li': 1.0, 'F': -0.9})[0].is_polar is None


def test_networks_are_cut_only_where_no_plane_passes():
    silicon = bulk('Si', cubic=True)
    assert all(slab.cuts_bonds for slab in make_slabs(silicon, (1, 1, 1), thickness=5.0))
    graphite = Atoms('C4', cell=[[2.46, 0, 0], [-1.23, 2.1304, 0], [0, 0, 6.7]], pbc=True)
    graphite.set_scaled_positions([[0, 0, 0.25], [1 / 3, 2 / 3, 0.25], [0, 0, 0.75], [2 / 3, 1 / 3, 0.75]])
    (slab,) = make_slabs(graphite, (0, 0, 1), thickness=6.0)
    assert not slab.cuts_bonds
    np.testing.assert_allclose(np.ptp(slab.atoms.positions[:, 2]), 3.35)
    assert make_slabs(graphite, (1, 0, 0), thickness=6.0)[0].cuts_bonds


@pytest.mark.parametrize('miller', [(0, 0, 0), (1, 0.5, 0), (1, 1), (1, 0, 1, 0)])
def test_refuses_wrong_indices(miller):
    with pytest.raises(StructureError, match='Miller indices'):
        make_slabs(LIF, miller, thickness=5.0)


def test_refuses_what_is_too_large_or_no_crystal():
    with pytest.raises(StructureError, match=r'\(1 1 0\) of .* holds \d+ atoms, and `max_atoms` allows 10'):
        make_slabs(LIF, (1, 1, 0), thickness=30.0, max_atoms=10)
    with pytest.raises(StructureError, match='thickness'):
        make_slabs(LIF, (1, 1, 0), thickness=0.0)
    molecule = Atoms('CO', [[0, 0, 0], [0, 0, 1.1]])
    with pytest.raises(StructureError, match='not a crystal'):
        make_slabs(molecule, (1, 1, 0), thickness=5.0)
