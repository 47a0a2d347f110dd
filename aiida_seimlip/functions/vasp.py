"""Calcfunctions that make the inputs of VASP from frames, and labels from what VASP returned."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import numpy as np
from aiida import orm
from aiida.common.exceptions import NotExistent
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.frames import NOT_FINISHED
from aiida_seimlip.functions.job_labels import (
    LabelError,
    check_finite,
    collect_labels,
    job_name,
    periodic_frames,
    to_structure,
)
from aiida_seimlip.options.ase import MdOptions
from aiida_seimlip.options.vasp import VaspLabelOptions
from aiida_seimlip.science.formats.vasp.output import (
    VaspOutputError,
    group_species,
    read_outcar_species,
    read_vasprun_species,
)
from aiida_seimlip.science.formats.vasp.steps import read_vasprun_steps
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA, tensor_to_voigt

KBAR_TO_EV_PER_A3 = 0.1 / EV_PER_A3_TO_GPA
ENERGY = 'energy_free'
"""The energy of which VASP's forces are the derivative."""


@calcfunction
def prepare_vasp(frames: FramesData, parameters: orm.Dict, **optional: orm.Dict) -> dict[str, Any]:
    """Make the inputs of one job for each frame that is periodic; all jobs share what they can.

    The atoms of each structure are in the order that `group_species` gives.

    :param frames: the frames.
    :param parameters: as `VaspLabelOptions`.
    :param optional: ``dynamics`` as `MdOptions`, if there is to be molecular dynamics from each frame.
    :return: ``structures`` by the name of the job; ``shared``, inputs of all jobs by port; for dynamics
        ``incars`` by the name of the job.
    """
    options = VaspLabelOptions.from_node(parameters)
    dynamics = MdOptions.from_node(optional['dynamics']) if 'dynamics' in optional else None
    structures, incars = {}, {}
    for index, frame, value in periodic_frames(frames):
        tags = None
        if dynamics is not None:
            tags = options.to_dynamics_incar(dynamics, index, frames.n_frames, len(frame.elements))
            incars[job_name(index)] = orm.Dict({'incar': tags})
        structures[job_name(index)] = to_structure(frame, job_key(value, tags), group_species(frame.numbers))
    outputs: dict[str, Any] = {'shared': _shared_inputs(options, frames.elements)}
    if dynamics is None:
        outputs['shared']['parameters'] = orm.Dict({'incar': options.to_incar()})
    if structures:
        outputs['structures'] = structures
    if incars:
        outputs['incars'] = incars
    return outputs


@calcfunction
def harvest_vasp(frames: FramesData, parameters: orm.Dict, reasons: orm.Dict, **groups: Any) -> dict[str, orm.Data]:
    """Make labels of what VASP returned, in the order of the frames and of their atoms.

    :param frames: the frames that the jobs were for.
    :param parameters: as `VaspLabelOptions`.
    :param reasons: why a job did not end well, by its name.
    :param groups: ``jobs``: the outputs ``retrieved`` and, of single points, ``misc`` of each job, by its name;
        ``dynamics`` as `MdOptions`, if the jobs ran molecular dynamics.
    :return: ``labelled`` (absent if there are none), ``failures`` (index and reason) and, if single steps of dynamics
        were refused, ``refused`` (a list of reasons by index).
    """
    dynamics = MdOptions.from_node(groups['dynamics']) if 'dynamics' in groups else None
    options = VaspLabelOptions.from_node(parameters)
    incomplete: dict[str, str] = {}
    refused: dict[str, list[str]] = {}

    def label(index: int, frame: Frames, job: dict[str, Any], reason: str | None) -> Frames:
        if dynamics is None:
            if reason is not None:
                raise LabelError(reason)
            return label_frame(frame, job).computed_by(options.method_name, 'free')
        samples, wrong, reason = sample_trajectory(frame, job, dynamics, reason)
        if wrong:
            refused[str(index)] = wrong
        if reason is not None:
            incomplete[str(index)] = reason
        return samples.computed_by(options.method_name, 'free').replace(
            origin_uuids=np.full(len(samples), frames.uuid), origin_indices=np.full(len(samples), index)
        )

    outputs = collect_labels(frames, reasons.get_dict(), groups.get('jobs', {}), 'VASP', label)
    if incomplete:
        outputs['failures'] = orm.Dict({**outputs['failures'].get_dict(), **incomplete})
    if refused:
        outputs['refused'] = orm.Dict(refused)
    return outputs


