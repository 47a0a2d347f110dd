"""What a nudged elastic band is going to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida_seimlip.options.barrier.neb import NEBOptions
from aiida_seimlip.science.cost import Known, frames_bytes
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work, sizes_of

ENDS = 2
WITH_FORCES: tuple[Known, ...] = ('energies', 'forces', 'methods')


def plan_neb(inputs: Mapping[str, Any]) -> Plan:
    """Return what a nudged elastic band does at most, until ends and path have converged.

    :param inputs: of `NEBWorkChain`.
    """
    settings = NEBOptions.from_node(inputs['options'])
    (size,) = sizes_of(inputs['initial'])
    n_frames = settings.n_images + ENDS
    parameters: Any = inputs.get('path', {}).get('parameters') or {}
    max_steps = parameters.get('max_steps', None)
    works = []
    if settings.relax is not None:
        steps = settings.relax.max_steps
        n_bytes = frames_bytes(ENDS, size, WITH_FORCES)
        works.append(Work('relax the ends', 'path', 1, steps, atom_steps=ENDS * size * steps, n_bytes=n_bytes))
    works.append(
        Work(
            f'band of {settings.n_images} images', 'path', 1, max_steps,
            atom_steps=None if max_steps is None else settings.n_images * size * max_steps,
            n_bytes=2 * frames_bytes(n_frames, size, WITH_FORCES),
        )
    )  # fmt: skip
    if inputs.get('reference'):
        works.append(
            Work(
                'label the path', 'reference', None, n_frames, atom_steps=n_frames * size, unit='frames',
                n_bytes=frames_bytes(n_frames, size, LABELLED),
            )
        )  # fmt: skip
    note = 'The steps are the limits of the optimisers; a path that converges takes a fraction of them.'
    return Plan(tuple(works), is_limit=True, notes=(note,))
