"""What a report tells about a campaign, as plain data: nothing here knows AiiDA or matplotlib."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

OUTCOMES = ('completed', 'broke', 'crashed', 'out_of_walltime', 'failed')
"""How an exploration can end; any other word is shown as ``failed``."""


@dataclass(frozen=True)
class Errors:
    """Root-mean-square errors of a potential on a set of frames.

    :param n_frames: number of frames.
    :param energy: in meV per atom.
    :param force: in eV/Å per component.
    :param stress: in GPa per component of the 3×3 tensor, NaN where the reference gave none.
    """

    n_frames: int
    energy: float
    force: float
    stress: float


@dataclass(frozen=True, eq=False)
class Parity:
    """Reference and predicted values of one set of frames; the first row of each array is the reference.

    :param name: what the set is, such as ``training``.
    :param energies: in eV per atom; shape (2, n_frames).
    :param forces: components in eV/Å; shape (2, 3 n_atoms).
    :param stresses: components of the 3×3 tensors in GPa; shape (2, 9 n_frames), or fewer where some are unknown.
    """

    name: str
    energies: np.ndarray
    forces: np.ndarray
    stresses: np.ndarray

    @property
    def errors(self) -> Errors:
        """Root-mean-square errors of the set."""
        energy, force, stress = (_rms(pair[1] - pair[0]) for pair in (self.energies, self.forces, self.stresses))
        return Errors(self.energies.shape[1], 1e3 * energy, force, stress)


@dataclass(frozen=True)
class Exploration:
    """One MD run of one iteration.

    :param name: what identifies start and conditions from one iteration to the next.
    :param iteration: number of the iteration.
    :param outcome: one of :data:`OUTCOMES`.
    :param n_steps: MD steps done.
    :param n_steps_planned: MD steps asked for, 0 if unknown.
    :param highest_grade: highest extrapolation grade met, NaN if unknown.
    """

    name: str
    iteration: int
    outcome: str
    n_steps: int
    n_steps_planned: int
    highest_grade: float

    @property
    def survival(self) -> float:
        """Share of the planned steps that were done, from 0 to 1."""
        if self.outcome == 'completed':
            return 1.0
        return min(1.0, self.n_steps / self.n_steps_planned) if self.n_steps_planned else 0.0


@dataclass(frozen=True)
class Run:
    """One exploration from a start.

    :param condition: its name, such as ``nvt-300K``.
    :param temperature: in K.
    :param exploration: how it went.
    """

    condition: str
    temperature: float
    exploration: Exploration


@dataclass(frozen=True)
class Start:
    """One start, and what the explorations from it met.

    :param name: of the start.
    :param formula: of its cell, empty if unknown.
    :param runs: all explorations from it, in the order of iterations.
    :param n_broken: iterations in a row, up to the last, in which it stayed broken.
    :param quarantined: why it is explored no more, empty if it still is.
    """

    name: str
    formula: str
    runs: tuple[Run, ...]
    n_broken: int = 0
    quarantined: str = ''

    @property
    def last(self) -> dict[str, Run]:
        """The last exploration under each condition, the lowest temperature first."""
        found = {run.condition: run for run in self.runs}
        return dict(sorted(found.items(), key=lambda item: (item[1].temperature, item[0])))

    @property
    def n_survived(self) -> int:
        """Number of conditions of which the last exploration came to its end."""
        return sum(run.exploration.outcome == 'completed' for run in self.last.values())

    @property
    def highest_grade(self) -> float:
        """Highest grade of the last iteration in which it was explored; NaN if unknown."""
        last = max(run.exploration.iteration for run in self.runs)
        grades = [run.exploration.highest_grade for run in self.runs if run.exploration.iteration == last]
        known = [grade for grade in grades if np.isfinite(grade)]
        return max(known, default=float('nan'))


@dataclass(frozen=True)
class ErrorsByPart:
    """Errors on one set of frames, and where they come from.

    :param name: what the set is, such as ``training``.
    :param by_formula: errors on the frames of each composition.
    :param force_by_element: of the forces on the atoms of each element in eV/Å per component.
    """

    name: str
    by_formula: dict[str, Errors]
    force_by_element: dict[str, float]


@dataclass(frozen=True)
class Iteration:
    """What one turn of the loop did.

    :param number: 0 is the bootstrap.
    :param n_labels: labelled frames that the potential of this iteration learned from.
    :param n_candidates: frames that the explorations saved.
    :param n_selected: frames that the selection chose.
    :param training: errors on all frames learned from.
    :param n_labels_before: labelled frames that the potential which explored had learned from.
    :param new_frames: errors of the potential which explored on the frames labelled in this iteration.
    """

    number: int
    n_labels: int
    n_candidates: int = 0
    n_selected: int = 0
    training: Errors | None = None
    n_labels_before: int = 0
    new_frames: Errors | None = None


@dataclass(frozen=True)
class Drop:
    """Frames that were left out for one reason in one iteration.

    :param iteration: number of the iteration; -1 for the held-out frames.
    :param stage: where they were left out, such as ``filter`` or ``label``.
    :param reason: in words.
    :param count: number of frames.
    """

    iteration: int
    stage: str
    reason: str
    count: int


@dataclass(frozen=True)
class Interval:
    """A stretch of time in which a job was under way.

    :param stage: what it was for, such as ``train``.
    :param start: in seconds since the start of the campaign.
    :param stop: in seconds since the start of the campaign.
    """

    stage: str
    start: float
    stop: float

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.stop - self.start


@dataclass(frozen=True, eq=False)
class CampaignReport:
    """Everything that is told about a campaign.

    :param title: a line that says what was learned.
    :param pk: of the WorkChain.
    :param uuid: of the WorkChain.
    :param profile: name of the AiiDA profile that holds it.
    :param started: when the WorkChain began.
    :param wall_seconds: from its beginning to its end, or to its last sign of life.
    :param status: how it stands in a word: ``converged``, ``not converged``, ``stopped``, ``failed`` or
        ``running``.
    :param message: what the WorkChain said at its end, empty if all is well.
    :param species: in type order.
    :param formulas: of the frames.
    :param teacher: the method that made the labels, in words: what errors are against.
    :param n_labels: labelled frames in the training set.
    :param iterations: in order, the bootstrap first.
    :param explorations: of all iterations.
    :param starts: in alphabetical order.
    :param parts: errors by composition and element, of the training set and the held-out frames as far as known.
    :param drops: what was left out.
    :param grades: those of candidate frames by iteration.
    :param grade_name: what a grade is, with its unit where it has one.
    :param parities: by set of frames, the training set first.
    :param held_out: errors of the last potential on frames that it never learned from.
    :param intervals: in which programs ran, or their processes where programs left no time stamps.
    :param is_measured: whether `intervals` are those of the programs themselves.
    :param n_reused: jobs whose results came from an earlier campaign.
    :param thresholds: grades ``save`` and ``break``, as far as known.
    :param settings: sections of names and values.
    :param versions: names and versions of programs and libraries.
    :param pointers: names and UUIDs of the nodes that matter.
    :param notes: sentences on what could not be shown, and why.
    """

    title: str
    pk: int
    uuid: str
    profile: str
    started: dt.datetime
    wall_seconds: float
    status: str
    message: str = ''
    species: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    teacher: str = 'the reference'
    n_labels: int = 0
    iterations: tuple[Iteration, ...] = ()
    explorations: tuple[Exploration, ...] = ()
    starts: tuple[Start, ...] = ()
    parts: tuple[ErrorsByPart, ...] = ()
    drops: tuple[Drop, ...] = ()
    grades: dict[int, np.ndarray] = field(default_factory=dict)
    grade_name: str = 'extrapolation grade γ'
    parities: tuple[Parity, ...] = ()
    held_out: Errors | None = None
    intervals: tuple[Interval, ...] = ()
    is_measured: bool = False
    n_reused: int = 0
    thresholds: dict[str, float] = field(default_factory=dict)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_converged(self) -> bool:
        """Whether every exploration of the last iteration ran to its end."""
        return self.status == 'converged'

    @property
    def n_iterations(self) -> int:
        """Number of turns of the loop in which there was an exploration."""
        return len({exploration.iteration for exploration in self.explorations})

    @property
    def seconds_by_stage(self) -> dict[str, float]:
        """Wall time of each stage in seconds: the union of its intervals, so that parallel jobs count once."""
        stages = dict.fromkeys(interval.stage for interval in self.intervals)
        return {stage: union_seconds((i.start, i.stop) for i in self.intervals if i.stage == stage) for stage in stages}

    @property
    def share_outside_programs(self) -> float:
        """Share of the wall time in which no program ran, from 0 to 1; NaN if the programs left no time stamps."""
        if not self.is_measured or self.wall_seconds <= 0:
            return float('nan')
        clipped = ((max(i.start, 0.0), min(i.stop, self.wall_seconds)) for i in self.intervals)
        return 1.0 - union_seconds(clipped) / self.wall_seconds


def union_seconds(intervals: Iterable[Sequence[float]]) -> float:
    """Return the length of the union of intervals.

    :param intervals: pairs of start and stop in seconds; a stop before its start counts as nothing.
    """
    total, end = 0.0, -np.inf
    for start, stop in sorted((start, stop) for start, stop in intervals):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def _rms(differences: np.ndarray) -> float:
    return float(np.sqrt(np.mean(differences**2))) if differences.size else float('nan')
