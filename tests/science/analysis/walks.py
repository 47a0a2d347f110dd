"""Random walks whose diffusion coefficient, and more, is known."""

import numpy as np

from aiida_seimlip.science.analysis.track import Track

CELL_EDGE = 20.0


def lattice_walk(n_frames, n_ions, seed, *, hop=3.0, chance=0.02, vibration=0.0):
    """Return a track of ions that hop along x, y or z now and then: D = chance · hop² / 6 per frame.

    The vibration is of ions that forget within two frames or so where they were.
    """
    random = np.random.default_rng(seed)
    steps = np.zeros((n_frames, n_ions, 3))
    axes = random.integers(0, 3, (n_frames, n_ions, 1))
    lengths = random.choice([-hop, hop], (n_frames, n_ions, 1)) * (random.random((n_frames, n_ions, 1)) < chance)
    np.put_along_axis(steps, axes, lengths, 2)
    return as_track(np.cumsum(steps, axis=0) + caged(n_frames, n_ions, random, vibration, 0.5))


def convoy_walk(n_frames, n_convoys, size, seed, *, chance=0.1):
    """Return a track of ions that always hop together with others: the Haven ratio is one over their number."""
    track = lattice_walk(n_frames, n_convoys, seed, chance=chance)
    return as_track(np.repeat(track.positions, size, axis=1))


def caged(n_frames, n_ions, random, amplitude, memory):
    """Return positions of ions tied to their sites, which remember a share of the displacement of the frame before."""
    kicks = amplitude * random.normal(size=(n_frames, n_ions, 3))
    positions = np.empty_like(kicks)
    positions[0] = kicks[0]
    for frame in range(1, n_frames):
        positions[frame] = memory * positions[frame - 1] + np.sqrt(1.0 - memory**2) * kicks[frame]
    return positions


def vacancy_walk(edge, n_hops, seed):
    """Return a track of the ions of a simple cubic lattice of edge 1 with one vacancy, a frame after each of its hops.

    The vacancy is a plain random walk, so that the collective diffusion is known exactly: one hop of length 1 for each
    frame. In a large lattice the ions diffuse 0.6531 times as much as there are hops.
    """
    random = np.random.default_rng(seed)
    axes, signs = random.integers(0, 3, n_hops), random.choice([-1, 1], n_hops)
    owner = np.arange(-1, edge**3 - 1).reshape(edge, edge, edge)
    hole = [0, 0, 0]
    steps = np.zeros((n_hops + 1, edge**3 - 1, 3))
    for frame, (axis, sign) in enumerate(zip(axes, signs, strict=True), start=1):
        neighbour = hole.copy()
        neighbour[axis] = (neighbour[axis] + sign) % edge
        ion = owner[tuple(neighbour)]
        owner[tuple(hole)], owner[tuple(neighbour)] = ion, -1
        steps[frame, ion, axis] = -sign
        hole = neighbour
    return as_track(np.cumsum(steps, axis=0))


def as_track(positions, symbols=None, interval=1.0):
    """Return a track with frames at even distances in ps, in a cubic cell."""
    n_frames, n_ions, _ = positions.shape
    return Track(
        positions=positions,
        symbols=symbols or ('Li',) * n_ions,
        framework=np.zeros((n_frames, 3)),
        cells=np.tile(np.eye(3) * CELL_EDGE, (n_frames, 1, 1)),
        steps=np.arange(n_frames),
        timestep=1000.0 * interval,
    )