def job_key(value: str, tags: dict[str, Any] | None = None) -> str:
    """Return what identifies the work of a job, beside the method.

    :param value: content hash of the frame.
    :param tags: the INCAR, if the job runs dynamics.
    """
    if tags is None:
        return value
    return f'{value}:{hashlib.sha256(json.dumps(tags, sort_keys=True).encode()).hexdigest()[:16]}'


def label_frame(frame: Frames, outputs: dict[str, Any]) -> Frames:
    """Return a frame with the labels that a single point gave it.

    :param frame: one frame.
    :param outputs: of the job: ``misc`` and ``retrieved``.
    :raises LabelError: if they are none.
    """
    misc = outputs['misc'].get_dict() if 'misc' in outputs else {}
    status = misc.get('run_status') or {}
    if not status.get('finished'):
        raise LabelError('OutputTruncated: OUTCAR does not reach its end.')
    if not status.get('electronic_converged') or status.get('contains_nelm_breach'):
        raise LabelError(f'ScfNotConverged: the electronic steps reached NELM = {status.get("nelm")}.')
    lacking = lacking_results(misc)
    if lacking:
        raise LabelError(f'OutputTruncated: vasprun.xml holds no {", ".join(lacking)} of the last step.')
    order = _check_species(frame, outputs)
    results = (misc['total_energies'][ENERGY], misc['forces'], misc['stress'])
    return frame.replace(**_labels(order, *(np.array([value], dtype=float) for value in results)), velocities=None)


def lacking_results(misc: dict[str, Any]) -> list[str]:
    """Return what a single point has not left of the things that make a label.

    aiida-vasp calls a job well that has a complete OUTCAR beside a vasprun.xml that is cut off.

    :param misc: what aiida-vasp read.
    """
    energies = misc.get('total_energies') or {}
    found = {'energy': energies.get(ENERGY), **{name: misc.get(name) for name in ('forces', 'stress', 'run_status')}}
    return [name for name, value in found.items() if value is None]


def sample_trajectory(
    frame: Frames, outputs: dict[str, Any], dynamics: MdOptions, reason: str | None = None
) -> tuple[Frames, list[str], str | None]:
    """Return the labelled samples of molecular dynamics, why others were refused, and why the run is not complete.

    VASP's first configuration is the start, which is no sample.

    :param frame: the start.
    :param outputs: of the job: ``retrieved``.
    :param dynamics: how often to sample.
    :param reason: why the job did not end well.
    :raises LabelError: if there is no sample at all.
    """
    order = _check_species(frame, outputs)
    with outputs['retrieved'].base.repository.open('vasprun.xml', 'rb') as handle:
        found = read_vasprun_steps(handle)
    if reason is None and len(found) <= dynamics.n_steps:
        reason = f'{NOT_FINISHED}: the dynamics ended after {len(found) - 1} of {dynamics.n_steps} steps.'
    steps = np.arange(dynamics.sample_every, min(len(found), dynamics.n_steps + 1), dynamics.sample_every)
    converged = found.converged[steps]
    wrong = [f'ScfNotConverged: MD step {step} reached NELM = {found.nelm}.' for step in steps[~converged]]
    kept = steps[converged]
    if not kept.size:
        raise LabelError(reason or (wrong[0] if wrong else 'OutputTruncated: vasprun.xml holds no complete step.'))
    positions = np.empty((len(kept), len(order), 3))
    positions[:, order] = found.positions[kept]
    samples = Frames.concatenate([frame] * len(kept)).replace(
        **_labels(order, found.energies[kept], found.forces[kept], found.stresses[kept]),
        positions=positions.reshape(-1, 3), cells=found.cells[kept], velocities=None, grades=None, features=None,
        origin_steps=kept,
    )  # fmt: skip
    return samples, wrong, reason


