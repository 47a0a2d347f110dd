"""The WorkChain ``seimlip.distil``: a potential from many labels of a teacher and few of a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, if_, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain
from aiida_seimlip.functions.campaign.distillation import align_teacher, raise_constants
from aiida_seimlip.functions.campaign.distillation_results import assemble_distillation
from aiida_seimlip.options.campaign.distillation import DistillationEngines, DistillationOptions
from aiida_seimlip.options.campaign.distillation_results import AlignmentRecord
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from aiida_seimlip.workflows.campaign.distillation_stage import CAMPAIGN, TUNING
from aiida_seimlip.workflows.campaign.distillation_stages import DistillationStages
from aiida_seimlip.workflows.campaign.distillation_validation import find_doubts, validate_distillation
from aiida_seimlip.workflows.protocols.distil import DistillationProtocolMixin

GIVEN_LATER = (
    'structures', 'species', 'initial_training', 'initial_potential', 'initial_late', 'quarantine',
)  # fmt: skip
"""Inputs of the campaigns that are made here."""


class DistillationWorkChain(DistillationProtocolMixin, DistillationStages):
    """Grow a potential with a teacher that labels for next to nothing, and keep both to a reference that does not.

    Each round is a campaign that the teacher labels for, and a batch of labels of the reference for the frames that
    teach most and for fresh ones. They judge teacher and student before either learns from them. The student then
    learns from both kinds of labels, the teacher from those of the reference if it can be trained. The work ends when
    errors are within their bounds and the student, which has learned from all labels, passes all explorations.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        cls._define_inputs(spec)
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_train_teacher)(
                cls.run_tuning,
                cls.inspect_tuning,
            ),
            while_(cls.should_explore)(
                cls.run_campaign,
                cls.inspect_campaign,
                if_(cls.should_ask_reference)(
                    cls.run_reference,
                    cls.inspect_reference,
                    cls.plan_teacher,
                    if_(cls.should_ask_teacher)(
                        cls.run_teacher,
                        cls.inspect_teacher,
                    ),
                    cls.align_and_judge,
                    if_(cls.should_tune)(
                        cls.run_tuning,
                        cls.inspect_tuning,
                        cls.run_relabelling,
                        cls.inspect_relabelling,
                    ),
                ),
            ),
            cls.results,
        )
        cls._define_outputs(spec)
        cls._define_exit_codes(spec)

    @classmethod
    def _define_inputs(cls, spec: ProcessSpec) -> None:
        spec.input_namespace(
            'structures', valid_type=(FramesData, orm.StructureData), dynamic=True,
            help='The starts of the explorations, by name: structures, or sets of frames, each of which is a start.',
        )  # fmt: skip
        spec.input(
            'species', valid_type=orm.List, serializer=orm.to_aiida_type,
            help='Chemical symbols in the order of the type numbers of all potentials.',
        )  # fmt: skip
        spec.expose_inputs(
            ActiveLearningWorkChain, namespace=CAMPAIGN, exclude=GIVEN_LATER,
            namespace_options={
                'validator': None, 'help': 'Inputs of each `seimlip.active_learning`: `reference` is the teacher.',
            },
        )  # fmt: skip
        for name, what in (('reference', 'reference, whose labels count'), (TUNING, 'training of the teacher')):
            spec.expose_inputs(
                SocketWorkChain, namespace=name, include=SocketWorkChain.settings,
                namespace_options={'required': name != TUNING, 'populate_defaults': False},
            )  # fmt: skip
            namespace: Any = spec.inputs[name]
            namespace.dynamic = True
            namespace['code'].required = False  # the engine says whether it needs one
            namespace.help = f'Settings of the engine of the {what}.'
        spec.input_namespace(
            'initial_reference', valid_type=FramesData, dynamic=True, required=False,
            help='Labels of the reference that there are already.',
        )  # fmt: skip
        spec.input(
            'continue_teacher', valid_type=orm.Bool, serializer=orm.to_aiida_type, default=lambda: orm.Bool(True),
            help='Whether the teacher is trained on from what it is (fine-tuning), or from scratch.',
        )  # fmt: skip
        spec.input('engines', **DistillationEngines.port('The programs of the reference and of the tuning.'))
        spec.input('options', **DistillationOptions.port('What is bought, and when it is enough.'))
        spec.inputs.validator = validate_distillation

    @classmethod
    def _define_outputs(cls, spec: ProcessSpec) -> None:
        spec.output(
            'potential', valid_type=PotentialData, required=False,
            help="The last student, with the reference's zero of the energy.",
        )  # fmt: skip
        spec.output('teacher', valid_type=PotentialData, required=False, help='The last teacher, if it was trained.')
        spec.output_namespace(
            'reference', valid_type=FramesData, dynamic=True, required=False, help='All labels of the reference.'
        )
        spec.output_namespace(
            'distilled', valid_type=FramesData, dynamic=True, required=False,
            help="Labels of the last teacher, shifted to the reference's zero of the energy: with `reference` a set "
            'that any family of potentials can learn from. Absent if the shift of a composition is not known.',
        )  # fmt: skip
        spec.output('results', valid_type=orm.Dict, required=False, help='All rounds: `DistillationResults`.')

    @classmethod
    def _define_exit_codes(cls, spec: ProcessSpec) -> None:
        spec.exit_code(
            300, 'ERROR_CAMPAIGN_FAILED', message='The campaign of round {number} left no potential: {reason}'
        )
        spec.exit_code(
            310, 'ERROR_REFERENCE_FAILED',
            message='In round {number} the reference could not label {n_failed} of {n_sent} frames: {reason}',
        )  # fmt: skip
        spec.exit_code(
            320, 'ERROR_TEACHER_FAILED',
            message='In round {number} the teacher did not label all frames of the reference: {reason}',
        )  # fmt: skip
        spec.exit_code(
            330, 'ERROR_TUNING_FAILED', message='The training of the teacher in round {number} gave none: {reason}'
        )
        spec.exit_code(
            400, 'ERROR_ROUNDS_EXHAUSTED',
            message='After {rounds} rounds of labels, as many as the input `options` allows, {lack}.',
        )  # fmt: skip
        spec.exit_code(
            401, 'ERROR_LABEL_BUDGET_EXHAUSTED',
            message='With {labels} labels of the reference, as many as the input `options` allows, {lack}.',
        )  # fmt: skip
        spec.exit_code(
            402, 'ERROR_CAMPAIGN_UNFINISHED',
            message='The errors are within their bounds, but the last campaign did not converge: {reason}',
        )  # fmt: skip
        spec.exit_code(
            410, 'ERROR_NOTHING_TO_LABEL',
            message='In round {number} there was no frame that the reference had not labelled.',
        )  # fmt: skip

    @classmethod
    def find_warnings(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield a sentence for each thing that is likely to go wrong, for those who are about to submit.

        :param inputs: that pass all checks.
        """
        yield from find_doubts(inputs)

    def setup(self) -> None:
        """Begin with what is given."""
        self.ctx.round, self.ctx.records = 0, []
        self.ctx.teacher = self.inputs[CAMPAIGN].reference.get('potential', None)
        self.ctx.teacher_sets, self.ctx.fresh, self.ctx.both = {}, {}, {}
        self.ctx.reference_sets = {
            f'given_{name}': node for name, node in sorted(self.inputs.get('initial_reference', {}).items())
        }
        self.ctx.n_given = self.count_reference()
        self.ctx.student = self.ctx.alignment = self.ctx.student_alignment = None
        self.ctx.accepted = self.ctx.converged = self.ctx.final = False

    def should_train_teacher(self) -> bool:
        """Return whether the teacher is yet to be trained, on the labels that are given."""
        return self.engines.tuning is not None and self.ctx.teacher is None and bool(self.ctx.reference_sets)

    def should_explore(self) -> bool:
        """Return whether a campaign follows."""
        return not self.ctx.final

    def should_ask_reference(self) -> bool:
        """Return whether the reference labels frames of this round."""
        return not self.ctx.final

    def results(self) -> ExitCode | None:
        """Attach everything, and say whether it is what was asked for."""
        if self.ctx.accepted and self.ctx.converged:
            self.attach(None)
            return None
        if self.ctx.accepted:
            return self.end('ERROR_CAMPAIGN_UNFINISHED', reason=self.record['campaign_message'])
        lack = 'the errors are not within their bounds' + ('' if self.ctx.converged else ', and explorations break')
        if self.has_spent_labels():
            return self.end('ERROR_LABEL_BUDGET_EXHAUSTED', labels=self.count_reference(), lack=lack)
        return self.end('ERROR_ROUNDS_EXHAUSTED', rounds=self.settings.max_rounds, lack=lack)

    def end(self, label: str, **details: Any) -> ExitCode:
        """Attach what there is, and return the exit code.

        :param label: of the exit code.
        :param details: what its message names.
        """
        exit_code = self.exit_codes[label].format(**details)
        self.attach(exit_code.message)
        return exit_code

    def attach(self, message: str | None) -> None:
        """Attach what there is, with energies at the zero of the reference.

        :param message: why it did not end well, None if it did.
        """
        alignment, sets = self.ctx.alignment, self.ctx.reference_sets
        if sets:
            self.out('reference', dict(sets))
        if self.ctx.teacher is not None and self.ctx.teacher.uuid != self._given_teacher():
            self.out('teacher', self.ctx.teacher)
        if self.ctx.student_alignment is not None:
            self.out('potential', raise_constants(self.ctx.student_alignment, self.ctx.student, **sets))
        if alignment is not None and not AlignmentRecord(**alignment.get_dict()).unknown:
            teacher = {name: align_teacher(alignment, node) for name, node in self.ctx.teacher_sets.items()}
            self.out('distilled', teacher)
        facts = {
            'n_given': self.ctx.n_given, 'n_reference': self.count_reference(), 'accepted': self.ctx.accepted,
            'converged': self.ctx.converged, 'message': message,
        }  # fmt: skip
        rounds = {'rounds': orm.List(self.ctx.records), 'facts': orm.Dict(facts)}
        self.out('results', assemble_distillation(**rounds))

    def _given_teacher(self) -> str | None:
        given = self.inputs[CAMPAIGN].reference.get('potential', None)
        return None if given is None else given.uuid
