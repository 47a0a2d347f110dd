"""The WorkChain ``seimlip.evaluate``: the errors of models on a test set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.models.evaluate import measure_errors
from aiida_seimlip.options.models.evaluate import EvaluateOptions
from aiida_seimlip.workflows.model_inputs import faults_of_names
from aiida_seimlip.workflows.models.comparison import ModelComparisonWorkChain
from aiida_seimlip.workflows.protocols.evaluate import EvaluateProtocolMixin

STRUCTURES = 'structures'


class EvaluateWorkChain(EvaluateProtocolMixin, ModelComparisonWorkChain):
    """Find the errors of models on frames of dynamics, or on frames that are given, with intervals.

    The output `properties` is an `EvaluationComparison`: RMSE, MAE and R² of energies, forces and stresses, on all
    frames and on those of each composition, temperature and start, of the forces by element, and the worst frames with
    their origin.
    """

    options_class: ClassVar = EvaluateOptions
    options_help: ClassVar = 'What the models are compared with, on which frames, and how sure the numbers are.'
    measure: ClassVar = staticmethod(measure_errors)
    starts_place: ClassVar = STRUCTURES

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the starts."""
        super().define(spec)
        spec.input_namespace(
            STRUCTURES, valid_type=(orm.StructureData, FramesData), dynamic=True, required=False,
            help='Starts of the dynamics by name, each a structure or one frame.',
        )  # fmt: skip

    @classmethod
    def starts_of(cls, inputs: Mapping[str, Any], options: EvaluateOptions) -> Mapping[str, orm.Data]:
        """Return the structures."""
        return inputs.get(STRUCTURES) or {}

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any], options: EvaluateOptions) -> Iterator[str]:
        """Yield one sentence for each input that is wrong."""
        structures = inputs.get(STRUCTURES) or {}
        if bool(structures) != (options.sampling is not None):
            what = 'is empty, but' if options.sampling is not None else 'is given, but no'
            yield f'Input `{STRUCTURES}` {what} `sampling` in the input `options` asks for dynamics.'
        yield from faults_of_names(STRUCTURES, structures)
        for name, node in structures.items():
            if isinstance(node, FramesData) and node.n_frames != 1:
                yield f'Input `{STRUCTURES}.{name}` holds {node.n_frames} frames, but one is needed.'
        yield from super().find_faults(inputs, options)

    def make_starts(self) -> Mapping[str, orm.Data]:
        """Return the structures."""
        return dict(self.inputs[STRUCTURES])
