"""The stages of a distillation that concern the teacher: its labels, its zero of the energy, its training."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.campaign.distillation import align, seed_tuning
from aiida_seimlip.functions.campaign.labels import take_known
from aiida_seimlip.functions.frames import join_frames
from aiida_seimlip.options.campaign.active_learning import EngineNames
from aiida_seimlip.options.campaign.distillation_results import AlignmentRecord
from aiida_seimlip.workflows.campaign.distillation_stage import CAMPAIGN, TUNING, DistillationStage
from aiida_seimlip.workflows.failures import explain_failure


class TeacherStages(DistillationStage):
    """Have the teacher label what the reference has labelled, shift its energies, and train it."""

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
        self.align_teacher_labels()
        return None

    # -- details ------------------------------------------------------------------------------------------------------

    def align_teacher_labels(self) -> orm.Dict:
        """Find the shift of the teacher's energies from all frames that both have labelled."""
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
        return self.ctx.alignment

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
