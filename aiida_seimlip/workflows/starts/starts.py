"""The WorkChain ``seimlip.starts``: amorphous cells to start from, packed, condensed and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, WorkChain, if_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.starts.checks import check_starts
from aiida_seimlip.functions.starts.packing import pack_recipe
from aiida_seimlip.functions.words import describe_count, describe_share
from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.options.starts.starts import StartsEngines, StartsOptions
from aiida_seimlip.options.starts.table import StartsTable
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.protocols.starts import StartsProtocolMixin
from aiida_seimlip.workflows.starts.validation import CONDENSATION, find_doubts, validate_starts


class StartsWorkChain(StartsProtocolMixin, WorkChain):
    """Pack the cells of a recipe, condense them with a model, and keep those that are what they should be.

    What there is becomes an output however the work ends; the table tells what became of each start, and why.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input('recipe', **RecipeOptions.port('Which cells are packed, of which molecules, and how.'))
        spec.input_namespace(
            'molecules', valid_type=(FramesData, orm.StructureData), dynamic=True, required=False,
            help='Geometries of molecules that are not built in, one frame each, by the names that the input `recipe` '
            'has for them.',
        )  # fmt: skip
        spec.input('options', **StartsOptions.port('What a start must be to be used, and how many may be lost.'))
        spec.input('engines', **StartsEngines.port('Which program condenses.'))
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='The potential, trained, for an engine whose calculator is given one.',
        )  # fmt: skip
        spec.input_namespace(
            CONDENSATION, dynamic=True, required=False,
            help=f'Settings of the engine for the socket `{CONDENSATION}`; none if the packed cells are the starts.',
        )  # fmt: skip
        spec.inputs.validator = validate_starts
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            cls.run_packing,
            if_(cls.should_condense)(
                cls.run_condensation,
                cls.inspect_condensation,
            ),
            cls.check,
            cls.results,
        )
        spec.output(
            'frames', valid_type=FramesData, required=False,
            help='One frame for each start that passed, in the order of the table, labelled if an engine condensed it.',
        )  # fmt: skip
        spec.output('table', valid_type=orm.Dict, required=False, help='What became of each start: a `StartsTable`.')
        spec.output('packed', valid_type=FramesData, required=False, help='The packed cells of all starts.')
        spec.output(
            'trace', valid_type=FramesData, required=False,
            help='Labelled frames on the way, if the engine keeps any; their origins are `packed` and the index there.',
        )  # fmt: skip
        spec.exit_code(310, 'ERROR_PACKING_FAILED', message='Of the input `recipe` no start could be packed: {reason}')
        spec.exit_code(320, 'ERROR_CONDENSATION_FAILED', message='No start was condensed: {reason}')
        spec.exit_code(
            330, 'ERROR_NO_START_PASSED',
            message='None of the {number} starts passed the checks of the input `options`; the first, `{name}`: '
            '{reason}',
        )  # fmt: skip
        spec.exit_code(
            400, 'ERROR_TOO_MANY_DROPPED',
            message='{share} of the starts were dropped, where the input `options` allows {allowed}; the first, '
            '`{name}`: {reason}',
        )  # fmt: skip
        spec.exit_code(
            410, 'ERROR_TOO_FEW_STARTS',
            message='There are {number} starts of use, where the input `options` wants {wanted}.',
        )  # fmt: skip

    @classmethod
    def find_warnings(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield a sentence for each thing that is likely to go wrong, for those who are about to submit.

        :param inputs: that pass all checks.
        """
        yield from find_doubts(inputs)

    @cached_property
    def settings(self) -> StartsOptions:
        """The options."""
        return StartsOptions.from_node(self.inputs.options)

    @cached_property
    def engine(self) -> str | None:
        """Name of the engine that condenses."""
        return StartsEngines.from_node(self.inputs.engines).condensation

    def setup(self) -> None:
        """Begin with nothing."""
        self.ctx.condensed, self.ctx.failure = {}, None

    def run_packing(self) -> ExitCode | None:
        """Pack the cells."""
        try:
            packed = pack_recipe(self.inputs.recipe, **self.inputs.get('molecules', {}))
        except ValueError as exception:
            return self.exit_codes.ERROR_PACKING_FAILED.format(reason=exception)
        self.ctx.packing = packed['table']
        if 'packed' not in packed:
            self.out('table', check_starts(self.inputs.options, self.ctx.packing)['table'])
            return self.exit_codes.ERROR_PACKING_FAILED.format(reason=first_fault(self.table)[1])
        self.ctx.packed = packed['packed']
        self.out('packed', self.ctx.packed)
        self.report(f'packed {describe_count(self.ctx.packed.n_frames, "cell")} of {self.ctx.packed.n_atoms} atoms')
        return None

    def should_condense(self) -> bool:
        """Return whether the packed cells are to be condensed."""
        return self.engine is not None

    def run_condensation(self) -> None:
        """Condense all cells."""
        self.report(f'condensing them by the engine `{self.engine}`; what became of them is said in the end')
        given = {'potential': self.inputs.potential} if 'potential' in self.inputs else {}
        process = self.submit(
            load_engine(CONDENSATION, self.engine), **self.inputs[CONDENSATION], **given, frames=self.ctx.packed,
            metadata={'call_link_label': CONDENSATION},
        )  # fmt: skip
        self.to_context(condensation=process)

    def inspect_condensation(self) -> None:
        """Take what was condensed, be it not all."""
        process = self.ctx.condensation
        if not process.is_finished_ok:
            self.ctx.failure = explain_failure(process)
            self.report(self.ctx.failure)
        outputs = process.outputs
        self.ctx.condensed = {name: outputs[name] for name in ('frames', 'failures', 'record') if name in outputs}
        if 'trace' in outputs:
            self.out('trace', outputs.trace)

    def check(self) -> None:
        """Judge every start."""
        groups: dict[str, Any] = {'packed': self.ctx.packed}
        if self.engine is not None:
            groups['condensed'] = self.ctx.condensed
            groups['engines'] = self.inputs.engines
        self.out_many(check_starts(self.inputs.options, self.ctx.packing, **groups))
        passed = len(self.table.passed)
        self.report(f'{passed} of {len(self.table.starts)} starts passed the checks')

    def results(self) -> ExitCode | None:
        """Say whether there are enough starts."""
        table, allowed = self.table, self.settings.max_dropped
        if not table.passed:
            name, reason = first_fault(table)
            if self.engine is not None and 'frames' not in self.ctx.condensed:
                return self.exit_codes.ERROR_CONDENSATION_FAILED.format(reason=self.ctx.failure or reason)
            return self.exit_codes.ERROR_NO_START_PASSED.format(number=len(table.starts), name=name, reason=reason)
        if table.share_dropped > allowed:
            name, reason = first_fault(table)
            return self.exit_codes.ERROR_TOO_MANY_DROPPED.format(
                share=describe_share(table.share_dropped), allowed=describe_share(allowed), name=name, reason=reason
            )
        if len(table.passed) < self.settings.min_starts:
            return self.exit_codes.ERROR_TOO_FEW_STARTS.format(
                number=len(table.passed), wanted=self.settings.min_starts
            )
        return None

    @property
    def table(self) -> StartsTable:
        """The output `table`."""
        return StartsTable.model_validate(self.outputs['table'].get_dict())


def first_fault(table: StartsTable) -> tuple[str, str]:
    """Return the name of the first start that did not pass, and why.

    :param table: where some did not.
    """
    start = next(start for start in table.starts if start.verdict != 'passed')
    return start.name, (start.reason or 'no reason is known').rstrip('.')
