"""The WorkChain ``seimlip.defect``: formation energies of neutral point defects by several models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ase import Atoms

from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.crystal.defect import make_defects, measure_defects
from aiida_seimlip.options.crystal.defect import DefectOptions
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.workflows.crystal.property import CrystalPropertyWorkChain
from aiida_seimlip.workflows.protocols.crystal import CrystalProtocolMixin


class DefectWorkChain(CrystalProtocolMixin, CrystalPropertyWorkChain):
    """Find the formation energies of vacancies, interstitials and Frenkel pairs, with several models.

    All distinct sites are tried, in supercells of one or several sizes, whose cell is that of the perfect crystal by
    the model. The output `properties` is a `DefectComparison`.
    """

    protocol_folder: ClassVar = 'defect'
    options_class: ClassVar = DefectOptions
    options_help: ClassVar = 'Which defects, and where atoms come from.'
    plan: ClassVar = staticmethod(make_defects)
    measure: ClassVar = staticmethod(measure_defects)

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs, and that the crystals are those that the options speak of."""
        fault = super().validate_inputs(inputs, _)
        if fault is not None or DefectOptions.explain(inputs['options'], 'options'):
            return fault
        return next(_faults_of_crystals(inputs, DefectOptions.from_node(inputs['options'])), None)


def _faults_of_crystals(inputs: Mapping[str, Any], options: DefectOptions) -> Iterator[str]:
    """Yield what is wrong with the crystals, in sentences."""
    crystals: dict[str, Atoms] = {name: CRYSTALS[name].primitive() for name in options.crystals}
    crystals |= {name: get_frame(node).to_atoms()[0] for name, node in (inputs.get('structures') or {}).items()}
    elements = {name: set(atoms.symbols) for name, atoms in crystals.items()}
    if options.reservoir is not None and elements.get(options.reservoir) != {options.symbol}:
        yield (
            f'Input `options` names the reservoir `{options.reservoir}`, which is no crystal of {options.symbol} alone '
            'among the inputs.'
        )
    lacking = [name for name, symbols in elements.items() if options.symbol not in symbols]
    if lacking:
        yield f'The crystal `{lacking[0]}` holds no {options.symbol} (`symbol` of input `options`).'
