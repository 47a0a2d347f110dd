"""What a diffusivity and a conductivity are going to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.transport.diffusivity import dynamics_parameters
from aiida_seimlip.options.dynamics import DynamicsOptions
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions
from aiida_seimlip.science.cost import Known, frames_bytes, n_samples, track_bytes
from aiida_seimlip.workflows.estimate.plan import Plan, Work, sizes_of, thermo_bytes
from aiida_seimlip.workflows.transport.parity import can_be_compared

WHOLE: tuple[Known, ...] = ('energies', 'forces', 'methods', 'steps')
"""What is known of the whole frames of a run."""


def plan_diffusivity(inputs: Mapping[str, Any]) -> Plan:
    """Return what a diffusivity does.

    :param inputs: of `DiffusivityWorkChain`.
    """
    settings = DiffusivityOptions.from_node(inputs['options'])
    (size,) = sizes_of(inputs['structure'])
    model = model_of(inputs, 'dynamics')
    n_ions = count_ions(inputs['structure'], settings.mobile)
    works = [*_parity(inputs, settings, size, model)]
    for temperature in settings.temperatures:
        for phase, content in dynamics_parameters(settings, temperature, seed=1).items():
            options = DynamicsOptions(**content)
            works.append(
                Work(
                    f'{phase} {temperature:g} K', 'dynamics', settings.replicas, options.n_steps,
                    atom_steps=settings.replicas * options.n_steps * size,
                    n_bytes=settings.replicas * run_bytes(options, size, n_ions), **model,
                )
            )  # fmt: skip
    note = (
        'The analysis takes some seconds for each run in the process of the workflow, and stores less than a megabyte.'
    )
    return Plan(tuple(works), notes=(note,))


def plan_conductivity(inputs: Mapping[str, Any]) -> Plan:
    """Return what a conductivity does: what its diffusivity does, if that is yet to be found.

    :param inputs: of `ConductivityWorkChain`.
    """
    if inputs.get('diffusivity'):
        return plan_diffusivity(inputs['diffusivity'])
    return Plan((), notes=('The diffusivity has ended: there is nothing to run but the analysis.',))


def _parity(
    inputs: Mapping[str, Any], settings: DiffusivityOptions, size: int, model: Mapping[str, Any]
) -> Iterator[Work]:
    if settings.check_parity and can_be_compared(inputs):
        n_bytes = frames_bytes(1, size, WHOLE) + frames_bytes(1, size, ('velocities', 'steps')) + thermo_bytes(1)
        yield Work('check of the start', 'dynamics', 1, 0, atom_steps=0, n_bytes=n_bytes, **model)


def run_bytes(options: DynamicsOptions, size: int, n_ions: int) -> int:
    """Return the room that a run takes, in bytes.

    :param options: of the run.
    :param size: atoms of the cell.
    :param n_ions: mobile ions among them.
    """
    whole = frames_bytes(n_samples(options.n_steps, options.dump_every), size, WHOLE)
    last = frames_bytes(1, size, ('velocities', 'steps'))
    thermo = thermo_bytes(n_samples(options.n_steps, options.energy_every))
    track = track_bytes(n_samples(options.n_steps, options.track_every), n_ions) if options.mobile else 0
    return whole + last + thermo + track


def count_ions(node: FramesData | orm.StructureData, mobile: list[str]) -> int:
    """Return the number of mobile ions in a structure.

    :param node: of one configuration.
    :param mobile: chemical symbols.
    """
    (atoms,) = get_frame(node).to_atoms()
    return sum(symbol in mobile for symbol in atoms.get_chemical_symbols())


def model_of(inputs: Mapping[str, Any], socket: str) -> dict[str, Any]:
    """Return the level of the potential and whether grades are evaluated, as far as the speed depends on them.

    :param inputs: of a workflow.
    :param socket: that evaluates the potential; with an ASE calculator, levels say nothing of its speed.
    """
    settings, potential = inputs.get(socket, {}), inputs.get('potential')
    parameters: Any = settings.get('parameters') or {}
    if potential is None or potential.family != 'mtp' or 'calculator' in parameters:
        return {}
    return {'level': potential.level, 'with_grades': bool(parameters.get('with_grades', False))}
