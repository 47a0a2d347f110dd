"""Calcfunctions that answer from recorded results what a reference program was asked before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.ase import MdOptions
from aiida_seimlip.science.frames import Frames

NOT_RECORDED = 'NotRecorded'
"""How the reason of a frame begins that no record holds an answer for."""


@calcfunction
def explain_unrecorded(frames: FramesData) -> orm.Dict:
    """Say of each frame that no source holds a label of it.

    :param frames: what is left after `take_known`.
    :return: index of each frame, as a string, and the reason.
    """
    return orm.Dict({
        str(index): f'{NOT_RECORDED}: no source holds a label of the frame with the content hash {value}.'
        for index, value in enumerate(frames.hashes)
    })  # fmt: skip


@calcfunction
def replay_dynamics(frames: FramesData, dynamics: orm.Dict, **records: Any) -> dict[str, orm.Data]:
    """Answer molecular dynamics by recorded samples.

    A record answers for a start if the same frame stood at the same place among the starts, which gives it its
    temperature and its random numbers, and all settings of the dynamics were the same.

    :param frames: the starts.
    :param dynamics: as `MdOptions`.
    :param records: each with ``frames`` and ``dynamics`` as they were asked, ``samples`` (labelled) and, if known, the
        ``failures``, which fail again.
    :return: ``frames`` (the samples in order of start and step, with `frames` as their origin; absent if there are
        none) and ``failures`` (index of each start without an answer, and the reason).
    """
    settings = MdOptions.from_node(dynamics).to_dict()
    asked = [record for _, record in sorted(records.items()) if _settings(record) == settings]
    parts: list[Frames] = []
    failures: dict[str, str] = {}
    for index, value in enumerate(frames.hashes):
        record = next((record for record in asked if _is_start(record['frames'], index, value)), None)
        samples = None if record is None else _samples_from(record, index)
        if samples is not None:
            parts.append(samples.replace(origin_uuids=np.full(len(samples), frames.uuid)))
        recorded = record['failures'].get_dict() if record is not None and 'failures' in record else {}
        if str(index) in recorded:
            failures[str(index)] = recorded[str(index)]
        elif samples is None:
            failures[str(index)] = (
                f'{NOT_RECORDED}: no record holds these dynamics from the frame with the content hash {value}.'
            )
    outputs: dict[str, orm.Data] = {'failures': orm.Dict(failures)}
    if parts:
        outputs['frames'] = FramesData(Frames.concatenate(parts))
    return outputs


def _settings(record: Mapping[str, Any]) -> dict[str, Any]:
    return MdOptions.from_node(record['dynamics']).to_dict()


def _is_start(starts: FramesData, index: int, content_hash: str) -> bool:
    hashes = starts.hashes
    return index < len(hashes) and hashes[index] == content_hash


def _samples_from(record: Mapping[str, Any], index: int) -> Frames | None:
    """Return the recorded samples from the start at a place, None if there are none."""
    samples: Frames = record['samples'].get_frames()
    if samples.origin_uuids is None or samples.origin_indices is None:
        return None
    mine = np.flatnonzero((samples.origin_uuids == record['frames'].uuid) & (samples.origin_indices == index))
    return samples[mine] if mine.size else None
