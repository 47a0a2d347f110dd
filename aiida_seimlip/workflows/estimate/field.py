"""What runs in fields are going to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida_seimlip.data.structure import elements_of
from aiida_seimlip.functions.interface.plan import NO_FIELD, equilibration_parameters, production_parameters
from aiida_seimlip.options.dynamics import DynamicsOptions
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.science.cost import frames_bytes, n_samples
from aiida_seimlip.workflows.estimate.plan import Plan, Work, sizes_of, thermo_bytes
from aiida_seimlip.workflows.estimate.transport import WHOLE, model_of, run_bytes
from aiida_seimlip.workflows.transport.parity import can_be_compared


def plan_field(inputs: Mapping[str, Any]) -> Plan:
    """Return what runs in fields do.

    :param inputs: of `FieldWorkChain`.
    """
    settings = FieldOptions.from_node(inputs['options'])
    (size,) = sizes_of(inputs['structure'])
    model = model_of(inputs, 'dynamics')
    works = []
    if settings.check_parity and can_be_compared(inputs):
        n_bytes = frames_bytes(1, size, WHOLE) + frames_bytes(1, size, ('velocities', 'steps')) + thermo_bytes(1)
        works.append(Work('check of the start', 'dynamics', 1, 0, atom_steps=0, n_bytes=n_bytes, **model))
    equilibration = equilibration_parameters(settings, 1)
    if equilibration is not None:
        works.append(_work('equilibration', DynamicsOptions(**equilibration), settings.replicas, size, model))
    for field in (NO_FIELD, *settings.fields):
        strength = sum(component**2 for component in field) ** 0.5
        content = production_parameters(settings, field, 1, elements_of(inputs['structure']))
        del content['field']
        name = f'in {strength:g} V/Å' if strength else 'without a field'
        works.append(_work(name, DynamicsOptions(**content), settings.replicas, size, model, moving=True))
    notes = ['The analysis takes some seconds for each run in the process of the workflow.']
    if settings.qeq is not None:
        notes.append(
            f'Charge equilibration inverts {settings.qeq.n_frames} matrices of {size} rows in the process of the '
            'workflow: seconds each at 1000 atoms, and eight times as long at twice as many.'
        )
    return Plan(tuple(works), notes=tuple(notes))


def _work(
    name: str, options: DynamicsOptions, n_jobs: int, size: int, model: Mapping[str, Any], *, moving: bool = False
) -> Work:
    """Return the jobs of one kind.

    :param moving: whether whole frames hold velocities, too.
    """
    n_frames = n_samples(options.n_steps, options.dump_every)
    more = frames_bytes(n_frames, size, (*WHOLE, 'velocities')) - frames_bytes(n_frames, size, WHOLE) if moving else 0
    return Work(
        name, 'dynamics', n_jobs, options.n_steps, atom_steps=n_jobs * options.n_steps * size,
        n_bytes=n_jobs * (run_bytes(options, size, size) + more), **model,
    )  # fmt: skip
