"""The stages of a round of `DistillationWorkChain`."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, WorkChain

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.campaign.distillation import (
    REFERENCE,
    TEACHER,
    align,
    align_reference,
    choose_labels,
    judge,
    plan_campaign,
    seed_tuning,
    weigh_reference,
)
from aiida_seimlip.functions.campaign.labels import take_known
from aiida_seimlip.functions.frames import join_frames
from aiida_seimlip.options.campaign.active_learning import EngineNames
from aiida_seimlip.options.campaign.distillation import DistillationEngines, DistillationOptions
from aiida_seimlip.options.campaign.distillation_results import AlignmentRecord, RoundRecord
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from aiida_seimlip.workflows.campaign.validation import validate_campaign
from aiida_seimlip.workflows.failures import explain_failure

CAMPAIGN, TUNING = 'campaign', 'tuning'
"""Namespaces of the inputs beside `reference`."""


class DistillationStages(WorkChain):
    """Explore with the student, ask the reference, judge the teacher, and train it.

    The context holds ``round``; ``teacher``: its potential, None if it is none; ``teacher_sets`` and
    ``reference_sets``: labels by name; ``fresh``: held-out frames of the last campaign, labelled by the teacher;
    ``student`` and ``alignment``, None before there is one; ``records``: `RoundRecord` as plain data; ``accepted``,
    ``converged``; and ``stop``: label and details of the exit code that the end has to tell.
    """

    @cached_property
    def settings(self) -> DistillationOptions:
        """The options."""
        return DistillationOptions.from_node(self.inputs.options)

    @cached_property
    def engines(self) -> DistillationEngines:
        """The names of the engines of the reference and the teacher's training."""
        return DistillationEngines.from_node(self.inputs.engines)

    @property
    def record(self) -> dict[str, Any]:
        """What is known of the present round, as in `RoundRecord`."""
        return self.ctx.records[-1]  # type: ignore[no-any-return]

    # -- the campaign -------------------------------------------------------------------------------------------------

    def run_campaign(self) -> ExitCode | None:
        """Let a campaign go on with the teacher as its reference, from all labels that there are."""
        self.ctx.round += 1
        given: dict[str, Any] = dict(self.exposed_inputs(ActiveLearningWorkChain, namespace=CAMPAIGN))
        begin = self._begin_with(given)
        n_known = sum(node.n_frames for node in begin.values())
        inputs = {
            **given, 'structures': dict(self.inputs.structures), 'species': self.inputs.species,
            'options': plan_campaign(
                self.inputs.options, given['options'], orm.Int(self.ctx.round), orm.Int(n_known)
            ),
            'reference': self.teacher_settings(),
        }  # fmt: skip
        if begin:
            inputs |= {'initial_training': begin, 'initial_potential': self.ctx.student}
            inputs.pop('bootstrap_candidates', None)
        fault = validate_campaign(inputs, None)
        if fault is not None:
            return self.end('ERROR_CAMPAIGN_FAILED', number=self.ctx.round, reason=fault)
        inputs['metadata'] = {'call_link_label': f'round_{self.ctx.round:02d}_campaign'}
        self.to_context(campaign_process=self.submit(ActiveLearningWorkChain, **inputs))
        return None

    def inspect_campaign(self) -> ExitCode | None:
        """Take the student and the labels of the teacher, however the campaign ended."""
        process = self.ctx.campaign_process
        outputs = process.outputs
        if 'potential' not in outputs or 'training' not in outputs:
            return self.end('ERROR_CAMPAIGN_FAILED', number=self.ctx.round, reason=explain_failure(process))
        self.ctx.student, self.ctx.converged = outputs.potential, process.is_finished_ok
        made = {name: node for name, node in outputs.training.items() if name.startswith('iteration_')}
        prefix = f'round_{self.ctx.round:02d}'
        self.ctx.teacher_sets = {
            **self.ctx.teacher_sets, **{f'{prefix}_{name}': node for name, node in sorted(made.items())},
        }  # fmt: skip
        self.ctx.fresh = {f'{prefix}_held_out': outputs.held_out} if 'held_out' in outputs else {}
        message = None if process.is_finished_ok else explain_failure(process)
        n_teacher = sum(node.n_frames for node in self.ctx.teacher_sets.values())
        record = RoundRecord(
            round=self.ctx.round, converged=self.ctx.converged, campaign_message=message, n_teacher=n_teacher,
            n_reference=self.count_reference(),
        )  # fmt: skip
        self.ctx.records = [*self.ctx.records, record.model_dump(mode='json')]
        return None

    # -- labels of the reference --------------------------------------------------------------------------------------

    def run_reference(self) -> ExitCode | None:
        """Choose frames, and have the reference label them."""
        groups: dict[str, Any] = {TEACHER: self.ctx.teacher_sets}
        groups |= {'fresh': self.ctx.fresh} if self.ctx.fresh else {}
        groups |= {REFERENCE: self.ctx.reference_sets} if self.ctx.reference_sets else {}
        chosen = choose_labels(self.inputs.options, self.ctx.student, orm.Int(self.ctx.round), **groups)
        if 'frames' not in chosen:
            return self.end('ERROR_NOTHING_TO_LABEL', number=self.ctx.round)
        self.note(**{name: chosen['report'][name] for name in ('n_fresh', 'n_chosen')})
        self.ctx.sent = chosen['frames']
        engine = load_engine('reference', self.engines.reference)
        self.to_context(reference_process=self.call(engine, self.inputs.reference, 'reference', frames=self.ctx.sent))
        return None

    def inspect_reference(self) -> ExitCode | None:
        """Take the labels that there are, if there are enough."""
        process = self.ctx.reference_process
        failures = process.outputs.failures.get_dict() if 'failures' in process.outputs else {}
        n_sent = self.ctx.sent.n_frames
        if 'frames' not in process.outputs or len(failures) > max(1, int(self.settings.failure_budget * n_sent)):
            reason = next(iter(failures.values()), '') if process.is_finished_ok else explain_failure(process)
            return self.end(
                'ERROR_REFERENCE_FAILED', number=self.ctx.round, n_failed=len(failures), n_sent=n_sent, reason=reason
            )
        self.ctx.bought = process.outputs.frames
        self.ctx.reference_sets = {**self.ctx.reference_sets, f'round_{self.ctx.round:02d}': self.ctx.bought}
        self.note(n_failed=len(failures), n_reference=self.count_reference())
        return None

    # -- labels of the teacher for the same frames --------------------------------------------------------------------

    def plan_teacher(self) -> None:
        """See which frames of the reference the teacher has labelled already."""
        sources = {**self.ctx.teacher_sets, **self.ctx.fresh, **self.ctx.both}
        found = take_known(join_frames(**self.ctx.reference_sets), **sources)
        self.ctx.both = {'known': found['known']} if 'known' in found else {}
        self.ctx.unknown = found.get('unknown')

    def should_ask_teacher(self) -> bool:
        """Return whether there are frames of the reference that the teacher has not labelled."""
        return self.ctx.unknown is not None

    def run_teacher(self) -> None:
        """Have the teacher label them."""
        self._submit_teacher('teacher', self.ctx.unknown)

    def inspect_teacher(self) -> ExitCode | None:
        """Take the labels."""
        labels, exit_code = self._labels_of_teacher()
        if labels is not None:
            self.ctx.both = {**self.ctx.both, 'asked': labels}
        return exit_code

    # -- judgement ----------------------------------------------------------------------------------------------------

    def align_and_judge(self) -> None:
        """Shift the energies, and compare teacher and student with the new labels, which neither has learned from."""
        alignment = self._align()
        labels = join_frames(**self.ctx.both) if len(self.ctx.both) > 1 else next(iter(self.ctx.both.values()))
        errors = judge(alignment, self.ctx.bought, labels, self.ctx.student).get_dict()
        teacher, student = (ErrorsRecord(**errors[name]) for name in (TEACHER, 'student'))
        self.ctx.accepted = self.is_accepted(teacher, student)
        self.note(teacher=errors[TEACHER], student=errors['student'], accepted=self.ctx.accepted)
        verdict = 'within the bounds' if self.ctx.accepted else 'not within the bounds'
        self.report(
            f'round {self.ctx.round}, {self.ctx.bought.n_frames} labels of the reference: '
            f'teacher {teacher.describe()}; student {student.describe()}; {verdict}'
        )

    def is_accepted(self, teacher: ErrorsRecord, student: ErrorsRecord) -> bool:
        """Return whether errors are within the bounds; what is unknown is not."""
        limits = (
            (self.settings.max_force_error, teacher.force_ev_per_angstrom),
            (self.settings.max_energy_error, teacher.energy_mev_per_atom),
            (self.settings.max_student_force_error, student.force_ev_per_angstrom),
        )
        return all(limit is None or (value is not None and value <= limit) for limit, value in limits)

    # -- training of the teacher --------------------------------------------------------------------------------------

    def should_tune(self) -> bool:
        """Return whether the teacher learns from the new labels, in the last round as well."""
        return self.engines.tuning is not None and not self.ctx.accepted

    def run_tuning(self) -> None:
        """Train the teacher on all labels of the reference, on from what it is, if it is a model."""
        assert self.engines.tuning is not None
        engine = load_engine('training', self.engines.tuning)
        settings = dict(self.inputs[TUNING])
        if takes_seed(engine):
            given = settings.get('parameters', orm.Dict({}))
            settings['parameters'] = seed_tuning(self.inputs.options, given, orm.Int(self.ctx.round))
        data: dict[str, Any] = {'training': self.ctx.reference_sets}
        if self.ctx.teacher is not None and self.inputs.continue_teacher.value:
            data['start'] = self.ctx.teacher
        self.to_context(tuning_process=self.call(engine, settings, TUNING, **data))

    def inspect_tuning(self) -> ExitCode | None:
        """Take the new teacher."""
        process = self.ctx.tuning_process
        if 'potential' not in process.outputs:
            return self.end('ERROR_TUNING_FAILED', number=self.ctx.round, reason=explain_failure(process))
        self.ctx.teacher = process.outputs.potential
        if self.ctx.records:
            self.note(tuned=True)
        return None

    def run_relabelling(self) -> None:
        """Have the new teacher label all frames of the old one, and those of the reference, in one go."""
        frames = join_frames(**self.ctx.teacher_sets)
        self.ctx.n_old = frames.n_frames
        joined = join_frames(a_teacher=frames, b_reference=join_frames(**self.ctx.reference_sets))
        self._submit_teacher('relabel', joined)

    def inspect_relabelling(self) -> ExitCode | None:
        """Replace the labels of the old teacher, and shift the energies of the new one."""
        labels, exit_code = self._labels_of_teacher()
        if labels is None:
            return exit_code
        found = take_known(join_frames(**self.ctx.teacher_sets), relabelled=labels)
        known = take_known(join_frames(**self.ctx.reference_sets), relabelled=labels)
        if 'unknown' in known or 'known' not in found:
            return self.end('ERROR_TEACHER_FAILED', number=self.ctx.round, reason='labels are missing')
        self.ctx.teacher_sets = {f'round_{self.ctx.round:02d}_relabelled': found['known']}
        self.ctx.both = {'known': known['known']}
        self._align()
        return None

    # -- details ------------------------------------------------------------------------------------------------------

    def teacher_settings(self) -> dict[str, Any]:
        """Return the settings of the teacher, an engine of `reference`, with its present potential."""
        settings = dict(self.inputs[CAMPAIGN].reference)
        return settings if self.ctx.teacher is None else {**settings, 'potential': self.ctx.teacher}

    def should_end(self) -> bool:
        """Return whether no round of labels can follow."""
        return self.ctx.round >= self.settings.max_rounds or self.has_spent_labels()

    def has_spent_labels(self) -> bool:
        """Return whether the reference may label no more."""
        return self.settings.max_labels is not None and self.count_reference() >= self.settings.max_labels

    def count_reference(self) -> int:
        """Return the number of labels of the reference."""
        return sum(node.n_frames for node in self.ctx.reference_sets.values())

    def note(self, **found: Any) -> None:
        """Remember something of the present round."""
        self.ctx.records = [*self.ctx.records[:-1], {**self.record, **found}]

    def call(self, engine: type[SocketWorkChain], settings: Any, stage: str, **data: Any) -> orm.ProcessNode:
        """Submit an engine with the settings of the user.

        :param stage: what it is for, in the label of the link.
        :param data: the inputs of this call.
        """
        metadata = {'call_link_label': f'round_{self.ctx.round:02d}_{stage}'}
        return self.submit(engine, **{**engine.default_nodes(), **settings, **data, 'metadata': metadata})

    def end(self, label: str, **details: Any) -> ExitCode:
        """Attach what there is, and return the exit code.

        :param label: of the exit code.
        :param details: what its message names.
        """
        raise NotImplementedError

    def _begin_with(self, given: dict[str, Any]) -> dict[str, FramesData]:
        """Return the sets that the next campaign begins with, and give those of the reference their weight."""
        if self.ctx.alignment is None or not self.ctx.teacher_sets:
            return {}
        parameters = given['training'].get('parameters', orm.Dict({}))
        groups = {REFERENCE: self.ctx.reference_sets, TEACHER: self.ctx.teacher_sets}
        weighed = weigh_reference(self.inputs.options, parameters, **groups)
        given['training'] = {**given['training'], 'parameters': weighed}
        self.note(weight=max(weighed['weights'].values()))
        return {
            REFERENCE: align_reference(self.ctx.alignment, **self.ctx.reference_sets),
            **{f'{TEACHER}_{name}': node for name, node in self.ctx.teacher_sets.items()},
        }

    def _align(self) -> orm.Dict:
        self.ctx.alignment = align(
            reference=self.ctx.reference_sets, labelled=self.ctx.both, teacher=self.ctx.teacher_sets
        )
        record = AlignmentRecord(**self.ctx.alignment.get_dict())
        self.note(alignment=record.model_dump(mode='json'))
        if record.unknown:
            self.report(
                f'WARNING: the labels of the reference do not tell the shift of {", ".join(record.unknown)}: the '
                'energies of the student for these compositions are not those of the reference'
            )
        return self.ctx.alignment  # type: ignore[no-any-return]

    def _submit_teacher(self, stage: str, frames: FramesData) -> None:
        engine = load_engine('reference', EngineNames.from_node(self.inputs[CAMPAIGN].get('engines')).reference)
        self.to_context(teacher_process=self.call(engine, self.teacher_settings(), stage, frames=frames))

    def _labels_of_teacher(self) -> tuple[FramesData | None, ExitCode | None]:
        """Return what the teacher has labelled; that it fails on a frame which the reference can label is an error."""
        process = self.ctx.teacher_process
        failures = process.outputs.failures.get_dict() if 'failures' in process.outputs else {}
        if 'frames' in process.outputs and not failures:
            return process.outputs.frames, None
        reason = next(iter(failures.values())) if failures else explain_failure(process)
        return None, self.end('ERROR_TEACHER_FAILED', number=self.ctx.round, reason=reason)


def takes_seed(engine: type[SocketWorkChain]) -> bool:
    """Return whether the parameters of an engine have a seed."""
    port: Any = engine.spec().inputs['parameters']
    return bool(port.has_default() and 'seed' in port.default().get_dict())
