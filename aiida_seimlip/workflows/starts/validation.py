"""What can be wrong with the inputs of starts: found at submission, told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from pydantic import ValidationError

from aiida_seimlip.calculations.calculators import faults_of_species
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.starts.packing import explain_recipe, gather_molecules, plan_starts
from aiida_seimlip.functions.starts.packing import find_doubts as doubts_of_recipe
from aiida_seimlip.options.base import Options
from aiida_seimlip.options.condense import CondenseOptions
from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.options.starts.starts import StartsEngines, StartsOptions
from aiida_seimlip.science.structures.compositions import net_charge
from aiida_seimlip.science.structures.molecules import Molecule
from aiida_seimlip.science.structures.molecules.molecule import symbols_of
from aiida_seimlip.science.structures.packing.units import volume_at

CONDENSATION = 'condensation'

TIGHTEST = 0.6
"""Nothing fits into a cell that is smaller than this times the sum of the volumes of its molecules."""
THIN = 1.4
"""From a cell that is larger by this factor no affordable condensation reaches a dense one."""


def validate_starts(inputs: Mapping[str, Any], _: Any) -> str | None:
    """Check the inputs of starts against each other.

    :param inputs: all inputs.
    :return: one sentence that names the input at fault, or None if all is well.
    """
    if any(name not in inputs for name in ('recipe', 'options', 'engines')):
        return None  # the ports themselves say so
    models: dict[str, type[Options]] = {
        'recipe': RecipeOptions, 'options': StartsOptions, 'engines': StartsEngines
    }  # fmt: skip
    if any(model.explain(inputs[name], name) is not None for name, model in models.items()):
        return None
    return next(find_faults(inputs), None)


def find_faults(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: all inputs, each of which is right by itself.
    """
    recipe, nodes = RecipeOptions.from_node(inputs['recipe']), inputs.get('molecules', {})
    fault = explain_recipe(recipe, nodes)
    if fault is not None:
        yield f'Input `{"molecules" if nodes else "recipe"}` does not do: {fault}'
        return
    molecules = gather_molecules(recipe, nodes)
    yield from _faults_of_density(recipe, molecules)
    yield from _faults_of_engine(inputs, symbols_of(molecules.values()))


def find_doubts(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each thing that is likely to go wrong.

    :param inputs: that pass all checks.
    """
    recipe = RecipeOptions.from_node(inputs['recipe'])
    yield from doubts_of_recipe(recipe)
    molecules = gather_molecules(recipe, inputs.get('molecules', {}))
    starts = plan_starts(recipe, molecules)
    charged = sum(net_charge(start.counts, recipe.charges) != 0 for start in starts)
    if charged:
        yield (
            f'{charged} of {len(starts)} starts are charged, of which models know nothing: anions '
            'lose atoms or change their bonds in them.'
        )
    if StartsEngines.from_node(inputs['engines']).condensation is None:
        yield 'Nothing condenses the packed cells: their molecules are as far apart as they were packed.'
        return
    largest = max(volume_ratio(recipe, molecules, start.counts) for start in starts)
    if largest > THIN:
        yield (
            f'Cells are packed up to {largest:.1f} times as large as their molecules are together: from there a '
            'relaxation under pressure ends far too thin. Leave `packing.density` out, or bring it up.'
        )


def volume_ratio(recipe: RecipeOptions, molecules: Mapping[str, Molecule], counts: Mapping[str, int]) -> float:
    """Return how large a cell is packed by the sum of the volumes of its molecules.

    :param recipe: how it is packed.
    :param molecules: by name.
    :param counts: of the molecules in the cell.
    """
    if recipe.packing.density is None:
        return recipe.packing.volume_factor
    mass = sum(count * molecules[name].mass for name, count in counts.items())
    volume = sum(count * molecules[name].volume for name, count in counts.items())
    return volume_at(recipe.packing.density, mass) / volume


def _faults_of_density(recipe: RecipeOptions, molecules: Mapping[str, Molecule]) -> Iterator[str]:
    tightest = min(volume_ratio(recipe, molecules, start.counts) for start in plan_starts(recipe, molecules))
    if tightest < TIGHTEST:
        yield (
            f'Input `recipe` asks for cells of {tightest:.2f} times the volumes of their molecules, into which they do '
            'not fit: lower `packing.density`, or raise `packing.volume_factor`.'
        )


def _faults_of_engine(inputs: Mapping[str, Any], species: tuple[str, ...]) -> Iterator[str]:
    name, settings = StartsEngines.from_node(inputs['engines']).condensation, inputs.get(CONDENSATION, {})
    potential = inputs.get('potential')
    if name is None:
        if settings:
            yield f'Input `{CONDENSATION}` is given, but the input `engines` names no engine that condenses.'
        if potential is not None:
            yield 'Input `potential` is given, but the input `engines` names no engine that condenses.'
        return
    try:
        engine = load_engine(CONDENSATION, name)
    except ValueError as exception:
        yield f'Input `engines` is wrong: {exception}'
        return
    message = engine.explain_settings(CONDENSATION, settings, species=species)
    if message is None and potential is not None:
        message = next(faults_of_species('recipe', species, potential), None)
    if message is None:
        message = _explain_call(engine, inputs)
    yield from [message] if message is not None else []


def _explain_call(engine: Any, inputs: Mapping[str, Any]) -> str | None:
    """Say what the engine or its jobs would refuse of a call, as far as it is known now."""
    data = {name: inputs[name] for name in ('potential',) if name in inputs}
    fault = next(engine.faults_of_call({**inputs.get(CONDENSATION, {}), **data}), None)
    return None if fault is None else f'The engine `{engine.__name__}` refuses the inputs: {fault}'


def condense_options(inputs: Mapping[str, Any]) -> CondenseOptions | None:
    """Return the stages of the condensation, None if nothing condenses or its engine has other settings.

    :param inputs: of the WorkChain.
    """
    parameters: Any = inputs.get(CONDENSATION, {}).get('parameters')
    content = parameters.get_dict() if isinstance(parameters, orm.Dict) else (parameters or {})
    try:
        return CondenseOptions.model_validate(content['condense'])
    except (KeyError, ValidationError):
        return None
