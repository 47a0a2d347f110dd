"""What the way from a recipe to a judged potential is going to take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida_seimlip.functions.starts.packing import gather_molecules
from aiida_seimlip.functions.starts.packing import plan_starts as plan_compositions
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.sei.sei import SeiOptions
from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.science.cost import frames_bytes
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.workflows.estimate.campaign import plan_campaign
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work, sizes_of
from aiida_seimlip.workflows.estimate.starts import plan_starts

NODES_PER_EXPLORATION = 12
"""Nodes of one exploration, its job, inputs and outputs, as benchmarks of campaigns count them."""
NODES_PER_START = 40
"""Nodes of one start of many that are made in one job, with its share of the campaign's own."""


def plan_sei(inputs: Mapping[str, Any]) -> Plan:
    """Return what starts, campaign, further trainings and crystals take at most.

    :param inputs: of `SeiWorkChain`.
    """
    options = SeiOptions.from_node(inputs['options'])
    works: list[Work] = []
    notes: list[str] = []
    if inputs.get('starts'):
        starts = plan_starts(inputs['starts'])
        works += starts.works
        notes += starts.notes
        sizes = sizes_of_recipe(inputs['starts'])
    else:
        sizes = [size for node in inputs['structures'].values() for size in sizes_of(node)]
    campaign = plan_campaign(inputs['campaign'], sizes)
    works += campaign.works
    notes += campaign.notes
    works += _judging(options, ActiveLearningOptions.from_node(inputs['campaign']['options']))
    notes.append(count_nodes(inputs, len(sizes)))
    return Plan(tuple(works), is_limit=True, notes=tuple(notes))


def sizes_of_recipe(starts: Mapping[str, Any]) -> list[int]:
    """Return the number of atoms of each start of a recipe.

    :param starts: inputs of `StartsWorkChain`.
    """
    recipe = RecipeOptions.from_node(starts['recipe'])
    molecules = gather_molecules(recipe, starts.get('molecules', {}))
    return [
        sum(count * len(molecules[name].atoms) for name, count in start.counts.items())
        for start in plan_compositions(recipe, molecules)
    ]


def count_nodes(inputs: Mapping[str, Any], n_starts: int) -> str:
    """Return a sentence on how many nodes the provenance graph gets at most.

    :param inputs: of `SeiWorkChain`.
    :param n_starts: number of starts.
    """
    settings = ActiveLearningOptions.from_node(inputs['campaign']['options'])
    iterations = settings.max_iterations - settings.first_iteration
    n_conditions = len(settings.exploration.conditions)
    number = n_starts * (NODES_PER_START + NODES_PER_EXPLORATION * n_conditions * iterations)
    return (
        f'The graph gets about {number:,} nodes at most: {n_starts} starts × {n_conditions} conditions × {iterations} '
        f'iterations, {NODES_PER_EXPLORATION} nodes an exploration.'
    )


def _judging(options: SeiOptions, campaign: ActiveLearningOptions) -> list[Work]:
    works = []
    if options.small_crystals:
        n_frames = len(options.small_crystals) * len(campaign.bootstrap.structures.strains)
        atoms = n_frames * options.small_crystal_atoms
        n_bytes = n_frames * frames_bytes(1, options.small_crystal_atoms, LABELLED)
        works.append(
            Work('label small crystals', 'reference', None, n_frames, atom_steps=atoms, unit='frames', n_bytes=n_bytes)
        )
    n_seeing_all = len(options.levels) + bool(options.small_crystals)
    n_trainings = n_seeing_all + len(options.left_out)
    if n_trainings:
        works.append(Work('train further potentials', 'training', n_trainings))
    if options.lattices is not None:
        sizes = [len(CRYSTALS[name].primitive()) for name in options.lattices.crystals]
        steps = options.lattices.minimum.max_steps
        n_bytes = sum(frames_bytes(1, size, LABELLED) for size in sizes)
        works.append(
            Work('relax crystals, teacher', 'teacher', 1, steps, atom_steps=steps * sum(sizes), n_bytes=n_bytes)
        )
        works.append(Work('relax crystals, potentials', 'potential', 1 + n_seeing_all, steps))
    return works
