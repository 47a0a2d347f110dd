"""Radial distributions against an ideal gas, a crystal and a slow loop over images."""

import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aiida_seimlip.science.analysis.bonds import role_kinds
from aiida_seimlip.science.analysis.rdf import RadialDistributionError, radial_distribution
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import li2co3
from tests.science.analysis.molecules import ethylene_dicarbonate_ion, in_box

MONOCLINIC = np.array([[14.0, 0.0, 0.0], [0.0, 13.0, 0.0], [-6.0, 0.0, 15.0]])


def ideal_gas(n_frames, n_atoms=200, seed=1, strain=0.0):
    rng = np.random.default_rng(seed)
    cells = [MONOCLINIC * (1.0 + strain * rng.normal()) for _ in range(n_frames)]
    return Frames.from_atoms(
        [Atoms(f'Ar{n_atoms}', rng.random((n_atoms, 3)) @ cell, cell=cell, pbc=True) for cell in cells]
    )


def noisy_carbonate(n_frames=3, seed=2, strain=0.03):
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(n_frames):
        atoms = li2co3()
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0, strain, (3, 3))), scale_atoms=True)
        atoms.positions += rng.normal(0, 0.1, atoms.positions.shape)
        images.append(atoms)
    return Frames.from_atoms(images)


def double_loop(frames, one, two, edges):
    """Return g(r) and the coordination numbers from all pairs of atoms in all images, one by one."""
    found, expected, centres = np.zeros(edges.size - 1), np.zeros(edges.size - 1), 0
    for frame in frames.to_atoms():
        centre, neighbour = ([atom.index for atom in frame if atom.symbol == symbol] for symbol in (one, two))
        for i, j in itertools.product(centre, neighbour):
            for shift in itertools.product(range(-3, 4), repeat=3):
                distance = np.linalg.norm(frame.positions[j] - frame.positions[i] + shift @ frame.cell.array)
                if 0.0 < distance < edges[-1]:
                    found[np.searchsorted(edges, distance, side='right') - 1] += 1
        volumes = 4 / 3 * np.pi * (edges[1:] ** 3 - edges[:-1] ** 3)
        expected += len(centre) * len(neighbour) / frame.get_volume() * volumes
        centres += len(centre)
    return found / expected, np.cumsum(found) / centres


def test_ideal_gas():
    """Numbers of pairs scatter by their square root, so that the squares of scaled deviations are 1 on the average."""
    frames = ideal_gas(n_frames=100, strain=0.03)
    (pair,) = radial_distribution(frames, cutoff=6.0, bin_width=0.1, n_blocks=20).pairs
    shells = 4 / 3 * np.pi * ((pair.r + 0.05) ** 3 - (pair.r - 0.05) ** 3)
    n_pairs = np.sum(200 * 199 / 2 / frames.volumes) * shells
    expected = 1.0 - 1.0 / 200
    chosen = pair.r > 0.5  # nearer there are too few pairs for a normal distribution
    deviations = (pair.g - expected)[chosen] * np.sqrt(n_pairs[chosen])
    # 55 squares of normal numbers: 1 ± sqrt(2 / 55), here within three standard deviations
    assert np.mean(deviations**2) == pytest.approx(1.0, abs=3 * np.sqrt(2 / 55))
    # standard errors from 20 blocks scatter by 16 %, their mean over 55 bins by 2 %
    assert np.mean((pair.g_error * np.sqrt(n_pairs))[chosen]) == pytest.approx(1.0, abs=0.1)
    density = 200 * np.mean(1 / frames.volumes)
    assert pair.coordination[-1] == pytest.approx(density * expected * 4 / 3 * np.pi * 6.0**3, rel=0.01)


@pytest.mark.parametrize('cubic', [False, True])
def test_shells_of_fcc(cubic):
    """In the primitive cell all neighbours of an atom are its own images."""
    spacing = 4.0
    (pair,) = radial_distribution(
        Frames.from_atoms([bulk('Al', 'fcc', a=spacing, cubic=cubic)]), cutoff=5.5, bin_width=0.05
    ).pairs
    occupied = pair.g > 0
    shells = spacing * np.sqrt([0.5, 1.0, 1.5])
    assert pair.r[occupied] == pytest.approx(shells, abs=0.026)
    assert pair.coordination[occupied] == pytest.approx([12, 12 + 6, 12 + 6 + 24])


@pytest.mark.parametrize('pair', [('Li', 'Li'), ('Li', 'O'), ('O', 'Li'), ('C', 'C')])
def test_double_loop(pair):
    """In a monoclinic cell of 5 × 6 × 8 Å that differs from frame to frame, further than its faces."""
    frames = noisy_carbonate()
    result = radial_distribution(frames, pairs=[pair], cutoff=7.0, bin_width=0.25)[pair]
    g, coordination = double_loop(frames, *pair, np.linspace(0, 7, 29))
    assert result.g == pytest.approx(g, rel=1e-12)
    assert result.coordination == pytest.approx(coordination, rel=1e-12)


