"""Calcfunction of the check of an ``mlp``: what the results of its jobs say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.check.sheet import Labels, Sheet, compare_labels, content
from aiida_seimlip.options.check.check import CheckLimits, CheckOptions
from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade, select

NOT_MLP = 'Give the path of the program `mlp` of MLIP-3 (not of MLIP-2), and load in the `prepend_text` what it needs.'
REBUILD = 'Rebuild `mlp` from the present sources of MLIP-3, without `-ffast-math`, and run its own tests.'
POINT = ('energy', 'forces', 'stress')
REPORTED = ('energy_per_atom', 'force', 'stress_pressure')
"""Errors that are compared."""


@calcfunction
def judge_mlip3_check(parameters: orm.Dict, processes: orm.Dict, **groups: Any) -> orm.Dict:
    """Return what the jobs say about the program: `facts`, `checks` and `speeds` of a `CheckReport`.

    :param parameters: of the check (`CheckOptions`).
    :param processes: how each process ended.
    :param groups: ``made`` (the nodes that the jobs had as inputs), and for each job its outputs.
    """
    limits = CheckOptions.from_node(parameters).limits
    sheet = Sheet(processes.get_dict())
    made = groups['made']
    potential: PotentialData = made['potential']
    facts: dict[str, Any] = {'potential': f'level {potential.level}, {", ".join(potential.species)}'}
    _judge_training(sheet, groups, limits)
    if sheet.ran('evaluate', POINT, remedy=NOT_MLP):
        found = groups['evaluate']['evaluated']
        compare_labels(
            sheet, *_labels(found, potential), limits, job='evaluate', names=POINT, remedy=REBUILD
        )  # fmt: skip
    if sheet.ran('grade', ['grades', 'build'], remedy=NOT_MLP):
        _compare_grades(sheet, groups, 'grade', 'grades', potential=potential, limit=limits.grade)
        facts['build'] = _judge_build(sheet, content(groups['grade']['results']))
    if sheet.ran('select', ['selection'], remedy=NOT_MLP):
        _judge_selection(sheet, made, content(groups['select']['results']))
    _judge_round_trip(sheet, groups, limits)
    return orm.Dict({'facts': facts, 'checks': [check.model_dump() for check in sheet.checks], 'speeds': []})


def _judge_training(sheet: Sheet, groups: Mapping[str, Any], limits: CheckLimits) -> None:
    if not sheet.ran('train', ['training', 'reported errors'], remedy=NOT_MLP):
        return
    trained: PotentialData = groups['train']['potential']
    results = content(groups['train'].get('results'))
    sheet.note('training', f'{results.get("n_iterations")} iterations; we can read the potential.', 'train')
    reported = content(groups['train'].get('errors'))
    if not reported:
        sheet.fail('reported errors', 'There is no report on errors at the end of the training.', REBUILD, 'train')
        return
    training = groups['made']['training'].get_frames()
    errors = compute_errors(training, evaluate(trained.get_mtp(), training))
    lacking = [name for name in REPORTED if (reported.get(name) or {}).get('rms') is None]
    if lacking:
        text = f'The report on errors at the end of the training says nothing of `{"`, `".join(lacking)}`.'
        sheet.fail('reported errors', text, REBUILD, 'train')
        return
    ours = {name: float(getattr(errors, name).rms) for name in REPORTED}
    differences = {name: abs(reported[name]['rms'] - ours[name]) / ours[name] for name in REPORTED}
    worst = max(differences, key=lambda name: differences[name])
    sheet.compare(
        'reported errors', differences[worst], limits.errors, unit='relative', job='train',
        good='The same as by us.',
        bad=f'`{worst}` is reported as {reported[worst]["rms"]:.6g}, but we find {ours[worst]:.6g}.', remedy=REBUILD,
    )  # fmt: skip


def _judge_round_trip(sheet: Sheet, groups: Mapping[str, Any], limits: CheckLimits) -> None:
    """Judge what the program says of the potential that it has trained itself."""
    names, grades = [f'{name}, own potential' for name in POINT], 'grades, own potential'
    if 'potential' not in groups.get('train', {}):
        sheet.skip([*names, grades], 'The job `train` gave no potential.')
        return
    trained: PotentialData = groups['train']['potential']
    if sheet.ran('evaluate_own', names):
        found = groups['evaluate_own']['evaluated']
        compare_labels(sheet, *_labels(found, trained), limits, job='evaluate_own', names=names, remedy=REBUILD)
    if sheet.ran('grade_own', [grades]):
        _compare_grades(sheet, groups, 'grade_own', grades, potential=trained, limit=limits.grade)


def _labels(node: FramesData, potential: PotentialData) -> tuple[Labels, Labels]:
    """Return what the program says of some frames, and what we say."""
    found = node.get_frames()
    return Labels.of(found), Labels.of(evaluate(potential.get_mtp(), found.without_labels()))


def _compare_grades(
    sheet: Sheet, groups: Mapping[str, Any], job: str, name: str, *, potential: PotentialData, limit: float
) -> None:
    found = np.asarray(groups[job]['graded'].get_frames().grades)
    ours = grade(potential.get_mtp(), groups['made']['test'].get_frames()).frame
    sheet.compare(
        name, float((np.abs(found - ours) / ours).max()), limit, unit='relative', job=job,
        good=f'{len(ours)} frames graded as by us.',
        bad=f'The grades, such as {found[0]:.6g}, are not ours, such as {ours[0]:.6g}.', remedy=REBUILD,
    )  # fmt: skip


def _judge_build(sheet: Sheet, results: Mapping[str, Any]) -> str:
    """Say from the names of the files whether it is a serial or an MPI build."""
    files = results.get('output_files') or []
    build = 'MPI' if any(re.search(r'\.\d+$', name) for name in files) else 'serial'
    sheet.note('build', f'{build}: it wrote {", ".join(files)}.', 'grade')
    return build


def _judge_selection(sheet: Sheet, made: Mapping[str, Any], results: Mapping[str, Any]) -> None:
    potential, training = made['potential'].get_mtp(), made['training'].get_frames()
    candidates = made['candidates'].get_frames()
    ours = set(select(potential, training, candidates).indices.tolist())
    found = set(results.get('indices') or [])
    sheet.compare(
        'selection', float(len(ours ^ found)), 0.0, unit='frames', job='select',
        good=f'{len(ours)} of {len(candidates)} candidates, the same as by us.',
        bad=f'The candidates {sorted(found)} were selected, but we select {sorted(ours)}.', remedy=REBUILD,
    )  # fmt: skip
