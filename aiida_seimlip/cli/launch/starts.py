"""Starts of explorations where none is given: frames of the training set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import click
import numpy as np
from aiida.cmdline.utils import echo

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames

N_STARTS = 3


def choose_starts(training: Iterable[FramesData]) -> FramesData:
    """Return frames of the most common composition to start from: that of the lowest energy, and two of the lower half.

    :param training: labelled sets.
    :raises click.UsageError: if no frame is periodic in all directions, as explorations need.
    """
    frames = Frames.concatenate(node.get_frames(trace=True) for node in training)
    formulas = np.array(frames.formulas)
    usable = frames.pbc.all(axis=1) & frames.labelled & (frames.sizes > 1)
    if not usable.any():
        raise click.UsageError(
            'No frame of the training set can be a start (labelled, periodic in all directions, of more than one '
            'atom): give one with --structure.'
        )
    formula, number = Counter(formulas[usable].tolist()).most_common(1)[0]
    candidates = np.flatnonzero(usable & (formulas == formula))
    assert frames.energies is not None
    ranked = candidates[np.argsort(frames.energies[candidates], kind='stable')]
    chosen = np.unique(ranked[[0, len(ranked) // 4, len(ranked) // 2]])[:N_STARTS]
    echo.echo_report(
        f'No --structure is given: explorations start from frame(s) {", ".join(map(str, chosen))} of the training set, '
        f'of {formula} ({number} of {len(frames)} frames).'
    )
    node = FramesData(frames[chosen].without_labels())
    node.label = 'starts from the training set'
    return node
