"""Calcfunctions of the check of a program with a given MACE potential: what it is tried with, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.check.lammps import POINT, point_of
from aiida_seimlip.functions.check.sheet import Labels, Sheet, compare_labels, content
from aiida_seimlip.functions.parameters import choose_dialect, fitting_dialects
from aiida_seimlip.options.check.check import CheckLimits, CheckOptions
from aiida_seimlip.options.check.report import SpeedRecord
from aiida_seimlip.options.dynamics import AseDynamicsOptions
from aiida_seimlip.options.lammps import LammpsOptions
from aiida_seimlip.science.formats.lammps_data import lammps_frame, to_lammps_frame
from aiida_seimlip.science.formats.lammps_help import machine_learning_styles
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.speed import ns_per_day

PRECISIONS = {'double': 'float64', 'single': 'float32'}
SINGLE = CheckLimits(energy=1e-4, force=1e-3, stress=0.01)
"""What single precision changes at most: 3.2e-5 eV/atom, 4e-5 eV/Å and 5e-5 GPa were seen."""

SPACING, SHEAR, DISPLACEMENT = 2.2, 0.05, 0.05
SEED = 7
TIMESTEP = 0.2
"""In fs: short, as the atoms may begin far from where the potential wants them."""

INSTALL = (
    'Make an environment with mace-torch, and aiida-seimlip and lammps[mpi] for `seimlip-lmp` in it (`make mace`); or '
    'build LAMMPS with a pair style for MACE.'
)
SOUND = 'Give a structure near rest by `--structure`, and see what the job has printed.'
PARITY = 'Do not run with this program: it does not compute what MACE says. See which file and which heads it reads.'


@calcfunction
def make_mace_cells(parameters: orm.Dict, potential: PotentialData, **given: orm.Data) -> dict[str, orm.Data]:
    """Make the frames that a MACE potential is tried with.

    :param parameters: of the check (`CheckOptions`).
    :param potential: its elements take turns on the sites of a sheared lattice, if no structure is given.
    :param given: ``structure``, if there is one.
    :return: ``small``, one frame at rest, and ``large``, the same repeated, for the measurement of speed.
    """
    options = CheckOptions.from_node(parameters)
    small = get_frame(given['structure']).to_atoms()[0] if 'structure' in given else lattice(potential.species)
    n_wanted, repeats = 4 * options.n_cells**3, np.ones(3, dtype=int)
    while len(small) * repeats.prod() < n_wanted:
        repeats[np.argmin(small.cell.lengths() * repeats)] += 1
    return {
        name: FramesData(Frames.from_atoms([atoms]).replace(velocities=np.zeros((len(atoms), 3))))
        for name, atoms in (('small', small), ('large', small.repeat(tuple(repeats))))
    }


def lattice(species: tuple[str, ...]) -> Atoms:
    """Return sixteen atoms or more, each element among them, in a cell without symmetry.

    :param species: chemical symbols.
    """
    sites = np.array([(i, j, k) for i in range(2) for j in range(2) for k in range(max(4, len(species)))], dtype=float)
    cell = SPACING * np.diag([2.0, 2.0, float(max(4, len(species)))])
    symbols = [species[int(site.sum()) % len(species)] for site in sites]
    atoms = Atoms(symbols, positions=SPACING * sites, cell=cell, pbc=True)
    shear = np.array([[1.0, SHEAR, 0.0], [0.0, 1.0, -SHEAR], [SHEAR, 0.0, 1.0]])
    atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    atoms.rattle(DISPLACEMENT, seed=SEED)
    return atoms


@calcfunction
def plan_mace_check(parameters: orm.Dict, potential: PotentialData, **settings: orm.Dict) -> dict[str, orm.Dict]:
    """Return the parameters of each job; none if LAMMPS has no pair style that reads the potential.

    :param parameters: of the check (`CheckOptions`).
    :param potential: to check with.
    :param settings: ``probe``, what a LAMMPS says of itself, if the program is one; ``options`` of the scheduler.
    :return: ``double`` and ``single``, single points in the two precisions, and the same with ``speed_`` before it.
    """
    options = CheckOptions.from_node(parameters)
    if 'probe' not in settings:
        return _plan_ase(options)
    known = fitting_dialects(settings['probe']['dialects'], potential)
    dialect = choose_dialect(known, content(settings.get('options')))
    if dialect is None:
        return {}
    is_ours = 'seimlip-lmp' in settings['probe']['version']
    shared = {'dialect': dialect, 'with_grades': False, 'ensemble': 'nve', 'temperature': 10.0, 'timestep': TIMESTEP}
    point = {**shared, 'velocities': 'keep', 'n_steps': 0, 'dump_every': 1, 'thermo_every': 1}
    n = options.n_steps
    run = {**shared, 'velocities': 'create', 'seed': SEED, 'n_steps': n, 'dump_every': n, 'thermo_every': n}
    contents = {}
    for name, precision in PRECISIONS.items() if is_ours else [('double', None)]:
        contents[name] = {**point, 'precision': precision}
        contents[f'speed_{name}'] = {**run, 'precision': precision}
    return {name: orm.Dict(LammpsOptions.from_node(entries).to_dict()) for name, entries in contents.items()}


def _plan_ase(options: CheckOptions) -> dict[str, orm.Dict]:
    plans = {}
    n = options.n_steps
    for name, precision in PRECISIONS.items():
        calculator = {'name': 'mace', 'kwargs': {'default_dtype': precision}}
        plans[name] = orm.Dict({'calculator': calculator})
        run = AseDynamicsOptions.model_validate({
            'calculator': calculator, 'ensemble': 'nve', 'temperature': 10.0, 'timestep': TIMESTEP, 'n_steps': n,
            'seed': SEED, 'dump_every': n, 'thermo_every': n,
        })  # fmt: skip
        plans[f'speed_{name}'] = orm.Dict(run.to_dict())
    return plans


@calcfunction
def judge_mace_check(parameters: orm.Dict, processes: orm.Dict, **groups: Any) -> orm.Dict:
    """Return what the jobs say about the program: `facts`, `checks` and `speeds` of a `CheckReport`.

    :param parameters: of the check (`CheckOptions`).
    :param processes: how each process ended.
    :param groups: ``made`` (the nodes that the jobs had as inputs), and for each job its outputs.
    """
    options, sheet, made = CheckOptions.from_node(parameters), Sheet(processes.get_dict()), groups['made']
    potential: PotentialData = made['potential']
    facts = {'potential': f'MACE, {len(potential.members)} model(s), {", ".join(potential.species)}'}
    if 'probe' in sheet.processes:
        facts |= _judge_probe(sheet, content(groups.get('probe', {}).get('results')), made)
    _judge_model(sheet, potential)
    speeds: list[SpeedRecord] = []
    if 'double' in made:
        _judge_points(sheet, groups, options.limits)
        speeds = _judge_speeds(sheet, groups, options)
    else:
        sheet.skip([*POINT, 'speed'], 'There is no pair style to run with.')
    return orm.Dict({
        'facts': facts, 'checks': [check.model_dump() for check in sheet.checks],
        'speeds': [speed.model_dump() for speed in speeds],
    })  # fmt: skip


def _judge_probe(sheet: Sheet, probe: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
    if not sheet.ran('probe', ['help', 'pair style']):
        return {}
    sheet.note('help', 'It answers `-h` as LAMMPS does.', 'probe')
    styles = list(machine_learning_styles(probe['pair_styles']))
    facts: dict[str, Any] = {
        'version': probe['version'], 'dialects': probe['dialects'], 'machine_learning_styles': styles
    }  # fmt: skip
    if 'double' in made:
        facts['dialect'] = made['double']['dialect']
        sheet.note('pair style', f'It reads the potential in the dialect {facts["dialect"]}.', 'probe')
    else:
        message = f'No pair style reads the potential; for machine learning: {", ".join(styles) or "none"}.'
        sheet.fail('pair style', message, INSTALL, 'probe')
    return facts


def _judge_model(sheet: Sheet, potential: PotentialData) -> None:
    if potential.is_torchscript:
        sheet.note('file', 'The potential is in TorchScript, which runs no code of others.', None)
    else:
        remedy = 'Store what `mace_run_train` writes as `NAME_compiled.model`.'
        sheet.warn('file', 'The potential is pickled: loading it can run any code.', remedy)


def _judge_points(sheet: Sheet, groups: Mapping[str, Any], limits: CheckLimits) -> None:
    found = {name: _labels(groups, name) for name in PRECISIONS if name in groups['made']}
    if not sheet.ran('double', POINT, remedy=INSTALL) or found['double'] is None:
        return
    if 'evaluation' in sheet.processes:
        if sheet.ran('evaluation', POINT):
            names = [f'{name}, by MACE' for name in POINT]
            ours = _labels(groups, 'evaluation', rotated=True)
            assert ours is not None
            compare_labels(
                sheet, found['double'], ours, limits, job='double', names=names, remedy=PARITY,
                whose="MACE's own evaluation",
            )  # fmt: skip
    elif 'probe' in sheet.processes:
        sheet.pass_over('parity', 'Not compared with MACE itself: give its Python by `--reference-code`.')
    if 'single' in found and sheet.ran('single', ['single precision']) and found['single'] is not None:
        sheet.compare(
            'single precision', found['single'].excess(found['double'], SINGLE), 1.0, unit='of what it costs',
            job='single', good=_say_difference(found['single'], found['double']),
            bad=f'Far from double precision: {_say_difference(found["single"], found["double"])}',
            remedy='Run this potential in double precision.', otherwise='warning',
        )  # fmt: skip


def _say_difference(one: Labels, other: Labels) -> str:
    energy, force = one.energy_difference(other), one.force_difference(other)
    return f'Energies change by {energy:.1e} eV/atom, forces by {force:.1e} eV/Å.'


def _labels(groups: Mapping[str, Any], name: str, *, rotated: bool = False) -> Labels | None:
    """Return what a job says of the small cell; None if it says nothing.

    :param rotated: whether the stress is turned into LAMMPS' frame.
    """
    outputs = groups.get(name, {})
    if 'thermo' in outputs:
        return point_of(outputs)
    if 'labelled' not in outputs:
        return None
    frames = outputs['labelled'].get_frames()
    if rotated:
        frames = frames.replace(stresses=to_lammps_frame(frames, lammps_frame(frames.cells[0])[1]).stresses)
    return Labels.of(frames)


def _judge_speeds(sheet: Sheet, groups: Mapping[str, Any], options: CheckOptions) -> list[SpeedRecord]:
    made, speeds = groups['made'], []
    potential: PotentialData = made['potential']
    for name, precision in PRECISIONS.items():
        job = f'speed_{name}'
        if job not in made or not sheet.ran(job, [f'speed, {precision}'], remedy=SOUND):
            continue
        results = content(groups[job].get('results'))
        seconds = results.get('loop_seconds')
        if not seconds or results.get('outcome') != 'completed':
            sheet.fail(f'speed, {precision}', f'The run ended as {results.get("outcome")}.', SOUND, job)
            continue
        n_atoms, ranks = made['large'].n_atoms, sheet.processes[job]['n_ranks']
        rate = n_atoms * options.n_steps / seconds
        per_day = ns_per_day(options.n_steps, seconds, timestep_fs=1.0)
        is_default = made[job].get('precision', precision) is None
        label = 'speed' if is_default else f'speed, {precision}'
        message = f'{n_atoms} atoms: {per_day:.3g} ns/day at steps of 1 fs.'
        sheet.note(label, message, job, value=rate, unit='atom-steps/s')
        speeds.append(
            SpeedRecord(
                n_species=len(potential.species), n_atoms=n_atoms, n_ranks=ranks, with_grade=False,
                atom_steps_per_second=rate, potential_uuid=potential.uuid, precision=None if is_default else precision,
            )
        )  # fmt: skip
    return speeds
