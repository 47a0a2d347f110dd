"""What can be wrong with the inputs of a campaign: found at submission, told in one sentence that names the input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.workflows.campaign.validation.also import faults_of_also
from aiida_seimlip.workflows.campaign.validation.beginning import faults_of_beginning, faults_of_quarantine
from aiida_seimlip.workflows.campaign.validation.budgets import faults_of_budgets, faults_of_filters
from aiida_seimlip.workflows.campaign.validation.calls import faults_of_calls
from aiida_seimlip.workflows.campaign.validation.elements import faults_of_coverage, faults_of_species
from aiida_seimlip.workflows.campaign.validation.engines import faults_of_engines
from aiida_seimlip.workflows.campaign.validation.methods import faults_of_methods
from aiida_seimlip.workflows.campaign.validation.starts import (
    faults_of_bootstrap,
    faults_of_starts,
    faults_of_structures,
)


def validate_campaign(inputs: Mapping[str, Any], _: Any) -> str | None:
    """Check the inputs of a campaign against each other.

    :param inputs: all inputs.
    :return: one sentence that names the input at fault, or None if all is well.
    """
    if any(name not in inputs for name in ('species', 'options')):
        return None  # the ports themselves say so
    if ActiveLearningOptions.explain(inputs['options'], 'options'):
        return None
    return next(find_faults(inputs), None)


def find_faults(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the first sentence that says which input is wrong, none if all is well."""
    species = inputs['species'].get_list()
    fault = next(_faults_of_inputs(inputs, species), None)  # the checks behind it stand on what it says is wrong
    yield from faults_of_calls(inputs, species) if fault is None else [fault]


def _faults_of_inputs(inputs: Mapping[str, Any], species: Sequence[Any]) -> Iterator[str]:
    """Yield what is wrong with inputs by themselves, and beside each other."""
    yield from faults_of_starts(inputs.get('structures', {}))
    yield from faults_of_species(species)
    yield from faults_of_structures(inputs.get('structures', {}), species)
    yield from faults_of_bootstrap(inputs, species)
    yield from faults_of_beginning(inputs, species)
    yield from faults_of_coverage(inputs, species)
    yield from faults_of_quarantine(inputs)
    yield from faults_of_budgets(inputs)
    yield from faults_of_filters(inputs)
    yield from faults_of_engines(inputs, species)
    yield from faults_of_also(inputs, species)
    yield from faults_of_methods(inputs)