def _labels(order: np.ndarray, energies: np.ndarray, forces: np.ndarray, stresses: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays of `Frames` from VASP's numbers: its order of atoms, kbar, and its sign of the stress."""
    if forces.shape != (len(energies), len(order), 3) or stresses.shape != (len(energies), 3, 3):
        raise LabelError(f'OutputTruncated: vasprun.xml holds forces of shape {forces.shape} for {len(order)} atoms.')
    values = {'energies': energies, 'forces': np.empty_like(forces, dtype=float)}
    values['forces'][:, order] = forces
    values['forces'] = values['forces'].reshape(-1, 3)
    values['stresses'] = -KBAR_TO_EV_PER_A3 * tensor_to_voigt(stresses)
    check_finite(values, 'vasprun.xml')
    return values


def _check_species(frame: Frames, outputs: dict[str, Any]) -> np.ndarray:
    """Return the order of the atoms in the POSCAR, if VASP took each atom for what it is.

    :raises LabelError: if OUTCAR or vasprun.xml names another element for some atom.
    """
    order = group_species(frame.numbers)
    expected = frame.numbers[order]
    try:
        with outputs['retrieved'].base.repository.open('OUTCAR', 'r') as handle:
            found = {'OUTCAR': read_outcar_species(handle)}
        with outputs['retrieved'].base.repository.open('vasprun.xml', 'rb') as handle:
            found['vasprun.xml'] = read_vasprun_species(handle)
    except (VaspOutputError, OSError, KeyError, NotExistent) as exception:
        raise LabelError(f'OutputTruncated: {exception}.') from exception
    for filename, numbers in found.items():
        if not np.array_equal(numbers, expected):
            raise LabelError(
                f'SpeciesOutOfOrder: {filename} names the elements {_runs(numbers)}, but the POSCAR {_runs(expected)}.'
            )
    return order


def _runs(numbers: np.ndarray) -> str:
    from ase.data import chemical_symbols

    starts = np.flatnonzero(np.diff(numbers, prepend=0))
    counts = np.diff(starts, append=len(numbers))
    return ' '.join(f'{chemical_symbols[numbers[start]]}{count}' for start, count in zip(starts, counts, strict=True))


def _shared_inputs(options: VaspLabelOptions, elements: tuple[str, ...]) -> dict[str, Any]:
    """Return the inputs of `vasp.vasp` that are the same for all jobs, by port.

    Each port that aiida-vasp would fill by itself is here, too, as it would make a node for each job.
    """
    parser_settings: dict[str, Any] = {'energy_type': [ENERGY], 'check_completeness': False}
    settings: dict[str, Any] = {'parser_settings': parser_settings, 'no_default_monitors': True}
    if options.unlisted_tags:
        settings['unsupported_parameters'] = {tag.lower(): {} for tag in options.unlisted_tags}
    return {
        'potential_family': orm.Str(options.potential_family),
        'potential_mapping': orm.Dict({element: options.potential_of(element) for element in elements}),
        'kpoints_spacing': orm.Float(options.kspacing / (2.0 * math.pi)),
        'settings': orm.Dict(settings),
        'recovery': orm.Dict(options.recovery.to_dict()),
        'max_iterations': orm.Int(MAX_JOBS),
        'clean_workdir': orm.Bool(True),
        'keep_last_workdir': orm.Bool(False),
        'verbose': orm.Bool(False),
    }


MAX_JOBS = 20
"""More than all handlers together can ask for: each counts its own attempts."""
