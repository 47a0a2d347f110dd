"""The WorkChain ``seimlip.sei``: from a recipe of amorphous mixtures to one potential for the whole interphase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, if_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.sei.results import assemble_results
from aiida_seimlip.options.sei.sei import SeiOptions
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from aiida_seimlip.workflows.protocols.sei import SeiProtocolMixin
from aiida_seimlip.workflows.sei.growing import CAMPAIGN, STARTS
from aiida_seimlip.workflows.sei.judging import LATTICES, JudgingStages
from aiida_seimlip.workflows.sei.validation import find_doubts, validate_sei
from aiida_seimlip.workflows.starts.starts import StartsWorkChain

GIVEN_LATER = ('structures', 'species')
"""Inputs of the campaign that are made here."""


class SeiWorkChain(SeiProtocolMixin, JudgingStages):
    """Pack and condense amorphous mixtures, grow one potential for all of them, and judge it.

    The potential is judged by fresh frames of each composition, by a composition that it was not shown, and by crystals
    that it has never seen, against its teacher: the program that made the labels. What there is becomes an output
    however the work ends.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        cls._define_inputs(spec)
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_make_starts)(
                cls.run_starts,
                cls.inspect_starts,
            ),
            cls.run_campaign,
            cls.inspect_campaign,
            cls.plan_small_crystals,
            if_(cls.should_label_small_crystals)(
                cls.run_small_crystals,
                cls.inspect_small_crystals,
            ),
            cls.run_trainings,
            cls.inspect_trainings,
            cls.plan_relaxations,
            if_(cls.should_relax)(
                cls.run_lattices,
                cls.inspect_lattices,
            ),
            cls.results,
        )
        cls._define_outputs(spec)
        cls._define_exit_codes(spec)

    @classmethod
    def _define_inputs(cls, spec: ProcessSpec) -> None:
        spec.expose_inputs(
            StartsWorkChain, namespace=STARTS,
            namespace_options={
                'required': False, 'populate_defaults': False,
                'help': 'Inputs of the `seimlip.starts` that makes the starts, where there are no `structures`.',
            },
        )  # fmt: skip
        spec.input_namespace(
            'structures', valid_type=(FramesData, orm.StructureData), dynamic=True, required=False,
            help='Starts that are there already, by name, instead of `starts`.',
        )  # fmt: skip
        spec.input(
            'species', valid_type=orm.List, serializer=orm.to_aiida_type,
            help='Chemical symbols in the order of the type numbers of all potentials.',
        )  # fmt: skip
        spec.expose_inputs(
            ActiveLearningWorkChain, namespace=CAMPAIGN, exclude=GIVEN_LATER,
            namespace_options={'validator': None, 'help': 'Inputs of the `seimlip.active_learning` that grows the '
                               'potential.'},
        )  # fmt: skip
        spec.input('options', **SeiOptions.port('What is done before, besides and after the campaign.'))
        spec.input_namespace(
            LATTICES, dynamic=True, required=False,
            help='Models that relax crystals, as in `seimlip.relax`: `teacher`, and `potential`, whose '
            'calculator is given the potentials.',
        )  # fmt: skip
        spec.inputs.validator = validate_sei

    @classmethod
    def _define_outputs(cls, spec: ProcessSpec) -> None:
        spec.output('results', valid_type=orm.Dict, required=False, help='What was found: `SeiResults`.')
        spec.output_namespace(
            STARTS, valid_type=(FramesData, orm.StructureData), dynamic=True, required=False,
            help='The starts, by name.',
        )  # fmt: skip
        spec.expose_outputs(ActiveLearningWorkChain, namespace=CAMPAIGN, namespace_options={'required': False})
        spec.output_namespace(
            'potentials', valid_type=PotentialData, dynamic=True, required=False,
            help='Potentials of other levels (`level_16`), without a composition (`without_...`), and `with_crystals`.',
        )  # fmt: skip
        spec.output('lattices', valid_type=orm.Dict, required=False, help='Crystals: a `LatticeComparison`.')
        spec.output_namespace(
            'relaxed', valid_type=FramesData, dynamic=True, required=False, help='Crystals at the minima of each model.'
        )

    @classmethod
    def _define_exit_codes(cls, spec: ProcessSpec) -> None:
        spec.exit_code(300, 'ERROR_NO_STARTS', message='The recipe of the input `starts` gave no start: {reason}')
        spec.exit_code(310, 'ERROR_CAMPAIGN_FAILED', message='The campaign left no potential: {reason}')
        spec.exit_code(
            400, 'ERROR_CAMPAIGN_UNFINISHED', message='All is attached, but the campaign did not converge: {reason}'
        )
        spec.exit_code(
            410, 'ERROR_STARTS_INCOMPLETE', message='All is attached, but of too few of the starts: {reason}'
        )
        spec.exit_code(
            420, 'ERROR_TRAININGS_FAILED', message='All else is attached, but there is no potential `{name}`: {reason}'
        )
        spec.exit_code(
            430, 'ERROR_LATTICES_FAILED', message='All else is attached, but of the crystals not all: {reason}'
        )

    @classmethod
    def find_warnings(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield a sentence for each thing that is likely to go wrong, for those who are about to submit.

        :param inputs: that pass all checks.
        """
        yield from find_doubts(inputs)

    def setup(self) -> None:
        """Begin with what is there."""
        self.ctx.structures, self.ctx.faults = dict(self.inputs.get('structures', {})), []
        self.ctx.table = self.ctx.trace = self.ctx.history = self.ctx.held_out = self.ctx.lattices = None
        self.ctx.training, self.ctx.potentials, self.ctx.small_crystals = {}, {}, None
        self.ctx.lattices_left_out = self.ctx.lattice_options = None

    def results(self) -> ExitCode | None:
        """Gather what was found, and say what is missing of it; that the campaign did not converge comes first."""
        self._gather()
        if not self.ctx.faults:
            return None
        label, details = min(self.ctx.faults, key=lambda fault: self.exit_codes[fault[0]].status)
        return self.exit_codes[label].format(**details)

    def stop(self, label: str, **details: Any) -> ExitCode:
        """Attach what there is, and return the exit code."""
        self.fault(label, **details)
        self._gather()
        return self.exit_codes[label].format(**details)

    def _gather(self) -> None:
        messages = [self.exit_codes[label].format(**details).message for label, details in self.ctx.faults]
        starts = {name: node for name, node in self.ctx.structures.items() if isinstance(node, FramesData)}
        found: dict[str, Any] = {
            'starts': starts, 'potentials': self.ctx.potentials, 'messages': orm.List(messages) if messages else None,
            **{name: self.ctx[name] for name in ('table', 'trace', 'history', 'lattices', 'lattices_left_out')},
        }  # fmt: skip
        known = {name: value for name, value in found.items() if value not in (None, {})}
        self.out('results', assemble_results(orm.Str(self.teacher), **known))
