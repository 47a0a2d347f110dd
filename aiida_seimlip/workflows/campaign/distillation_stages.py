"""The stages of a round of `DistillationWorkChain`."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.campaign.distillation import (
    REFERENCE,
    TEACHER,
    align_reference,
    choose_labels,
    judge,
    plan_campaign,
    weigh_reference,
)
from aiida_seimlip.functions.frames import join_frames
from aiida_seimlip.options.campaign.distillation_results import RoundRecord
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from aiida_seimlip.workflows.campaign.distillation_stage import CAMPAIGN
from aiida_seimlip.workflows.campaign.distillation_teacher import TeacherStages
from aiida_seimlip.workflows.campaign.validation import validate_campaign
from aiida_seimlip.workflows.failures import explain_failure


class DistillationStages(TeacherStages):
    """Explore with the student, ask the reference, and judge the teacher."""

    # -- the campaign -------------------------------------------------------------------------------------------------

    def run_campaign(self) -> ExitCode | None:
        """Let a campaign go on with the teacher as its reference, from all labels that there are."""
        self.ctx.final = bool(self.ctx.records) and (self.ctx.accepted or self.should_end())
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
        self.ctx.student_alignment = self.ctx.alignment
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
        report: Any = chosen['report']
        self.note(**{name: report[name] for name in ('n_fresh', 'n_chosen')})
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

    # -- judgement ----------------------------------------------------------------------------------------------------

    def align_and_judge(self) -> None:
        """Shift the energies, and compare teacher and student with the new labels, which neither has learned from."""
        alignment = self.ctx.student_alignment = self.align_teacher_labels()
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

    # -- details ------------------------------------------------------------------------------------------------------

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
