"""What jobs of models have made of their frames, and what is known of the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.analysis.composition_span import count_elements, spans
from aiida_seimlip.science.frames import Frames

NOT_REACHED = 'the job did not come to it'
"""Why a frame was not finished, where the job says nothing of it."""
KNOWN_GRADE = 2.0
"""At a higher grade a potential is beyond what it has learned."""


@calcfunction
def join_jobs(**jobs: Any) -> dict[str, orm.Data]:
    """Return what jobs have made of the same frames, of which each was given what the one before left undone.

    :param jobs: for each, in order of the names, its outputs ``labelled``, ``failures``, ``results`` and ``trace``, as
        far as there are.
    :return: the same, as if one job had done it all, in the order of the frames.
    """
    ordered = [job for _, job in sorted(jobs.items())]
    indices = [index for job in ordered if 'labelled' in job for index in job['results']['indices']]
    notes = {index: note for job in ordered for index, note in job['results'].get_dict().get('notes', {}).items()}
    reasons = {index: reason for job in ordered for index, reason in job['failures'].get_dict().items()}
    done = set(map(str, indices))
    joined: dict[str, orm.Data] = {
        'failures': orm.Dict({index: reason for index, reason in reasons.items() if index not in done}),
        'results': orm.Dict({'indices': sorted(indices), 'notes': notes}),
    }
    sets = [job['labelled'].get_frames(trace=True) for job in ordered if 'labelled' in job]
    if sets:
        order = sorted(range(len(indices)), key=indices.__getitem__)
        joined['labelled'] = FramesData(Frames.concatenate(sets)[order])
    traces = [job['trace'].get_frames(trace=True) for job in ordered if 'trace' in job]
    if traces:
        trace = Frames.concatenate(traces)
        origins = np.asarray(trace.origin_indices)
        joined['trace'] = FramesData(trace[np.unique(origins, return_index=True)[1]])
    return joined


@dataclass(frozen=True)
class Finished:
    """What a job has made of its frames.

    :param frames: those that were finished, labelled.
    :param indices: for each the frame of the input that it belongs to.
    :param failures: reasons of all others by their index.
    :param notes: what is to be known of finished ones, by their index: relaxations that have not converged.
    """

    frames: Frames
    indices: list[int]
    failures: dict[int, str]
    notes: dict[int, str]

    @classmethod
    def of(cls, outputs: Mapping[str, Any], n_frames: int, problem: str) -> Finished:
        """Read the outputs of a job.

        :param outputs: ``labelled`` frames, ``failures``, and ``results``, as far as there are; without ``results`` the
            frames are those of the input that did not fail, in order, and without ``failures`` as well those that they
            say are their origins, unless all are there.
        :param n_frames: of the input.
        :param problem: why frames have no result, where the job does not tell.
        """
        told = outputs['failures'].get_dict() if 'failures' in outputs else {}
        indices: list[int] = []
        if 'results' in outputs:
            indices = list(outputs['results']['indices'])
        elif 'failures' in outputs or ('labelled' in outputs and outputs['labelled'].n_frames == n_frames):
            indices = [index for index in range(n_frames) if str(index) not in told]
        elif 'labelled' in outputs:
            indices = [int(index) for index in outputs['labelled'].get_frames(trace=True).origin_indices]
        frames = outputs['labelled'].get_frames(trace=True) if 'labelled' in outputs else Frames.empty()
        lost = set(range(n_frames)) - set(indices)
        failures = {index: told.get(str(index), problem) for index in sorted(lost)}
        notes = outputs['results'].get_dict().get('notes', {}) if 'results' in outputs else {}
        # the class of the exception that begins a note says nothing to a reader
        return cls(frames, indices, failures, {int(index): note.partition(': ')[2] for index, note in notes.items()})

    def graded_by(self, potential: PotentialData | None) -> Finished:
        """Return the same with the extrapolation grades of the frames, which are NaN for models that know none.

        :param potential: of a model that is one.
        """
        grades = np.array([np.nan if grade is None else grade for grade in find_grades(potential, self.frames)])
        return replace(self, frames=self.frames.replace(grades=grades)) if len(self.frames) else self

    def among(self, expected: Sequence[int]) -> Frames:
        """Return frames of the input, in order.

        :param expected: their indices.
        :raises ValueError: if some were not finished.
        """
        reasons = [self.failures[index] for index in expected if index in self.failures]
        if reasons:
            which = f'{len(reasons)} of {len(expected)} frames failed, the first with: ' if len(expected) > 1 else ''
            raise ValueError(f'{which}{reasons[0]}')
        return self.frames[[self._places[index] for index in expected]]

    @cached_property
    def _places(self) -> dict[int, int]:
        """Where the frames stand that belong to those of the input."""
        return {index: place for place, index in enumerate(self.indices)}


def describe_model(found: Mapping[str, Any]) -> str:
    """Return who is behind a model: the method of its labels, or which potential it is.

    :param found: ``potential`` of a model that is one, ``labelled`` frames of any other.
    """
    potential: PotentialData | None = found.get('potential')
    if potential is not None:
        level = '' if potential.level is None else f' of level {potential.level}'
        return f'{potential.family.upper()}{level}, {potential.uuid}'
    methods = found['labelled'].methods if 'labelled' in found else {}
    return next(iter(methods), '')


def find_grades(potential: PotentialData | None, frames: Frames) -> list[float | None]:
    """Return the extrapolation grade of each frame, None for models that know none."""
    if potential is None or potential.family != 'mtp' or potential.selection_mode is None:
        return [None] * len(frames)
    from aiida_seimlip.science.mtp.grade import grade

    return [if_known(float(value)) for value in grade(potential.get_mtp(), frames).frame]


def grades_of(frame: Frames | str) -> list[float]:
    """Return the grades that frames carry, as far as they are known.

    :param frame: of `Finished.graded_by`, or why there is none.
    """
    if isinstance(frame, str) or frame.grades is None:
        return []
    return [float(grade) for grade in frame.grades if np.isfinite(grade)]


def doubt_of_composition(potential: PotentialData | None, frame: Frames) -> str | None:
    """Say that the energy of a frame means nothing beside that of other compositions, None if it does or may.

    :param potential: of a model that is one.
    :param frame: one.
    """
    if potential is None or potential.compositions is None:
        return None
    (counts,) = count_elements(frame, potential.species)
    if spans(np.array(potential.compositions), counts):
        return None
    known = ', '.join(potential.spanned_formulas)
    return (
        f'The energy of {frame.formulas[0]} means nothing beside that of other compositions: the training set of the '
        f'potential holds {known} and what is made of them.'
    )


def if_known(value: float) -> float | None:
    """Return a number, None in the place of one that is not finite."""
    return value if np.isfinite(value) else None
