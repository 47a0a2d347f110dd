"""What starts are going to take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm

from aiida_seimlip.functions.starts import packing
from aiida_seimlip.functions.words import describe_count
from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.science.cost import frames_bytes
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work
from aiida_seimlip.workflows.starts.validation import CONDENSATION, condense_options

SECONDS_PER_ATOM = {'sevennet': 0.0120, 'chgnet': 0.0055}
"""Time of a call (energy, forces and stress) of one thread for each atom of cells of 50 to 100 atoms, in s."""

PACKING = 'packing, in the process of the workflow'


def plan_starts(inputs: Mapping[str, Any]) -> Plan:
    """Return what starts take at most, until the relaxations have converged.

    :param inputs: of `StartsWorkChain`.
    """
    recipe = RecipeOptions.from_node(inputs['recipe'])
    molecules = packing.gather_molecules(recipe, inputs.get('molecules', {}))
    sizes = [
        sum(count * len(molecules[name].atoms) for name, count in start.counts.items())
        for start in packing.plan_starts(recipe, molecules)
    ]
    number, atoms = len(sizes), sum(sizes)
    mean = max(1, round(atoms / number))
    packed = Work(PACKING, 'packing', 0, number, atom_steps=0, unit='frames', n_bytes=frames_bytes(number, mean))
    if not inputs.get(CONDENSATION):
        return Plan((packed,), notes=('Nothing is condensed.',))
    options = condense_options(inputs)
    if options is None:
        return Plan((packed, Work('condensation', CONDENSATION)), is_limit=True)
    calls = options.max_calls
    kept = 0 if options.sample_every is None else calls // options.sample_every
    n_bytes = frames_bytes(number * (kept + 2), mean, LABELLED)
    work = Work(
        f'condensation of {describe_count(number, "cell")}', CONDENSATION, None, calls, atom_steps=calls * atoms,
        n_bytes=n_bytes,
    )  # fmt: skip
    return Plan((packed, work), is_limit=True, notes=tuple(_notes(inputs, number, atoms, calls)))


def _notes(inputs: Mapping[str, Any], number: int, atoms: int, calls: int) -> list[str]:
    notes = [
        f'{describe_count(number, "start")} of {atoms / number:.0f} atoms on average, each at most {calls:,} calls of '
        'the model; the relaxations end earlier where they converge.'
    ]
    parameters: Any = inputs[CONDENSATION].get('parameters')
    content = parameters.get_dict() if isinstance(parameters, orm.Dict) else (parameters or {})
    name = content.get('calculator', {}).get('name')
    if name in SECONDS_PER_ATOM:
        hours = calls * atoms * SECONDS_PER_ATOM[name] / 3600
        notes.append(
            f'By the {1000 * SECONDS_PER_ATOM[name]:g} ms for a call and an atom that `{name}` took on one core of a '
            f'common machine, these are {hours:.3g} core-hours.'
        )
    return notes
