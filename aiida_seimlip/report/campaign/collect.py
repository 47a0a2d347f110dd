"""From the nodes of a campaign to the plain data of its report.

Whatever the campaign has left is taken: the outputs of the WorkChain where there are any, else those of the processes
that it called. What is missing is said in the notes of the report.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.labels import describe_methods
from aiida_seimlip.data.potential import COMMITTEE, PotentialData
from aiida_seimlip.functions.evaluation import match_predictions
from aiida_seimlip.options.campaign.history import HISTORY_EXTRA, CampaignHistory
from aiida_seimlip.report.campaign.facts import CampaignReport, Errors, Interval, Parity
from aiida_seimlip.report.campaign.records import (
    describe_continuation,
    describe_late,
    drops_of,
    errors_of,
    explorations_of,
    history_of_jobs,
    iterations_of,
    parts_of,
    stage_of,
    starts_of,
)
from aiida_seimlip.report.process import ProcessFacts, describe_paused, flatten, profile_name, reduced_formula
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA, voigt_to_tensor

STAMP_PATTERN = re.compile(r'^seimlip-(start|stop) (\d+(?:[.,]\d+)?)\s*$', re.MULTILINE)
"""Codes that `aiida-seimlip setup` makes write ``seimlip-start`` and ``seimlip-stop`` with the seconds since 1970 into
the standard output of the job script, before and after the program."""


def collect(node: orm.WorkChainNode) -> CampaignReport:
    """Gather what there is to tell about a campaign.

    :param node: an `ActiveLearningWorkChain`, in any state.
    """
    return _Campaign(node).report()


class _Campaign(ProcessFacts):
    """One campaign and what was found in its nodes."""

    noun = 'campaign'

    def report(self) -> CampaignReport:
        """Put everything together."""
        history = self.history
        intervals, is_measured, n_reused = self.intervals()
        parities = tuple(self.parities())
        return CampaignReport(
            title=self.title(),
            pk=self.node.pk or 0,
            uuid=self.node.uuid,
            profile=profile_name(),
            started=self.node.ctime.astimezone(dt.UTC),
            wall_seconds=self.wall_seconds,
            status=self.status(),
            message=self.message(),
            species=tuple(history.species),
            formulas=tuple(self.formulas),
            teacher=describe_methods(method for node in self.training_nodes for method in node.methods),
            n_labels=len(self.training) or history.n_labels,
            iterations=tuple(iterations_of(history)),
            explorations=tuple(explorations_of(history)),
            starts=tuple(starts_of(history)),
            parts=tuple(parts_of(history)),
            drops=tuple(drops_of(history)),
            grades=self.grades(),
            grade_name=self.grade_name(),
            parities=parities,
            held_out=self.held_out_errors(parities),
            intervals=tuple(intervals),
            is_measured=is_measured,
            n_reused=n_reused,
            thresholds=self.thresholds(),
            settings=self.settings(),
            versions=self.versions(),
            pointers=self.pointers(),
            notes=tuple(dict.fromkeys(self.all_notes())),
        )

    def all_notes(self) -> list[str]:
        """Return what is to be said beside the numbers."""
        said = [*describe_continuation(self.history), *self.history.warnings, *describe_late(self.history)]
        return [*said, *self.notes, *describe_paused([self.node, *self.called])]

    # -- nodes --------------------------------------------------------------------------------------------------------

    @cached_property
    def history(self) -> CampaignHistory:
        """The output `history`, or what the jobs tell where there is none."""
        node = self.outputs.get('history')
        if isinstance(node, orm.Dict):
            return CampaignHistory.model_validate(node.get_dict())
        published = published_history(self.node)
        if published is not None:
            self.notes.append('The campaign has no output `history`: this is what it had published until it stopped.')
            return CampaignHistory.model_validate(published)
        self.notes.append(
            'The campaign has no output `history`: iterations and explorations were put together from its jobs.'
        )
        return history_of_jobs(self.jobs)

    @cached_property
    def potential(self) -> PotentialData | None:
        """The output `potential`, or the last one that was trained."""
        node = self.outputs.get('potential')
        if isinstance(node, PotentialData):
            return node
        trained = [
            job.outputs.potential for job in self.jobs if stage_of(job) == 'train' and 'potential' in job.outputs
        ]
        return trained[-1] if trained else None

    @cached_property
    def training_nodes(self) -> list[FramesData]:
        """The training set: the outputs, or what the last training learned from."""
        nodes = [node for label, node in sorted(self.outputs.items()) if label.startswith('training__')]
        if not nodes:
            last = [job for job in self.jobs if stage_of(job) == 'train'][-1:]
            links = last[0].base.links.get_incoming(link_type=LinkType.INPUT_CALC).all() if last else []
            nodes = [link.node for link in links if link.link_label.startswith('training__')]
        return [node for node in nodes if isinstance(node, FramesData)]

    @cached_property
    def training(self) -> Frames:
        """All frames learned from."""
        return Frames.concatenate([node.get_frames() for node in self.training_nodes])

    @cached_property
    def formulas(self) -> list[str]:
        """Formulas that occur in the training set."""
        return sorted({formula for node in self.training_nodes for formula in node.formulas})

    # -- in words -----------------------------------------------------------------------------------------------------

    def title(self) -> str:
        """Say what was learned of what."""
        kind = {'mtp': 'moment tensor potential', 'mace': 'MACE potential'}
        family = kind.get(self.potential.family, 'potential') if self.potential else 'potential'
        subjects = sorted({reduced_formula(formula) for formula in self.formulas})
        subject = ', '.join(subjects) if 0 < len(subjects) <= 3 else ', '.join(self.history.species)
        return f'A {family} for {subject}' if subject else f'A {family}'

    def grade_name(self) -> str:
        """Say what a grade is, with its unit where it has one."""
        is_committee = self.potential is not None and self.potential.selection_mode == COMMITTEE
        return 'expected error of a force (eV/Å)' if is_committee else 'extrapolation grade γ'

    def status(self) -> str:
        """Return how the campaign stands, in a word."""
        if not self.node.is_terminated:
            return 'running'
        if self.history.converged:
            return 'converged'
        if self.node.is_killed:
            return 'stopped'
        return 'not converged' if self.history.iterations and not self.node.is_excepted else 'failed'

    def message(self) -> str:
        """Return what the WorkChain said at its end."""
        if self.node.is_finished_ok:
            return ''
        return self.history.message or self.node.exit_message or self.node.process_status or ''

    # -- numbers ------------------------------------------------------------------------------------------------------

    def parities(self) -> Iterator[Parity]:
        """Compare the potential with the reference on the training set and on the held-out frames."""
        sets = {'training': self.training}
        held_out = self.outputs.get('held_out')
        if isinstance(held_out, FramesData):
            sets['held-out'] = held_out.get_frames()
        for name, frames in sets.items():
            labelled = frames[frames.labelled] if len(frames) else frames
            if not len(labelled):
                self.notes.append(f'There are no labelled {name} frames to compare the potential with.')
                continue
            pair = self._predict(name, labelled)
            if pair is not None:
                yield compare(name, *pair)

    def _predict(self, name: str, frames: Frames) -> tuple[Frames, Frames] | None:
        """Return labelled frames, and the same as the potential predicts them, None if nobody knows.

        A moment tensor potential is evaluated; what others say of held-out frames, the last explorations know.
        """
        from aiida_seimlip.science.mtp.evaluate import evaluate

        if self.potential is None:
            return None
        if self.potential.family == 'mtp' and self.potential.is_trained:
            return frames, evaluate(self.potential.get_mtp(), frames)
        jobs = [job for job in self.jobs if job.uuid in self._held_out_jobs and 'trajectory' in job.outputs]
        pair = match_predictions(frames, [job.outputs.trajectory for job in jobs])
        if pair is None:
            self.notes.append(
                f'What the potential {self.potential.uuid} says of the {name} frames is not known here: it is no '
                'trained MTP.'
            )
        return pair

    def held_out_errors(self, parities: tuple[Parity, ...]) -> Errors | None:
        """Return the errors on the held-out frames, from the frames themselves or from the history."""
        for parity in parities:
            if parity.name == 'held-out':
                return parity.errors
        return errors_of(self.history.held_out.errors) if self.history.held_out else None

    def grades(self) -> dict[int, np.ndarray]:
        """Return the extrapolation grades of the candidates by iteration."""
        outputs: dict[str, list[FramesData]] = {}
        for job in self.jobs:
            if stage_of(job) == 'explore' and 'candidates' in job.outputs:
                outputs.setdefault(job.uuid, []).append(job.outputs.candidates)
        grades: dict[int, list[np.ndarray]] = {}
        for iteration in self.history.iterations:
            for exploration in iteration.explorations:
                for node in outputs.get(exploration.uuid or '', []):
                    if 'grades' in node.get_arraynames():
                        grades.setdefault(iteration.iteration, []).append(node.get_array('grades'))
        return {number: np.concatenate(values) for number, values in sorted(grades.items())}

    def intervals(self) -> tuple[list[Interval], bool, int]:
        """Return when jobs were under way, whether that is by the programs' own time stamps, and how many were cached.

        Jobs whose results were taken over from the cache ran earlier and are left out.
        """
        own = [job for job in self.jobs if not job.base.caching.is_created_from_cache]
        stamps = {job.uuid: program_times(job) for job in own}
        is_measured = bool(own) and all(stamps[job.uuid] for job in own if _retrieved(job) is not None)
        intervals, origin = [], self.node.ctime.timestamp()
        for job in own:
            times = stamps[job.uuid] if is_measured else _job_times(job)
            if times is not None:
                stage = 'held_out' if job.uuid in self._held_out_jobs else stage_of(job)
                intervals.append(Interval(stage, times[0] - origin, times[1] - origin))
        return intervals, is_measured, len(self.jobs) - len(own)

    @cached_property
    def _held_out_jobs(self) -> set[str]:
        """UUIDs of the jobs that made the held-out frames."""
        links = self.node.base.links.get_outgoing(link_type=(LinkType.CALL_WORK, LinkType.CALL_CALC)).all()
        return {
            process.uuid
            for link in links
            if link.link_label.startswith('held_out')
            for process in (link.node, *link.node.called_descendants)
        }

    # -- settings -----------------------------------------------------------------------------------------------------

    def thresholds(self) -> dict[str, float]:
        """Return the grades at which frames are saved and runs are stopped."""
        found: dict[str, float] = {}
        for node in [*self.inputs_of(self.node).values(), *(job.inputs.parameters for job in self.jobs[::-1]
                                                          if 'parameters' in job.inputs)]:  # fmt: skip
            for key, value in flatten(node.get_dict() if isinstance(node, orm.Dict) else {}).items():
                name = {'threshold_save': 'save', 'threshold_break': 'break'}.get(key.split('.')[-1])
                if name and isinstance(value, int | float):
                    found.setdefault(name, float(value))
        return found

    def pointers(self) -> dict[str, str]:
        """Return the UUIDs of the nodes that matter."""
        pointers = {'campaign': self.node.uuid}
        if self.potential is not None:
            pointers['potential'] = self.potential.uuid
        for label in ('history', 'held_out'):
            if label in self.outputs:
                pointers[label] = self.outputs[label].uuid
        for index, node in enumerate(self.training_nodes):
            pointers[f'training {index}'] = node.uuid
        return pointers


# -- parts ------------------------------------------------------------------------------------------------------------


def compare(name: str, reference: Frames, predicted: Frames) -> Parity:
    """Pair reference and predicted values.

    :param name: what the set is.
    :param reference: labelled frames.
    :param predicted: the same frames, labelled by the potential.
    """
    sizes = reference.sizes
    assert reference.energies is not None and reference.forces is not None
    assert predicted.energies is not None and predicted.forces is not None
    stresses = np.empty((2, 0))
    if reference.stresses is not None and predicted.stresses is not None:
        pair = EV_PER_A3_TO_GPA * voigt_to_tensor(np.array([reference.stresses, predicted.stresses])).reshape(2, -1)
        stresses = pair[:, np.isfinite(pair).all(axis=0)]
    return Parity(
        name,
        np.array([reference.energies / sizes, predicted.energies / sizes]),
        np.array([reference.forces.ravel(), predicted.forces.ravel()]),
        stresses,
    )


def published_history(node: orm.WorkChainNode) -> dict[str, Any] | None:
    """Return the history that a campaign has published so far, None if it has not yet.

    :param node: an `ActiveLearningWorkChain`.
    """
    content: dict[str, Any] | None = node.base.extras.get(HISTORY_EXTRA, None)
    return content


def program_times(job: orm.CalcJobNode) -> tuple[float, float] | None:
    """Return when the program of a job began and ended, in seconds since 1970.

    The time stamps are those that the code's prepended and appended text wrote into the standard output of the job
    script. A program that was killed with its script has left no second stamp: then it is taken to have run until its
    files were retrieved.

    :param job: a job that may have been retrieved.
    :return: None if there is no time stamp.
    """
    folder = _retrieved(job)
    name = job.get_option('scheduler_stdout')
    if folder is None or not name or name not in folder.base.repository.list_object_names():
        return None
    stamps = STAMP_PATTERN.findall(folder.base.repository.get_object_content(name, 'rb').decode('utf-8', 'replace'))
    starts = [float(time.replace(',', '.')) for kind, time in stamps if kind == 'start']
    stops = [float(time.replace(',', '.')) for kind, time in stamps if kind == 'stop']
    if not starts:
        return None
    return min(starts), max(stops) if stops else folder.ctime.timestamp()


def _retrieved(job: orm.CalcJobNode) -> orm.FolderData | None:
    return job.outputs.retrieved if 'retrieved' in job.outputs else None


def _job_times(job: orm.CalcJobNode) -> tuple[float, float] | None:
    """Return when the job was created and when its last output was, in seconds since 1970."""
    outputs = [link.node.ctime for link in job.base.links.get_outgoing(link_type=LinkType.CREATE).all()]
    return (job.ctime.timestamp(), max(outputs).timestamp()) if outputs else None
