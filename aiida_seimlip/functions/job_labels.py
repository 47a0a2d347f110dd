"""What calcfunctions have in common that make jobs of frames, one for each, and labels of what the jobs returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.frames import NOT_FINISHED
from aiida_seimlip.science.frames import Frames

JOB_KEY = 'seimlip_job'
"""Extra of each structure: what is to be done with it, so that the job is found that does it."""


class LabelError(ValueError):
    """What a program returned is no label; the message begins with the cause and says why."""


def job_name(index: int) -> str:
    """Return the name of the job for a frame."""
    return f'frame_{index:05d}'


def explain_not_periodic(program: str) -> str:
    """Return the reason for which a program has no label for a frame that is not periodic in all directions."""
    return f'NotPeriodic: {program} repeats every cell in all directions, but this frame does not.'


def periodic_frames(frames: FramesData) -> Iterator[tuple[int, Frames, str]]:
    """Yield the index, the frame and its content hash of all that are periodic in all directions."""
    content = frames.get_frames()
    for index, value in enumerate(frames.hashes):
        if content.pbc[index].all():
            yield index, content[index], value


def to_structure(frame: Frames, key: str, order: np.ndarray | None = None) -> orm.StructureData:
    """Return a structure that says what is to be done with it.

    :param frame: one frame.
    :param key: what identifies the work of the job, beside the method.
    :param order: indices of the atoms in the order in which they are to be; by default as they come.
    """
    (atoms,) = frame.without_labels().to_atoms()
    structure = orm.StructureData(ase=atoms if order is None else atoms[order])
    structure.base.extras.set(JOB_KEY, key)
    return structure


def collect_labels(
    frames: FramesData, reasons: Mapping[str, str], jobs: Mapping[str, Any], program: str,
    label: Callable[[int, Frames, Any, str | None], Frames],
) -> dict[str, orm.Data]:  # fmt: skip
    """Make labels of what the jobs returned, in the order of the frames.

    :param frames: the frames that the jobs were for.
    :param reasons: why a job did not end well, by its name.
    :param jobs: what each job returned, by its name.
    :param program: its name, for the reasons.
    :param label: makes labelled frames of the index, the frame, what its job returned and the reason for which that did
        not end well; raises `LabelError` if there are none.
    :return: ``labelled`` (absent if there are none) and ``failures`` (index and reason).
    """
    everything = frames.get_frames(trace=True).without_labels()
    labelled, failures = [], {}
    for index in range(len(everything)):
        name, frame = job_name(index), everything[index]
        reason = reasons.get(name) or (None if frame.pbc.all() else explain_not_periodic(program))
        try:
            if name not in jobs:
                raise LabelError(reason or f'{NOT_FINISHED}: no job returned this frame.')
            labelled.append(label(index, frame, jobs[name], reason))
        except LabelError as exception:
            failures[str(index)] = str(exception)
    outputs: dict[str, orm.Data] = {'failures': orm.Dict(failures)}
    if labelled:
        outputs['labelled'] = FramesData(Frames.concatenate(labelled))
    return outputs


def check_finite(values: Mapping[str, np.ndarray], source: str) -> None:
    """Refuse numbers that are none.

    :param values: arrays by name.
    :param source: the file that they come from.
    :raises LabelError: if one holds a number that is not finite.
    """
    for name, array in values.items():
        if not np.isfinite(np.asarray(array, dtype=float)).all():
            raise LabelError(f'NonFiniteNumber: {source} holds {name} that are not finite.')
