"""From what is known about single frames to `Frames`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aiida_seimlip.exchange.readers.found import Record
from aiida_seimlip.science.frames import Frames


def pack(records: Sequence[Record]) -> Frames:
    """Pack frames; what no frame knows is left out.

    :param records: the frames, in order.
    :raises FramesError: if a cell, a position or a species cannot be.
    """
    if not records:
        return Frames.empty()
    frames = Frames(
        numbers=np.concatenate([record.numbers for record in records]),
        positions=np.concatenate([record.positions for record in records]),
        ptr=np.cumsum([0, *(len(record.numbers) for record in records)]),
        cells=np.array([record.cell for record in records]),
        pbc=np.array([record.pbc for record in records]),
        energies=_known(np.array([record.energy for record in records])),
        forces=_per_atom(records, 'forces'),
        stresses=_known(np.array([_filled(record.stress, (6,)) for record in records])),
        grades=_known(np.array([record.grade for record in records])),
        velocities=_per_atom(records, 'velocities'),
        methods=_texts([record.method for record in records]),
        energy_kinds=_texts([record.energy_kind for record in records]),
        origin_uuids=_texts([record.origin[0] for record in records]),
        origin_indices=_counts([record.origin[1] for record in records]),
        origin_steps=_counts([record.step for record in records]),
    )
    features = [record.features for record in records]
    return frames.with_features(features) if any(features) else frames


def _known(values: np.ndarray) -> np.ndarray | None:
    return values if np.any(np.isfinite(values)) else None


def _filled(values: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, np.nan) if values is None else values


def _per_atom(records: Sequence[Record], name: str) -> np.ndarray | None:
    parts = [_filled(getattr(record, name), record.positions.shape) for record in records]
    return _known(np.concatenate(parts))


def _texts(values: Sequence[str]) -> np.ndarray | None:
    return np.array(values) if any(values) else None


def _counts(values: Sequence[int]) -> np.ndarray | None:
    return np.array(values) if max(values) >= 0 else None
