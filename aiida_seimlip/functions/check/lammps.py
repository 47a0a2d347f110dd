"""Calcfunctions of the check of a LAMMPS: the parameters of its jobs, and what their results say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.check.sheet import Labels, Sheet, compare_labels, content
from aiida_seimlip.functions.parameters import choose_dialect
from aiida_seimlip.options.check.check import CheckLimits, CheckOptions
from aiida_seimlip.options.check.report import SpeedRecord
from aiida_seimlip.options.lammps import AUTO, LammpsOptions
from aiida_seimlip.science.formats.lammps_data import lammps_frame, to_lammps_frame
from aiida_seimlip.science.formats.lammps_dialects import DIALECTS
from aiida_seimlip.science.formats.lammps_help import machine_learning_styles
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA

POINT = ('energy', 'forces', 'stress')
BROKE = 410
BAR_TO_GPA = 1e-4
THRESHOLD_SAVE, THRESHOLD_BREAK = 2.0, 10.0
NEVER = 1e9
SEED = 7

REBUILD = (
    'Rebuild LAMMPS with the present sources of the pair style, without options that trade accuracy for speed '
    '(`-ffast-math`, single precision).'
)
TYPES = 'The pair style must take type 1 for the first species of the potential, whichever occur: see its `pair_coeff`.'
GRADES = 'Grades steer the whole campaign: do not use this build. Rebuild the pair style from its present sources.'
BUILD_IN = 'Build LAMMPS with the pair style `mlip` of MLIP-3 or with lammps-mtp (see the page on your own programs).'


@calcfunction
def plan_lammps_check(parameters: orm.Dict, probe: orm.Dict, **settings: orm.Dict) -> dict[str, orm.Dict]:
    """Return the parameters of each job; none if the program speaks no dialect that is wanted.

    :param parameters: of the check (`CheckOptions`).
    :param probe: `results` of ``seimlip.lammps.probe``.
    :param settings: ``options`` of the scheduler, if there are any.
    :return: ``graded`` and ``plain`` (a single point with and without grades), ``breaking``, ``speed_graded`` and
        ``speed_plain``; empty if there is no dialect.
    """
    options = CheckOptions.from_node(parameters)
    known = probe['dialects'] if options.dialect == AUTO else [name for name in DIALECTS if name == options.dialect]
    dialect = choose_dialect(known, content(settings.get('options')))
    if dialect is None or dialect not in probe['dialects']:
        return {}
    point = {
        'ensemble': 'nve', 'temperature': 300.0, 'velocities': 'keep', 'timestep': 1.0, 'n_steps': 1, 'dump_every': 1,
        'thermo_every': 1, 'dialect': dialect,
    }  # fmt: skip
    run = {
        **point, 'velocities': 'create', 'seed': SEED, 'n_steps': options.n_steps, 'dump_every': options.n_steps,
        'thermo_every': options.n_steps,
    }  # fmt: skip
    graded, plain = {'with_grades': True, 'threshold_break': 10 * NEVER}, {'with_grades': False}
    thresholds = {'threshold_save': THRESHOLD_SAVE, 'threshold_break': THRESHOLD_BREAK}
    contents = {
        'graded': {**point, **graded, 'threshold_save': 0.0},
        'plain': {**point, **plain},
        'breaking': {**point, 'with_grades': True, **thresholds},
        'speed_graded': {**run, **graded, 'threshold_save': NEVER},
        'speed_plain': {**run, **plain},
    }
    return {name: orm.Dict(LammpsOptions.from_node(entries).to_dict()) for name, entries in contents.items()}


@calcfunction
def judge_lammps_check(parameters: orm.Dict, processes: orm.Dict, **groups: Any) -> orm.Dict:
    """Return what the jobs say about the program: `facts`, `checks` and `speeds` of a `CheckReport`.

    :param parameters: of the check (`CheckOptions`).
    :param processes: how each process ended.
    :param groups: ``made`` (the nodes that the jobs had as inputs), and for each job its outputs.
    """
    options = CheckOptions.from_node(parameters)
    sheet = Sheet(processes.get_dict())
    made, speeds = groups.get('made', {}), []
    facts = _judge_probe(sheet, content(groups.get('probe', {}).get('results')), made, options)
    if 'potential' in made:
        potential: PotentialData = made['potential']
        facts['potential'] = f'level {potential.level}, {", ".join(potential.species)}'
        _judge_points(sheet, groups, options.limits)
        _judge_break(sheet, groups, options.limits)
        speeds = _judge_speed(sheet, groups, options)
    else:
        names = (*POINT, 'type order', 'grade on = off', 'grade', 'break', 'speed', 'speed with grades')
        sheet.skip(names, 'There is no pair style to run with.')
    return orm.Dict({
        'facts': facts, 'checks': [check.model_dump() for check in sheet.checks],
        'speeds': [speed.model_dump() for speed in speeds],
    })  # fmt: skip


def _judge_probe(
    sheet: Sheet, probe: Mapping[str, Any], made: Mapping[str, Any], options: CheckOptions
) -> dict[str, Any]:
    remedy = 'Give the path of a LAMMPS executable, and load in the `prepend_text` of the code what it needs.'
    if not sheet.ran('probe', ['help', 'pair style'], remedy=remedy):
        return {}
    sheet.note('help', 'It answers `-h` as LAMMPS does.', 'probe')
    facts = {
        'version': probe['version'], 'dialects': probe['dialects'],
        'machine_learning_styles': list(machine_learning_styles(probe['pair_styles'])),
    }  # fmt: skip
    styles = ', '.join(facts['machine_learning_styles']) or 'none'
    if 'plain' in made:
        facts['dialect'] = made['plain']['dialect']
        sheet.note('pair style', f'It speaks {" and ".join(probe["dialects"])}.', 'probe')
    elif probe['dialects']:
        remedy = f'Leave out the option `dialect`, or choose one of {", ".join(probe["dialects"])}.'
        sheet.fail('pair style', f'The dialect `{options.dialect}` is not among what it speaks.', remedy, 'probe')
    else:
        sheet.fail('pair style', f'No moment tensor potentials; for machine learning: {styles}.', BUILD_IN, 'probe')
    return facts


# -- single points ----------------------------------------------------------------------------------------------------


def _judge_points(sheet: Sheet, groups: Mapping[str, Any], limits: CheckLimits) -> None:
    made = groups['made']
    if sheet.ran('plain', POINT):
        found, expected = point_of(groups['plain']), _ours(made, 'resting')
        compare_labels(sheet, found, expected, limits, job='plain', names=POINT, remedy=REBUILD)
    if sheet.ran('subset', ['type order']):
        sheet.compare(
            'type order', point_of(groups['subset']).excess(_ours(made, 'subset'), limits, with_stress=False), 1.0,
            unit='of the limits', job='subset',
            good='Equal to our own, though one species does not occur.',
            bad='Not our own where one species of the potential does not occur.', remedy=TYPES,
        )  # fmt: skip
    if not sheet.ran('graded', ['grade on = off', 'grade']):
        return
    if 'trajectory' in groups.get('plain', {}):
        sheet.compare(
            'grade on = off', point_of(groups['graded']).excess(point_of(groups['plain']), limits), 1.0,
            unit='of the limits', job='graded',
            good='The grade changes neither energy nor forces nor stress.',
            bad='Energy, forces or stress change with the grade.', remedy=GRADES,
        )  # fmt: skip
    else:
        sheet.skip(['grade on = off'], 'The job `plain` failed.')
    _judge_grade(sheet, groups, limits)


def _judge_grade(sheet: Sheet, groups: Mapping[str, Any], limits: CheckLimits) -> None:
    grades = groups['graded']['candidates'].get_frames().grades if 'candidates' in groups['graded'] else None
    if grades is None:
        message = 'No frame was saved with its grade, though every grade is above the threshold of 0.'
        sheet.fail('grade', message, GRADES, 'graded')
        return
    found, ours = float(grades[0]), _our_grade(groups['made'], 'resting')
    sheet.compare(
        'grade', abs(found - ours) / ours, limits.grade, unit='relative', job='graded',
        good=f'{found:.6g}, as we find.', bad=f'{found:.6g}, but we find {ours:.6g}.', remedy=GRADES,
    )  # fmt: skip


def point_of(outputs: Mapping[str, Any]) -> Labels:
    """Return energy, forces and stress of the first frame of a run, the last in LAMMPS' frame."""
    frame = outputs['trajectory'].get_frames()[0]
    thermo = outputs['thermo']
    components = ('xx', 'yy', 'zz', 'yz', 'xz', 'xy')
    pressure = np.array([thermo.get_array(f'pressure_{name}')[0] for name in components])
    energies = thermo.get_array('potential_energy')[:1]
    return Labels.of(
        frame.replace(energies=energies, stresses=-pressure[None] * BAR_TO_GPA / EV_PER_A3_TO_GPA)
    )  # fmt: skip


