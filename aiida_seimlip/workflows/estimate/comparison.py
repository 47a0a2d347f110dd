"""What a comparison of models on the same frames is going to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiida import orm

from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.dynamics import DynamicsOptions
from aiida_seimlip.options.models.comparison import ComparisonOptions
from aiida_seimlip.options.models.evaluate import EvaluateOptions
from aiida_seimlip.options.models.size_transfer import SizeTransferOptions
from aiida_seimlip.science.cost import frames_bytes
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work, sizes_of
from aiida_seimlip.workflows.estimate.transport import model_of, run_bytes


def plan_evaluation(inputs: Mapping[str, Any]) -> Plan:
    """Return what the errors on a test set take.

    :param inputs: of `EvaluateWorkChain`.
    """
    settings = EvaluateOptions.from_node(inputs['options'])
    starts = [size for node in (inputs.get('structures') or {}).values() for size in sizes_of(node)]
    return _plan(settings, inputs, starts, perfect=[])


def plan_size_transfer(inputs: Mapping[str, Any]) -> Plan:
    """Return what the errors by size take.

    :param inputs: of `SizeTransferWorkChain`.
    """
    settings = SizeTransferOptions.from_node(inputs['options'])
    structure: orm.Data = inputs['structure']
    (atoms,) = get_frame(structure).to_atoms()
    cells = [len(atoms) * round(float(np.linalg.det(cell))) for cell in settings.supercells_of(atoms).values()]
    return _plan(settings, inputs, cells, perfect=cells)


def _plan(
    settings: ComparisonOptions, inputs: Mapping[str, Any], starts: Sequence[int], perfect: Sequence[int]
) -> Plan:
    """Return the runs and the evaluations.

    :param settings: what is asked for.
    :param inputs: of the workflow.
    :param starts: number of atoms of each start of the dynamics.
    :param perfect: number of atoms of each supercell that is evaluated besides.
    """
    sizes = [size for node in (inputs.get('frames') or {}).values() for size in sizes_of(node)]
    works = list(_runs(settings, inputs, starts))
    if settings.sampling is not None:
        per_start = settings.sampling.frames_per_run * settings.sampling.replicas * len(settings.sampling.temperatures)
        sizes = [size for size in starts for _ in range(per_start)]
    sizes = [*sizes, *perfect]
    n_bytes = sum(frames_bytes(1, size, LABELLED) for size in sizes)
    works += [
        Work(f'evaluate with {name}', name, 1, len(sizes), atom_steps=sum(sizes), unit='frames', n_bytes=n_bytes)
        for name in inputs['models']
    ]
    return Plan(tuple(works), notes=('The comparison takes some seconds in the process of the workflow.',))


def _runs(settings: ComparisonOptions, inputs: Mapping[str, Any], starts: Sequence[int]) -> Iterator[Work]:
    """Yield the dynamics at each temperature."""
    sampling, model = settings.sampling, model_of(inputs, 'dynamics')
    if sampling is None:
        return
    for temperature in sampling.temperatures:
        options = DynamicsOptions(**sampling.run(temperature, seed=1))
        yield Work(
            f'dynamics {temperature:g} K', 'dynamics', sampling.replicas * len(starts), options.n_steps,
            atom_steps=sampling.replicas * options.n_steps * sum(starts),
            n_bytes=sampling.replicas * sum(run_bytes(options, size, 0) for size in starts), **model,
        )  # fmt: skip
