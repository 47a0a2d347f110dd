"""Calcfunctions that all properties of crystals share: the parameters of their jobs."""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.options.model import ModelOptions

MINIMA = 'minima'
"""Name of the jobs that find the minima; the others are named by what becomes of the ions."""


@calcfunction
def job_parameters(options: orm.Dict, model: orm.Dict, jobs: orm.List) -> dict[str, orm.Dict]:
    """Return the parameters of the jobs of a model, as `AseOptions`, by their names.

    Where atoms are both clamped and relaxed, one job does both: the start of a relaxation is what is clamped.

    :param options: of a property, which are `PropertyOptions` and more.
    :param model: as `ModelOptions`.
    :param jobs: `MINIMA`, or what becomes of the ions: ``clamped`` or ``relaxed``.
    """
    shared, calculator = _shared(options), ModelOptions.from_node(model).calculator
    names = jobs.get_list()
    parameters = {}
    if MINIMA in names:
        parameters[MINIMA] = orm.Dict(shared.relaxation(calculator))
    if 'relaxed' in names:
        parameters['relaxed'] = orm.Dict(shared.evaluation(calculator, 'relaxed', keep_start='clamped' in names))
    elif 'clamped' in names:
        parameters['clamped'] = orm.Dict(shared.evaluation(calculator, 'clamped'))
    return parameters


def _shared(options: orm.Dict) -> PropertyOptions:
    """Return what all properties have in common."""
    content = options.get_dict()
    return PropertyOptions.from_node({name: content[name] for name in PropertyOptions.model_fields if name in content})
