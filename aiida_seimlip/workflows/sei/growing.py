"""The stages of `SeiWorkChain` that grow a potential: starts, then the campaign."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from aiida.engine import ExitCode, WorkChain

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.sei.training import choose_trace
from aiida_seimlip.functions.starts.split import split_starts
from aiida_seimlip.options.campaign.active_learning import EngineNames
from aiida_seimlip.options.sei.sei import SeiOptions
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from aiida_seimlip.workflows.campaign.validation import validate_campaign
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.starts.starts import StartsWorkChain

STARTS, CAMPAIGN = 'starts', 'campaign'
"""Namespaces of the inputs of both stages, and labels of the links to them."""

TRACE = 'condensation'
"""Name of the frames of the condensation among those that join the bootstrap."""


class GrowingStages(WorkChain):
    """Make the starts, and grow a potential from them.

    The context holds ``structures`` (a frame by the name of each start), ``table`` and ``trace`` of the starts,
    ``training`` (sets by name), ``potential``, ``held_out`` and ``history`` of the campaign, as far as there are, and
    ``faults``: label and details of each exit code that the end has to tell, in order.
    """

    @cached_property
    def settings(self) -> SeiOptions:
        """The options."""
        return SeiOptions.from_node(self.inputs.options)

    @cached_property
    def engines(self) -> EngineNames:
        """The names of the engines of the campaign."""
        return EngineNames.from_node(self.inputs[CAMPAIGN].get('engines'))

    @cached_property
    def teacher(self) -> str:
        """Who makes the labels, as far as that is known before there are any."""
        engine: Any = load_engine('reference', self.engines.reference)
        method: str = engine.describe_labels(self.inputs[CAMPAIGN].reference)[0]
        return method

    def fault(self, label: str, **details: Any) -> None:
        """Remember what went wrong, and go on."""
        exit_code = self.exit_codes[label].format(**details)
        self.ctx.faults = [*self.ctx.faults, (label, details)]
        self.report(f'{exit_code.message}')

    def should_make_starts(self) -> bool:
        """Return whether the starts are yet to be made."""
        return not self.ctx.structures

    def run_starts(self) -> None:
        """Pack and condense the cells of the recipe."""
        inputs: dict[str, Any] = dict(self.exposed_inputs(StartsWorkChain, namespace=STARTS))
        inputs['metadata'] = {'call_link_label': STARTS}
        self.to_context(starts_process=self.submit(StartsWorkChain, **inputs))

    def inspect_starts(self) -> ExitCode | None:
        """Take the starts that passed, be it not all; without any there is nothing to go on with."""
        process = self.ctx.starts_process
        outputs = process.outputs
        if 'table' in outputs:
            self.ctx.table = outputs.table
        if 'frames' not in outputs:
            return self.stop('ERROR_NO_STARTS', reason=explain_failure(process))
        if not process.is_finished_ok:
            self.fault('ERROR_STARTS_INCOMPLETE', reason=explain_failure(process))
        self.ctx.structures = dict(split_starts(outputs.frames, outputs.table))
        self.out(STARTS, self.ctx.structures)
        if 'trace' in outputs:
            self._take_trace(outputs.trace)
        return None

    def run_campaign(self) -> ExitCode | None:
        """Grow the potential; what the starts that are left make impossible is said here, as nobody knew it before."""
        inputs: dict[str, Any] = dict(self.exposed_inputs(ActiveLearningWorkChain, namespace=CAMPAIGN))
        inputs |= {'structures': self.ctx.structures, 'species': self.inputs.species}
        if self.ctx.trace is not None:
            inputs['bootstrap_candidates'] = {TRACE: self.ctx.trace, **inputs.get('bootstrap_candidates', {})}
        fault = validate_campaign(inputs, None)
        if fault is not None:
            return self.stop('ERROR_CAMPAIGN_FAILED', reason=fault)
        inputs['metadata'] = {'call_link_label': CAMPAIGN}
        self.to_context(campaign_process=self.submit(ActiveLearningWorkChain, **inputs))
        return None

    def inspect_campaign(self) -> ExitCode | None:
        """Take what the campaign has made, however it ended."""
        process = self.ctx.campaign_process
        outputs = process.outputs
        self.out_many(self.exposed_outputs(process, ActiveLearningWorkChain, namespace=CAMPAIGN))
        self.ctx.training = dict(outputs.training) if 'training' in outputs else {}
        for name in ('history', 'held_out', 'potential'):
            self.ctx[name] = outputs[name] if name in outputs else None
        if self.ctx.potential is None or not self.ctx.training:
            return self.stop('ERROR_CAMPAIGN_FAILED', reason=explain_failure(process))
        if not process.is_finished_ok:
            self.fault('ERROR_CAMPAIGN_UNFINISHED', reason=explain_failure(process))
        return None

    def stop(self, label: str, **details: Any) -> ExitCode:
        """Attach what there is, and return the exit code.

        :param label: of the exit code.
        :param details: what its message names.
        """
        raise NotImplementedError

    def _take_trace(self, trace: FramesData) -> None:
        """Let the campaign learn from the condensation, if its model is that of the labels."""
        if self.settings.trace is None:
            return
        methods = set(trace.methods)
        if methods != {self.teacher}:
            names = ', '.join(sorted(methods)) or 'an unknown method'
            self.report(f'nothing is learned from the condensation, by {names}: the labels are by {self.teacher}')
            return
        self.ctx.trace = choose_trace(self.inputs.options, trace).get('trace')