def test_unwrapped_positions_change_nothing():
    frames = noisy_carbonate()
    rng = np.random.default_rng(3)
    shifts = rng.integers(-5, 6, (frames.numbers.size, 3)).astype(float)
    moved = frames.positions + np.einsum('ni,nij->nj', shifts, frames.cells[frames.frame_of_atom])
    before, after = (radial_distribution(one, cutoff=5.0) for one in (frames, frames.replace(positions=moved)))
    for one, two in zip(before.pairs, after.pairs, strict=True):
        # a distance may cross the edge of a bin by rounding
        assert np.abs(one.coordination - two.coordination).max() < 1e-1
        assert one.coordination[-1] == pytest.approx(two.coordination[-1])


def test_every_two_kinds_once():
    frames = noisy_carbonate(1)
    result = radial_distribution(frames, cutoff=4.0)
    assert [pair.key for pair in result.pairs] == ['Li_Li', 'Li_C', 'Li_O', 'C_C', 'C_O', 'O_O']


def test_first_shells_of_carbonate():
    """Li has four oxygens, carbon three; C2/c by experiment: Li-O 1.91 to 2.18, C-O 1.27 to 1.31 Å."""
    atoms = li2co3().repeat((2, 2, 2))
    rng = np.random.default_rng(4)
    images = [atoms.copy() for _ in range(10)]
    for image in images:
        image.positions += rng.normal(0, 0.05, image.positions.shape)
    frames = Frames.from_atoms(images)
    result = radial_distribution(frames, kinds=role_kinds(frames), cutoff=6.0)
    lithium, carbon = result['Li', 'O_carbonate'].first_shell(), result['C', 'O_carbonate'].first_shell()
    assert lithium.coordination == pytest.approx(4.0)
    assert 1.9 < lithium.peak < 2.1
    assert 2.2 < lithium.minimum < 2.9
    assert carbon.coordination == pytest.approx(3.0)
    assert carbon.coordination_error == pytest.approx(0.0)
    assert carbon.peak == pytest.approx(1.285, abs=0.03)


def test_gas_has_no_shell():
    (pair,) = radial_distribution(ideal_gas(2, n_atoms=2), cutoff=0.2, bin_width=0.02).pairs
    assert not pair.g.any()
    assert pair.first_shell() is None


def test_oxygens_by_role():
    frames = Frames.from_atoms([in_box(ethylene_dicarbonate_ion())])
    pairs = [('O_ether', 'C'), ('O_carbonyl', 'C'), ('C', 'O_ether')]
    result = radial_distribution(frames, kinds=role_kinds(frames), pairs=pairs, cutoff=1.6)
    assert result['O_ether', 'C'].coordination[-1] == pytest.approx(2.0)
    assert result['O_carbonyl', 'C'].coordination[-1] == pytest.approx(1.0)
    assert result['C', 'O_ether'].coordination[-1] == pytest.approx(1.0)


def test_errors_from_blocks():
    frames = noisy_carbonate(1, strain=0.0)
    (alone,) = radial_distribution(frames, pairs=[('Li', 'O')], cutoff=4.0).pairs
    assert np.isnan(alone.g_error).all()
    repeated = radial_distribution(Frames.concatenate([frames] * 4), pairs=[('Li', 'O')], cutoff=4.0)
    assert repeated.n_blocks == 4
    assert repeated.pairs[0].g == pytest.approx(alone.g)
    assert repeated.pairs[0].g_error == pytest.approx(0.0, abs=1e-12)


def test_wrong_inputs_are_refused():
    frames = noisy_carbonate(2)
    with pytest.raises(RadialDistributionError, match='no frames'):
        radial_distribution(Frames.empty())
    pbc = frames.pbc.copy()
    pbc[1, 2] = False
    with pytest.raises(RadialDistributionError, match='Frame 1 is not periodic'):
        radial_distribution(frames.replace(pbc=pbc))
    with pytest.raises(RadialDistributionError, match='no atoms of the kind `Na`, only Li, C, O'):
        radial_distribution(frames, pairs=[('Na', 'O')])
    with pytest.raises(RadialDistributionError, match='24 kinds are given for 48 atoms'):
        radial_distribution(frames, kinds=role_kinds(frames[0]))
    with pytest.raises(RadialDistributionError, match='do not fit'):
        radial_distribution(frames, cutoff=1.0, bin_width=2.0)
    with pytest.raises(KeyError):
        radial_distribution(frames, cutoff=3.0)['Na', 'O']
