"""CalcJob that selects candidates for labelling with ``mlp select_add``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import CalcJobProcessSpec

from aiida_seimlip.calculations.mlip3_base import Mlip3Calculation, define_training
from aiida_seimlip.calculations.validation import faults_of_frames, faults_of_potential, faults_of_training_set
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.mlip3 import Mlip3SelectOptions
from aiida_seimlip.science.frames import Frames


class Mlip3SelectCalculation(Mlip3Calculation):
    """Select by MaxVol the candidates that extend the active set the most."""

    COMMAND = 'select_add'
    PARSER = 'seimlip.mlip3.select'
    OUTPUT_FILE = 'selected.cfg'
    TRAINING_FILE = 'train.cfg'
    CANDIDATES_FILE = 'candidates.cfg'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input('potential', valid_type=PotentialData, help='Trained potential with an active set.')
        define_training(spec, 'Frames that the potential learned from; they compete with the candidates.')
        spec.input('candidates', valid_type=FramesData, help='Frames to select from; labels are not needed.')
        spec.input('parameters', **Mlip3SelectOptions.port('How to select.'))
        spec.output(
            'selected', valid_type=FramesData,
            help='The candidates that were selected, in their order, with their grades and origin; there may be none.',
        )  # fmt: skip
        spec.output('results', valid_type=orm.Dict, help='`n_selected`, and `indices`: which candidates they are.')
        spec.default_output_node = 'results'

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong."""
        yield from super().find_faults(inputs)
        if 'potential' not in inputs:
            return
        potential: PotentialData = inputs['potential']
        yield from faults_of_potential('potential', potential, active_set=True)
        if 'training' in inputs:
            yield from faults_of_training_set('training', inputs['training'], potential.species)
        if 'candidates' in inputs:
            yield from faults_of_frames('candidates', inputs['candidates'], potential.species)

    def get_configurations(self) -> dict[str, Frames]:
        """Return the training set and the candidates; selection does not look at labels."""
        candidates = self.inputs.candidates.get_frames().replace(grades=None)
        return {
            self.TRAINING_FILE: self.get_training().without_labels(),
            self.CANDIDATES_FILE: candidates.without_labels(),
        }

    def get_arguments(self) -> list[str]:
        """Return the arguments of ``mlp select_add``."""
        options = Mlip3SelectOptions.from_node(self.inputs.parameters)
        files = [self.POTENTIAL_FILE, self.TRAINING_FILE, self.CANDIDATES_FILE, self.OUTPUT_FILE]
        return [*files, *options.command_line()]
