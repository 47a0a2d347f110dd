"""Calcfunctions that divide and join sets of frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames

NOT_FINISHED = 'NotFinished'
"""How the reason of a frame begins that a job had no time for."""

BEGUN = f'{NOT_FINISHED}, begun'
"""How the reason of a frame begins that was being worked on when the job ended."""

LATE = 'Late'
"""How the reason of a frame begins that was still being labelled when the deadline came: it is no failure."""


@calcfunction
def split_frames(frames: FramesData, n_parts: orm.Int) -> dict[str, FramesData]:
    """Divide frames among jobs, in order and as evenly as possible.

    :param frames: the frames.
    :param n_parts: number of parts; fewer are made if there are fewer frames.
    :return: ``part_000``, ``part_001``, ...
    """
    everything = frames.get_frames(trace=True)
    parts = np.array_split(np.arange(len(everything)), min(n_parts.value, len(everything)))
    return {f'part_{number:03d}': FramesData(everything[indices]) for number, indices in enumerate(parts)}


@calcfunction
def unfinished_frames(frames: FramesData, failures: orm.Dict) -> FramesData:
    """Return the frames that a job had no time for.

    :param frames: all frames of the job.
    :param failures: index of each frame that is not labelled, and the reason.
    """
    return FramesData(frames.get_frames(trace=True)[list_unfinished(failures.get_dict())])


@calcfunction
def join_frames(**sets: FramesData) -> FramesData:
    """Join sets of frames, in the order of their names.

    :param sets: the sets.
    """
    return FramesData(Frames.concatenate(node.get_frames(trace=True) for _, node in sorted(sets.items())))


@calcfunction
def gather_late(**batches: Any) -> FramesData:
    """Return the frames whose labels were still out when the deadline came.

    :param batches: for each batch of frames that was sent to be labelled, ``frames`` and ``failures``.
    """
    return FramesData(
        Frames.concatenate(
            batch['frames'].get_frames(trace=True).without_labels()[list_late(batch['failures'].get_dict())]
            for _, batch in sorted(batches.items())
        )
    )


@calcfunction
def merge_labels(frames: FramesData, **jobs: Any) -> dict[str, orm.Data]:
    """Put the results of several jobs into the order of the frames.

    A frame that a later job labelled is no failure. Frames are recognised by their content.

    :param frames: all frames, in order.
    :param jobs: for each job, in order, ``frames`` (which it was given) and ``failures``, if there are, and
        ``labelled``, if there are.
    :return: ``frames`` (labelled; absent if there are none) and ``failures`` (index in `frames`, and the reason).
    """
    labelled: dict[str, Frames] = {}
    reasons: dict[str, str] = {}
    for _, job in sorted(jobs.items()):
        if 'failures' in job:
            given = job['frames'].hashes
            reasons |= {given[int(index)]: reason for index, reason in job['failures'].get_dict().items()}
        if 'labelled' in job:
            labelled |= dict(zip(job['labelled'].hashes, job['labelled'].get_frames(), strict=True))
    hashes = frames.hashes
    outputs: dict[str, orm.Data] = {
        'failures': orm.Dict({
            str(index): reasons.get(value, f'{NOT_FINISHED}: no job returned this frame.')
            for index, value in enumerate(hashes) if value not in labelled
        }),
    }  # fmt: skip
    if labelled:
        outputs['frames'] = FramesData(Frames.concatenate(labelled[value] for value in hashes if value in labelled))
    return outputs


def list_unfinished(failures: Mapping[str, str]) -> list[int]:
    """Return the indices of the frames that a job had no time for, those last that it was working on at its end.

    So a frame that hangs, or that takes its job down, cannot keep the others from being done by the next job.

    :param failures: index of each frame that is not labelled, and the reason.
    """
    unfinished = [
        (reason.startswith(BEGUN), int(index)) for index, reason in failures.items() if reason.startswith(NOT_FINISHED)
    ]
    return [index for _, index in sorted(unfinished)]


def list_late(failures: Mapping[str, str]) -> list[int]:
    """Return the indices of the frames that were still being labelled when the deadline came.

    :param failures: index of each frame that is not labelled, and the reason.
    """
    return sorted(int(index) for index, reason in failures.items() if reason.startswith(LATE))


def list_failed(failures: Mapping[str, str]) -> list[int]:
    """Return the indices of the frames that cannot be labelled: those that are late may be yet.

    :param failures: index of each frame that is not labelled, and the reason.
    """
    return sorted(int(index) for index, reason in failures.items() if not reason.startswith(LATE))
