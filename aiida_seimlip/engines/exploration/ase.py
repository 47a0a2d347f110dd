"""Exploration with ASE, graded by how far the members of a committee disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida.engine import ProcessSpec

from aiida_seimlip.calculations.md_explore import MdExploreCalculation
from aiida_seimlip.data.potential import COMMITTEE
from aiida_seimlip.engines.exploration.contract import ExplorationWorkChain
from aiida_seimlip.engines.exploration.endings import EndingsMixin
from aiida_seimlip.options.ase_exploration import AseExplorationOptions


class AseExplorationWorkChain(ExplorationWorkChain, EndingsMixin):
    """Run molecular dynamics that stops itself where the members of a committee disagree about a force."""

    _process_class = MdExploreCalculation
    plugin_prefix = 'seimlip.'
    failure = 'ERROR_PROGRAM_FAILED'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters."""
        super().define(spec)
        spec.input('parameters', **AseExplorationOptions.port('Ensemble, length, thresholds, calculator and output.'))

    @classmethod
    def faults_of_call(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield what makes an exploration pointless, too.

        :param inputs: as in the base class; `selection_mode`, that of the potential that there will be, stands in for
            one that is not there yet.
        """
        if 'potential' not in inputs and inputs.get('selection_mode', COMMITTEE) != COMMITTEE:
            yield (
                'Input `potential` will be no committee, and only the disagreement of its members can grade what this '
                'engine meets: train two members at least, or explore with another engine.'
            )
        given = {name: value for name, value in inputs.items() if name not in ('options', 'species', 'selection_mode')}
        yield from MdExploreCalculation.find_faults(given)

    def setup(self) -> None:
        """Take the parameters as they are."""
        super().setup()
        self.ctx.parameters = self.inputs.parameters
