"""What can be wrong with the inputs of `SeiWorkChain`: found at submission, told in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.sei.sei import SeiOptions
from aiida_seimlip.workflows.campaign.validation import validate_campaign
from aiida_seimlip.workflows.campaign.validation.elements import faults_of_species
from aiida_seimlip.workflows.campaign.validation.engines import faults_of_engines
from aiida_seimlip.workflows.campaign.validation.methods import faults_of_methods, warn_about_methods
from aiida_seimlip.workflows.model_inputs import cells_of, faults_of_model
from aiida_seimlip.workflows.starts.validation import find_doubts as doubts_of_starts

PORTS = (
    'species', 'options', 'engines', 'reference', 'training', 'exploration', 'selection', 'initial_training',
    'initial_potential', 'initial_late', 'quarantine', 'bootstrap_structures', 'bootstrap_candidates',
)  # fmt: skip
"""Inputs of a campaign, whose sentences name them."""


def validate_sei(inputs: Mapping[str, Any], _: Any) -> str | None:
    """Check the inputs against each other.

    :param inputs: all inputs.
    :return: one sentence that names the input at fault, or None if all is well.
    """
    campaign = inputs.get('campaign') or {}
    if any(name not in inputs for name in ('species', 'options')) or 'options' not in campaign:
        return None  # the ports themselves say so
    if SeiOptions.explain(inputs['options'], 'options') or ActiveLearningOptions.explain(
        campaign['options'], 'options'
    ):
        return None
    return next(find_faults(inputs), None)


def find_faults(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences that say which input is wrong.

    :param inputs: all inputs, whose options are right.
    """
    given, recipe = inputs.get('structures') or {}, inputs.get('starts') or {}
    if bool(given) == bool(recipe):
        how = 'both are given' if given else 'neither is given'
        yield f'Either the input `starts` or the input `structures` is needed, but {how}.'
        return
    species = inputs['species'].get_list()
    campaign = {**inputs['campaign'], 'species': inputs['species']}
    options = SeiOptions.from_node(inputs['options'])
    if given:
        unknown = [name for name in options.left_out if name not in given]
        if unknown:
            yield f'Input `options` leaves out `{unknown[0]}` (`left_out`), which is not among the input `structures`.'
        fault = validate_campaign({**campaign, 'structures': given}, None)
        yield from () if fault is None else [_renamed(fault)]
    else:
        yield from faults_of_species(species)
        for fault in [*faults_of_engines(campaign, species), *faults_of_methods(campaign)]:
            yield _renamed(fault)
    yield from _faults_of_lattices(inputs, options, species)


def _faults_of_lattices(inputs: Mapping[str, Any], options: SeiOptions, species: list[str]) -> Iterator[str]:
    """Look for models that are missing, or that the relaxation would refuse."""
    if options.lattices is None:
        return
    models = inputs.get('lattices') or {}
    if 'potential' not in models:
        yield (
            'Input `lattices.potential` is missing: how a potential relaxes crystals (or set `lattices` to null in the '
            'input `options`).'
        )
        return
    unknown = set(models) - {'potential', 'teacher'}
    if unknown:
        yield f'Input `lattices` holds `{min(unknown)}`, but only `teacher` and `potential` are known.'
    for name, model in models.items():
        relax, cells = options.lattices.relaxation, cells_of(options.lattices.crystals)
        for fault in faults_of_model(f'lattices.{name}', model, relax, cells, 'options'):
            if 'potential` is missing' not in fault:  # it is grown here
                yield fault


def find_doubts(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each thing that is likely to go wrong.

    :param inputs: that pass all checks.
    """
    if inputs.get('starts'):
        yield from doubts_of_starts(inputs['starts'])
    yield from warn_about_methods(inputs['campaign'])


def _renamed(fault: str) -> str:
    """Return a sentence about the inputs of a campaign with the names that they have here."""
    names = '|'.join(name for name in PORTS if name != 'species')
    return re.sub(rf'`({names})(?=[`.])', r'`campaign.\1', fault)
