"""What labels say about the program that made them, judged without running a job."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.check.reference import judge_reference_check, make_small_cells
from aiida_seimlip.options import known_calculators
from aiida_seimlip.options.check.report import CheckReport
from aiida_seimlip.options.known_calculators import CALCULATORS, Precision
from aiida_seimlip.science.frames import Frames
from tests.stand_ins.inconsistent_calculator import InconsistentForces

LENNARD_JONES = {'sigma': 1.8, 'epsilon': 0.05, 'rc': 6.0, 'smooth': True}
PROCESS = {'uuid': 'u', 'exit_status': 0, 'message': '', 'n_ranks': 1, 'program_seconds': 2.2}


def label(node, **faults):
    images = node.get_frames().to_atoms()
    for image in images:
        image.calc = InconsistentForces(**LENNARD_JONES, **faults)
        image.get_stress()
    return {'frames': FramesData(Frames.from_atoms(images)).store(), 'failures': orm.Dict({}).store()}


@pytest.fixture
def judge():
    """Return a function that labels the frames of a check, with or without faults, and judges the labels."""

    def run(options=None, settings=None, **faults):
        parameters = orm.Dict(options or {}).store()
        made = dict(make_small_cells(parameters))
        outputs = {name: label(made[part], **faults) for name, part in (('label', 'frames'), ('cells', 'cells'))
                   if part in made}  # fmt: skip
        if settings is not None:
            made['settings'] = orm.Dict(settings).store()
        processes = orm.Dict({name: PROCESS for name in outputs})
        found = judge_reference_check(parameters, processes, made=made, **outputs)
        return CheckReport(kind='ase', code='x', code_uuid='x', **found.get_dict())

    return run


def line_of(report, name):
    return next(line for line in report.checks if line.name == name)


def test_energy_per_atom_is_listed(judge):
    line = line_of(judge(), 'energy per atom')
    assert (line.status, line.limit, line.unit) == ('passed', 1e-3, 'eV/atom')
    assert line.value < 1e-9
    assert all(f'({n_atoms} atoms)' in line.message for n_atoms in (2, 8, 16))


def test_energy_that_depends_on_the_cell_is_a_warning(judge):
    """To know before the program is used, but no fault of the program: k-points may be what it lacks."""
    report = judge(constant=0.1)
    line = line_of(report, 'energy per atom')
    assert line.status == 'warning'
    assert line.value == pytest.approx(0.1 * (1 / 2 - 1 / 16))
    assert '`kspacing`' in line.remedy
    assert line in report.amiss
    assert line not in report.failed


def test_cells_that_are_too_large(judge):
    line = line_of(judge({'largest_cell': 15}), 'energy per atom')
    assert line.status == 'not applicable'
    assert 'more than 15 atoms' in line.message


@pytest.mark.parametrize(
    ('precision', 'limit', 'status'),
    [(Precision(1.0, 5.0), 1.0, 'passed'), (Precision(1e-3, 5.0), 1e-3, 'failed'), (None, 0.01, 'failed')],
)
def test_precision_of_the_calculator_is_its_limit(judge, monkeypatch, precision, limit, status):
    """Forces that are 10 % off pass for a model as coarse as that, and fail for one that is finer, and for others."""
    known = replace(CALCULATORS['lj'], precision=precision)
    monkeypatch.setitem(known_calculators.CALCULATORS, 'lj', known)
    report = judge(settings={'calculator': {'name': 'lj'}}, force_factor=1.1)
    line = line_of(report, 'forces')
    assert (line.limit, line.status) == (limit, status)
    assert ('precision' in report.facts) == (precision is not None)
    if precision is None:
        assert line.remedy.endswith('(7net-0 needs 0.005 eV/Å for it, CHGNet 0.05).'), 'a hint'


@pytest.mark.parametrize(
    ('name', 'force'), [('sevennet', 5e-3), ('sevenn.calculator:SevenNetCalculator', 5e-3), ('chgnet', 5e-2)]
)
def test_universal_potentials_are_in_single_precision(judge, name, force):
    report = judge(settings={'calculator': {'name': name}})
    assert line_of(report, 'forces').limit == force
    assert report.facts['precision'] == f'single: {force:g} eV/Å and 0.2 GPa are rounding'
    smaller = judge({'displacement': 0.001}, settings={'calculator': {'name': name}})
    assert line_of(smaller, 'forces').limit == pytest.approx(5 * force)


def test_limits_of_the_user_count(judge):
    report = judge({'limits': {'finite_force': 1e-9}}, settings={'calculator': {'name': 'chgnet'}})
    assert (line_of(report, 'forces').status, line_of(report, 'forces').limit) == ('failed', 1e-9)


@pytest.mark.parametrize('n_failed', [1, 3])
def test_cells_without_labels(aiida_profile, n_failed):
    """They are named, with the energies of the others: GFN1-xTB at Γ does not converge in the smallest cell of LiF."""
    parameters = orm.Dict({}).store()
    made = dict(make_small_cells(parameters))
    failures = orm.Dict({str(index): 'SCF not converged' for index in range(n_failed)}).store()
    cells = {'failures': failures}
    if n_failed < 3:
        cells['frames'] = label(FramesData(made['cells'].get_frames()[n_failed:]))['frames']
    outputs = {'label': label(made['frames']), 'cells': cells}
    found = judge_reference_check(parameters, orm.Dict(dict.fromkeys(outputs, PROCESS)), made=made, **outputs)
    report = CheckReport(kind='ase', code='x', code_uuid='x', **found.get_dict())
    assert line_of(report, 'forces').status == 'passed', 'they have labels of their own'
    line = line_of(report, 'energy per atom')
    assert line.status == 'warning'
    assert f'no label in {n_failed} of its cells' in line.message
    assert 'none (2 atoms: SCF not converged)' in line.message
    assert ('(16 atoms), none' in line.message) == (n_failed == 1)