def _ours(made: Mapping[str, Any], frame: str) -> Labels:
    """Return our own evaluation of a frame, the stress in LAMMPS' frame."""
    potential: PotentialData = made['potential']
    node: FramesData = made[frame]
    evaluated = evaluate(potential.get_mtp(), node.get_frames())
    rotation = lammps_frame(evaluated.cells[0])[1]
    return Labels.of(evaluated.replace(stresses=to_lammps_frame(evaluated, rotation).stresses))


def _our_grade(made: Mapping[str, Any], frame: str) -> float:
    return float(grade(made['potential'].get_mtp(), made[frame].get_frames()).frame[0])


# -- break and speed --------------------------------------------------------------------------------------------------


def _judge_break(sheet: Sheet, groups: Mapping[str, Any], limits: CheckLimits) -> None:
    remedy = 'A run that does not stop itself explores nonsense: check the thresholds that the pair style takes.'
    if not sheet.ran('breaking', ['break'], expected=(0, BROKE), remedy=remedy):
        return
    results, made = content(groups['breaking'].get('results')), groups['made']
    ours = _our_grade(made, 'compressed')
    if results.get('outcome') != 'broke' or not results.get('n_candidates'):
        message = f'A frame of grade {ours:.4g} was not stopped at {THRESHOLD_BREAK:g}: {results.get("outcome")}, '
        sheet.fail('break', f'{message}{results.get("n_candidates")} candidates.', remedy, 'breaking')
        return
    found = float(results['highest_grade'])
    sheet.compare(
        'break', abs(found - ours) / ours, limits.grade, unit='relative', job='breaking',
        good=f'A frame of grade {found:.5g} ended the run and was saved.',
        bad=f'The run broke at a grade of {found:.6g}, but we find {ours:.6g}.', remedy=GRADES,
    )  # fmt: skip


def _judge_speed(sheet: Sheet, groups: Mapping[str, Any], options: CheckOptions) -> list[SpeedRecord]:
    made, speeds = groups['made'], []
    for job, label in (('speed_plain', 'speed'), ('speed_graded', 'speed with grades')):
        if not sheet.ran(job, [label]):
            continue
        seconds = content(groups[job].get('results')).get('loop_seconds')
        if not seconds:
            sheet.fail(label, 'LAMMPS did not print the time of its loop.', 'Keep `Loop time` in the log file.', job)
            continue
        n_atoms = made['large'].n_atoms
        rate = n_atoms * options.n_steps / seconds
        ranks = sheet.processes[job]['n_ranks']
        message = f'{n_atoms} atoms, level {options.level}, {ranks} rank(s).'
        sheet.note(label, message, job, value=rate, unit='atom-steps/s')
        speeds.append(
            SpeedRecord(
                level=options.level, n_species=len(made['potential'].species), n_atoms=n_atoms, n_ranks=ranks,
                with_grade=job == 'speed_graded', atom_steps_per_second=rate,
            )
        )  # fmt: skip
    return speeds
