"""The CalcJob ``seimlip.md.explore``: molecular dynamics that stops itself where a committee disagrees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import CalcJobProcessSpec

from aiida_seimlip.calculations.md import MdCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import COMMITTEE, PotentialData
from aiida_seimlip.options.ase_exploration import AseExplorationOptions
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.dynamics import AseDynamicsOptions


class MdExploreCalculation(MdCalculation):
    """Run molecular dynamics with a committee, until its end or until the members disagree too much about a force."""

    SCRIPT_FILENAME = 'run_explore.py'
    MODULE_FILENAMES = (MdCalculation.SCRIPT_FILENAME,)
    CANDIDATES_FILENAME = 'candidates.npy'
    TEMPORARY_FILENAMES = (*MdCalculation.TEMPORARY_FILENAMES, CANDIDATES_FILENAME)

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes."""
        super().define(spec)
        spec.input('potential', valid_type=PotentialData, help='A committee.')
        spec.input('parameters', **AseExplorationOptions.port('The calculator, ensemble, length, thresholds, output.'))
        metadata: Any = spec.inputs['metadata']
        metadata['options']['parser_name'].default = 'seimlip.md.explore'
        del spec.outputs['track']
        spec.output(
            'candidates', valid_type=FramesData, required=False,
            help='Frames with a grade above `threshold_save` in the order in which they were met, with their grades '
            '(eV/Å) and MD steps; of a crashed run the sane ones and the last sane frames of the trajectory.',
        )  # fmt: skip
        spec.exit_code(
            410, 'BREAKING_THRESHOLD_EXCEEDED',
            message='The run broke after {n_steps} of {n_steps_asked} steps: {reason} The input `potential` does not '
            'know what it met there.',
        )  # fmt: skip

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        potential: PotentialData | None = inputs.get('potential')
        if potential is not None and potential.selection_mode != COMMITTEE:
            yield (
                f'Input `potential` is a single potential of the family `{potential.family}`, but only a committee of '
                'two members at least can be graded by how far its members disagree.'
            )
        yield from super().find_faults(inputs)

    @classmethod
    def faults_of_calculator(cls, calculator: CalculatorOptions, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is wrong with the calculator and the committee, which a workflow may give later."""
        if 'potential' in inputs:
            yield from super().faults_of_calculator(calculator, inputs)

    @classmethod
    def dynamics_options(cls, parameters: orm.Dict) -> AseDynamicsOptions:
        """Return the part of the options that all molecular dynamics with ASE have."""
        return AseExplorationOptions.from_node(parameters).to_dynamics()

    def options_for_script(self, calculator: dict[str, Any], time_limit_seconds: float | None) -> dict[str, Any]:
        """Return what the script reads."""
        scale = self.inputs.potential.deviation_scale
        if scale is None:
            self.report(
                'WARNING: The input `potential` does not know how large errors are at a deviation of its members '
                '(`deviation_scale`): its grades are the deviations themselves.'
            )
        options = AseExplorationOptions.from_node(self.inputs.parameters)
        return options.to_remote(calculator, time_limit_seconds, 1.0 if scale is None else scale)
