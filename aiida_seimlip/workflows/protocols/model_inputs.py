"""The inputs of models that workflows compare, from protocols."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from aiida import orm

from aiida_seimlip.workflows.model_inputs import ENGINE
from aiida_seimlip.workflows.protocols import merge, resolve_codes, socket_inputs

POTENTIALS, CALCULATORS, REFERENCE = 'potentials', 'calculators', 'reference'
MODEL_SOCKETS = (POTENTIALS, CALCULATORS)
"""The jobs of ASE: those of models that are potentials, and those of other calculators."""


def models_of(
    inputs: Mapping[str, Any],
    codes: Mapping[str, orm.AbstractCode | str],
    kinds: Mapping[str, Mapping[str, Any]],
    scheduler_options: Mapping[str, Any] | None,
) -> dict[str, dict[str, Any]]:
    """Return the inputs of each model by its name.

    :param inputs: of the protocol, with the settings of all kinds of models.
    :param codes: the code, or its label, for each kind; one of `MODEL_SOCKETS` stands in for the other.
    :param kinds: the models by name: `POTENTIALS`; `CALCULATORS`, as `CalculatorOptions`; and names of
        engines for `REFERENCE`.
    :param scheduler_options: settings of the scheduler for all jobs.
    :raises ValueError: if a code is missing, or two models have one name.
    """
    times = Counter(name for models in kinds.values() for name in models)
    twice = sorted(name for name, number in times.items() if number > 1)
    if twice:
        raise ValueError(f'Two models are called `{twice[0]}`.')
    found = resolve_codes(
        codes, tuple(kinds), optional=[kind for kind, models in kinds.items() if not models],
        stand_in={CALCULATORS: POTENTIALS, POTENTIALS: CALCULATORS},
    )  # fmt: skip
    models = {}
    for name, potential in kinds[POTENTIALS].items():
        settings = merge({'parameters': {'calculator': {'name': potential.family}}}, inputs.get(POTENTIALS, {}))
        models[name] = {**socket_inputs(settings, found[POTENTIALS], scheduler_options), 'potential': potential}
    for name, calculator in kinds[CALCULATORS].items():
        settings = merge(inputs.get(CALCULATORS, {}), {'parameters': {'calculator': dict(calculator)}})
        models[name] = socket_inputs(settings, found[CALCULATORS], scheduler_options)
    for name, engine in kinds[REFERENCE].items():
        settings = {**inputs.get(REFERENCE, {}), ENGINE: engine}
        models[name] = socket_inputs(settings, found[REFERENCE], scheduler_options)
    return models


def models_with_codes(
    inputs: Mapping[str, Any],
    codes: Mapping[str, orm.AbstractCode | str],
    kinds: Mapping[str, Mapping[str, Any]],
    scheduler_options: Mapping[str, Any] | None,
) -> dict[str, dict[str, Any]]:
    """Return the inputs of each model by its name, where models may have codes of their own.

    Potentials of several families seldom run in one Python environment.

    :param inputs: of the protocol, with the settings of all kinds of models.
    :param codes: as `models_of`, and the code, or its label, of a model by its name, which comes first.
    :param kinds: as `models_of`.
    :param scheduler_options: settings of the scheduler for all jobs.
    :raises ValueError: if a code is missing, or two models have one name.
    """
    own = {name: codes[name] for models in kinds.values() for name in models if name in codes}
    shared = {name: code for name, code in codes.items() if name not in own}
    provided = {
        kind: own[next(iter(models))] for kind, models in kinds.items()
        if models and kind not in shared and set(models) <= set(own)
    }  # fmt: skip
    found = models_of(inputs, {**provided, **shared}, kinds, scheduler_options)
    for name, code in resolve_codes(own, tuple(own)).items():
        found[name]['code'] = code
    return found
