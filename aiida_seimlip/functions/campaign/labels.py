"""Calcfunctions that label frames with what is known already, so that no label is computed twice."""

from __future__ import annotations

import numpy as np
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frame_arrays import LABELS
from aiida_seimlip.science.frames import Frames


@calcfunction
def take_known(frames: FramesData, **sources: FramesData) -> dict[str, FramesData]:
    """Label those frames that occur among labelled ones, recognised by their content.

    Origins, grades and velocities stay those of `frames`. Where several sources hold a frame, the first in the order of
    their names gives the label, and who computed it; frames of the sources without energy or forces are passed over.
    What a potential predicted is taken where nothing else is known, and remains a prediction.

    :param frames: the frames to be labelled.
    :param sources: sets of frames that the same program has labelled with the same settings.
    :return: ``known`` (with labels, in order) and ``unknown`` (without, in order); each absent if there are none.
    """
    traced = frames.get_frames(trace=True).without_labels()
    labels = Frames.concatenate(node.get_frames() for _, node in sorted(sources.items()))
    where: dict[str, int] = {}
    known_hashes = labels.hashes()
    for index in (*np.flatnonzero(labels.labelled), *np.flatnonzero(labels.is_evaluated & labels.is_predicted)):
        where.setdefault(known_hashes[index], int(index))
    hashes = frames.hashes
    known = [index for index, value in enumerate(hashes) if value in where]
    unknown = [index for index, value in enumerate(hashes) if value not in where]
    outputs: dict[str, FramesData] = {}
    if known:
        found = labels[[where[hashes[index]] for index in known]]
        outputs['known'] = FramesData(traced[known].replace(**{name: getattr(found, name) for name in LABELS}))
    if unknown:
        outputs['unknown'] = FramesData(traced[unknown])
    return outputs
