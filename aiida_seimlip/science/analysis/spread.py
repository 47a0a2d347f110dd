"""How much labels differ from one another: what a potential has to beat to be worth anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.frames import Frames


@dataclass(frozen=True)
class Spread:
    """Root mean squares of labels about their simplest explanation; NaN where nothing is left to explain.

    :param energy_per_atom: of the energies in eV per atom, about the best sum of one constant for each element.
    :param force_component: of the Cartesian components of the forces in eV/Å, about zero.
    """

    energy_per_atom: float
    force_component: float


def find_spread(frames: Frames) -> Spread:
    """Return how much the labels of frames differ from one another.

    :param frames: with energies and forces; frames in which one is unknown (NaN) are left out for that one.
    """
    return Spread(_energy_spread(frames), _force_spread(frames))


def _energy_spread(frames: Frames) -> float:
    if frames.energies is None:
        return float('nan')
    elements = np.unique(frames.numbers)
    counts = np.array([
        [np.sum(frames.numbers[begin:end] == element) for element in elements]
        for begin, end in zip(frames.ptr[:-1], frames.ptr[1:], strict=True)
    ])  # fmt: skip
    known = np.isfinite(frames.energies)
    if not known.any():
        return float('nan')
    sizes = frames.sizes[known]
    shares, energies = counts[known] / sizes[:, None], frames.energies[known] / sizes
    constants, _, rank, _ = np.linalg.lstsq(shares, energies, rcond=None)
    if energies.size <= rank:
        return float('nan')
    return float(np.sqrt(np.mean((energies - shares @ constants) ** 2)))


def _force_spread(frames: Frames) -> float:
    if frames.forces is None:
        return float('nan')
    known = frames.forces[np.isfinite(frames.forces)]
    return float(np.sqrt(np.mean(known**2))) if known.size else float('nan')
