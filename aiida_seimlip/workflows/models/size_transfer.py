"""The WorkChain ``seimlip.size_transfer``: the errors of models by the size of the cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import faults_of_structure, get_frame
from aiida_seimlip.functions.models.sampling import make_supercells
from aiida_seimlip.functions.models.size_transfer import measure_size_transfer
from aiida_seimlip.options.models.size_transfer import SizeTransferOptions
from aiida_seimlip.science.structures.supercells import StructureError, supercell
from aiida_seimlip.workflows.models.comparison import ModelComparisonWorkChain
from aiida_seimlip.workflows.protocols.size_transfer import SizeTransferProtocolMixin


class SizeTransferWorkChain(SizeTransferProtocolMixin, ModelComparisonWorkChain):
    """Find the errors of models on frames of cells of several sizes, if the reference is size-consistent.

    Supercells of a crystal or an amorphous cell are made, and dynamics run in each. All models, the reference among
    them, evaluate the supercells without displacements as well: if the energy of an atom by the reference differs among
    them, nothing is compared. The output `properties` is a `SizeTransferComparison`.
    """

    options_class: ClassVar = SizeTransferOptions
    options_help: ClassVar = 'The sizes, what the models are compared with in them, and how size-consistent that is.'
    measure: ClassVar = staticmethod(measure_size_transfer)
    starts_place: ClassVar = 'structure'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the structure and the exit code of a reference that does not serve."""
        super().define(spec)
        spec.input(
            'structure', valid_type=(orm.StructureData, FramesData),
            help='The crystal or amorphous cell that supercells are made of: a structure, or one frame.',
        )  # fmt: skip
        spec.exit_code(
            410, 'ERROR_REFERENCE_NOT_SIZE_CONSISTENT',
            message='Nothing is compared; what was measured is attached: {reason}',
        )  # fmt: skip

    @classmethod
    def starts_of(cls, inputs: Mapping[str, Any], options: SizeTransferOptions) -> Mapping[str, orm.Data]:
        """Return the supercells."""
        (atoms,) = get_frame(inputs['structure']).to_atoms()
        cells = options.supercells_of(atoms)
        return {name: FramesData.from_atoms([supercell(atoms, matrix)]) for name, matrix in cells.items()}

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any], options: SizeTransferOptions) -> Iterator[str]:
        """Yield one sentence for each input that is wrong."""
        structure = inputs.get('structure')
        if structure is None:
            return  # the port itself says so
        if isinstance(structure, FramesData) and structure.n_frames != 1:
            yield f'Input `structure` holds {structure.n_frames} frames, but one is needed.'
            return
        faults = list(faults_of_structure('structure', structure, periodic='a supercell'))
        yield from faults
        if faults:
            return
        try:
            cls.starts_of(inputs, options)
        except StructureError as exception:
            yield f'Input `options` cannot be met for the input `structure`: {exception}'
            return
        yield from super().find_faults(inputs, options)

    def setup(self) -> None:
        """Make the supercells."""
        super().setup()
        self.ctx.cells = dict(make_supercells(self.inputs.options, self.inputs.structure))

    def make_starts(self) -> Mapping[str, orm.Data]:
        """Return the supercells."""
        return self.perfect_cells()

    def perfect_cells(self) -> Mapping[str, FramesData]:
        """Return the supercells without displacements."""
        cells: dict[str, FramesData] = self.ctx.cells
        return cells

    def judge(self, properties: Mapping[str, Any]) -> ExitCode | None:
        """Return what the end is worth: nothing, if the reference is not size-consistent."""
        if properties['refusal'] is not None:
            return self.exit_codes.ERROR_REFERENCE_NOT_SIZE_CONSISTENT.format(reason=properties['refusal'])
        return super().judge(properties)
