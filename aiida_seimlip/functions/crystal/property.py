"""Calcfunctions that all properties of crystals share: the parameters of their jobs."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.options.crystal.property import ModelOptions, PropertyOptions


@calcfunction
def minimum_parameters(options: orm.Dict, model: orm.Dict) -> orm.Dict:
    """Return the parameters of the job that finds the minima of a model, as `AseOptions`.

    :param options: of a property, which are `PropertyOptions` and more.
    :param model: as `ModelOptions`.
    """
    return orm.Dict(_shared(options).relaxation(ModelOptions.from_node(model).calculator))


@calcfunction
def evaluation_parameters(options: orm.Dict, model: orm.Dict, ions: orm.Str) -> orm.Dict:
    """Return the parameters of the job that evaluates frames with a model, as `AseOptions`.

    :param options: of a property, which are `PropertyOptions` and more.
    :param model: as `ModelOptions`.
    :param ions: what becomes of the atoms, ``clamped`` or ``relaxed``.
    """
    wanted: Any = ions.value
    return orm.Dict(_shared(options).evaluation(ModelOptions.from_node(model).calculator, wanted))


def _shared(options: orm.Dict) -> PropertyOptions:
    """Return what all properties have in common."""
    content = options.get_dict()
    return PropertyOptions.from_node({name: content[name] for name in PropertyOptions.model_fields if name in content})
