"""Neighbourhoods as points: what must not change their place, and what must."""

import numpy as np
import pytest
from ase.build import bulk, make_supercell

from aiida_seimlip.science.farthest_points import choose_farthest, nearest_distances
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.descriptors import DescriptorSpace
from aiida_seimlip.science.mtp.levels import untrained

EMPTY = Frames.empty()


def crystal(seed, scale=0.05):
    """Return 16 ions of rock salt, displaced."""
    atoms = bulk('LiF', 'rocksalt', a=4.03, cubic=True) * (2, 1, 1)
    atoms.positions += np.random.default_rng(seed).normal(scale=scale, size=(16, 3))
    return atoms


def space_of(known, others=()):
    basis = untrained(8, ('Li', 'F'), min_dist=0.5, max_dist=4.5)
    sets = [Frames.from_atoms(list(group)) if group else EMPTY for group in (known, others)]
    return DescriptorSpace.build(basis, *sets, seed=0)


def test_copies_have_the_same_place():
    """Turned, mirrored, moved, renumbered, and as a supercell."""
    atoms, matrix = crystal(1), np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ matrix, scale_atoms=False)
    turned.positions = atoms.positions @ matrix + [1.0, -2.0, 0.5]
    renumbered = atoms[np.random.default_rng(3).permutation(16)]
    doubled = make_supercell(atoms, np.diag([1, 2, 1]))
    space = space_of([crystal(seed) for seed in range(5, 9)], [atoms])
    home = space.place(Frames.from_atoms([atoms]))
    for other in (turned, renumbered, doubled):
        copy = space.place(Frames.from_atoms([other]))
        assert nearest_distances(copy, home.points, home.kinds).max() < 1e-9
        assert nearest_distances(home, copy.points, copy.kinds).max() < 1e-9


def test_distances_grow_with_displacements():
    known = [crystal(seed) for seed in range(6)]
    space = space_of(known)
    home = space.place(Frames.from_atoms(known))
    novelty = []
    for step in (0.01, 0.05, 0.2, 0.5):
        atoms = known[0].copy()
        atoms.positions[3] += [step, 0.0, 0.0]
        cloud = space.place(Frames.from_atoms([atoms]))
        novelty.append(choose_farthest(cloud, home, 1).initial[0])
    assert (np.diff(novelty) > 0).all()


def test_elements_are_told_apart():
    """An exchange of two ions is far away, farther than any displacement of the training set."""
    known = [crystal(seed) for seed in range(6)]
    exchanged = crystal(20)
    exchanged.symbols[[0, 1]] = exchanged.symbols[[1, 0]]
    space = space_of(known)
    home = space.place(Frames.from_atoms(known))
    cloud = space.place(Frames.from_atoms([crystal(30), crystal(31), exchanged]))
    initial = choose_farthest(cloud, home, 1).initial
    assert initial[2] > 2 * initial[:2].max()


def test_distances_are_in_standard_deviations():
    """Two neighbourhoods drawn at random are the root of two of them apart."""
    known = [crystal(seed) for seed in range(20)]
    space = space_of(known)
    cloud = space.place(Frames.from_atoms(known))
    for kind in (3, 9):
        points = cloud.points[cloud.kinds == kind]
        squares = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
        n = len(points)
        assert squares.sum() / (n * n) == pytest.approx(2.0, rel=1e-6)


def test_an_element_that_is_new_is_infinitely_far():
    fluorine = bulk('F', 'fcc', a=4.0)
    space = space_of([bulk('Li', 'bcc', a=3.4)], [fluorine])
    home, cloud = (space.place(Frames.from_atoms([atoms])) for atoms in (bulk('Li', 'bcc', a=3.4), fluorine))
    assert np.isinf(choose_farthest(cloud, home, 1).initial[0])


def test_phases_are_all_found():
    """Frames of four phases, many of one and one of each other: the farthest four are one of each."""
    phases = [
        [crystal(seed) for seed in range(10)],
        [bulk('LiF', 'cesiumchloride', a=2.5) * (2, 2, 2)],
        [bulk('LiF', 'zincblende', a=4.4, cubic=True)],
        [bulk('LiF', 'rocksalt', a=3.5, cubic=True)],
    ]
    frames = Frames.from_atoms([atoms for phase in phases for atoms in phase])
    labels = np.repeat(np.arange(4), [len(phase) for phase in phases])
    cloud = space_of([], [atoms for phase in phases for atoms in phase]).place(frames)
    chosen = choose_farthest(cloud, space_of([], list(frames.to_atoms())).place(EMPTY), 4)
    assert sorted(labels[chosen.indices]) == [0, 1, 2, 3]
