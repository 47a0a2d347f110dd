"""Tracks of known diffusion, and a small diffusivity to put them into."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.workflows.conftest import crystal

KB = 8.617333262e-5
SPACING = 3.0
EDGE = 5.3

OPTIONS = {
    'seed': 7, 'mobile': ['Ne'], 'temperatures': [600.0, 1000.0], 'check_parity': False, 'rdf': None,
    'dynamics': {
        'timestep': 1.0, 'equilibration_steps': 0, 'production_steps': 399_000, 'track_every': 1000,
        'dump_every': 100_000,
    },
}  # fmt: skip


def lattice_walk(diffusivity: float, *, n_frames: int = 400, n_ions: int = 8, seed: int = 0) -> Any:
    """Return a track of ions that hop between the points of a cubic lattice, and vibrate about them.

    :param diffusivity: in m²/s; Γ a²/6 for hops at the rate Γ over the distance a.
    """
    from aiida_seimlip.science.analysis.track import Track

    interval = 1.0  # ps
    rate = 6.0 * diffusivity * 1e8 / SPACING**2
    rng = np.random.default_rng(seed)
    hops = rng.poisson(rate * interval, size=(n_frames - 1, n_ions))
    steps = np.zeros((n_frames, n_ions, 3))
    for frame, ion in np.argwhere(hops):
        directions = rng.integers(0, 6, size=hops[frame, ion])
        signs, axes = 2 * (directions % 2) - 1, directions // 2
        np.add.at(steps[frame + 1, ion], axes, SPACING * signs)
    positions = steps.cumsum(axis=0) + rng.normal(scale=0.1, size=steps.shape)
    cells = np.broadcast_to(np.diag([2 * EDGE, EDGE, EDGE]), (n_frames, 3, 3))
    return Track(
        positions=positions, symbols=('Ne',) * n_ions, framework=np.zeros((n_frames, 3)), cells=cells,
        steps=1000 * np.arange(n_frames), timestep=1.0,
    )  # fmt: skip


def arrhenius(temperature: float, D0: float = 1e-7, Ea: float = 0.25) -> float:
    """Return D0 exp(-Ea / kT) in m²/s."""
    return D0 * np.exp(-Ea / (KB * temperature))


def diffusivity_inputs(code: Any, potential: Any) -> dict[str, Any]:
    """Return inputs of `DiffusivityWorkChain` that pass all checks.

    :param code: for `seimlip.lammps`.
    :param potential: for neon and argon.
    """
    from aiida_seimlip.data.frames import FramesData

    structure = FramesData.from_atoms([crystal()])
    return {'structure': structure, 'potential': potential, 'options': OPTIONS, 'dynamics': {'code': code}}
