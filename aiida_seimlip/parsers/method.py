"""Who computed what a job returns."""

from __future__ import annotations

from typing import Literal

from aiida import orm

from aiida_seimlip.options.calculator import CalculatorOptions

EnergyKind = Literal['', 'free']


def method_of(job: orm.CalcJobNode, calculator: CalculatorOptions | None = None) -> str:
    """Return the method of the energies and forces that a job of an ASE calculator returns.

    What a calculator says that is given a `PotentialData` is a prediction, unless `method_label` names it as a method
    to learn from.

    :param job: with the input `parameters`, and perhaps `potential`.
    :param calculator: None: the one that `parameters` names.
    """
    options = calculator or CalculatorOptions.model_validate(job.inputs.parameters['calculator'])
    return options.method_given(job.inputs.potential.uuid if 'potential' in job.inputs else None)


def energy_kind_of(energy_property: str | None) -> EnergyKind:
    """Return the kind of an energy.

    :param energy_property: name of the property that ASE's calculator was asked for.
    """
    return 'free' if energy_property == 'free_energy' else ''
