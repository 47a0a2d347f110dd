"""What can be wrong with the calculator of a job, before it runs."""

import logging
import sys

import pytest
from ase import Atoms
from ase.build import bulk, fcc111

from aiida_seimlip.calculations.calculators import (
    ABSENT,
    explain_target,
    faults_of_calculator,
    faults_of_periodicity,
)
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.calculator import CalculatorOptions


def explain(name, /, **kwargs):
    return explain_target(CalculatorOptions(name=name, kwargs=kwargs))


def test_sound_calculators():
    assert explain('emt') is None
    assert explain('ase.calculators.emt:EMT', asap_cutoff=True) is None
    assert explain('ase.calculators.lj:LennardJones', sigma=2.0) is None


@pytest.mark.parametrize(
    ('name', 'kwargs', 'message'),
    [
        ('ase.calculators.emt:NoSuch', {}, 'the module `ase.calculators.emt` has no class or function `NoSuch`'),
        ('ase.calculators.emt:parameters', {}, 'has no class or function `parameters`'),
        (
            'ase.build:bulk',
            {'nmae': 'Cu'},
            "keyword arguments: missing a required argument: 'name'",
        ),
        ('ase.build:bulk', {'name': 'Cu', 'hcp': 1}, "got an unexpected keyword argument 'hcp'"),
    ],
)
def test_what_is_not_there(name, kwargs, message):
    assert message in explain(name, **kwargs)
    (fault,) = faults_of_calculator(CalculatorOptions(name=name, kwargs=kwargs), {})
    assert fault.startswith(f'Input `parameters` names the calculator `{name}`, but ')


def test_module_that_is_elsewhere_is_allowed():
    assert explain('no_such_module:Calculator', any=1) == ABSENT
    assert not list(faults_of_calculator(CalculatorOptions(name='no_such_module:Calculator'), {}))


@pytest.mark.parametrize('source', ['raise RuntimeError("no GPU")', 'import os; os._exit(3)', 'import no_such_module'])
def test_module_that_cannot_be_imported_here(tmp_path, monkeypatch, source):
    """It leaves no trace in this process, whatever it does."""
    (tmp_path / 'unruly.py').write_text(f'print("hello")\n{source}')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    assert explain('unruly:Calculator', source=source) == ABSENT
    assert 'unruly' not in sys.modules


def test_module_that_prints(tmp_path, monkeypatch):
    (tmp_path / 'talkative.py').write_text('print("hello")\ndef make(depth): ...\n')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    assert explain('talkative:make', depth=1) is None
    assert "missing a required argument: 'depth'" in explain('talkative:make')


SLAB = fcc111('Cu', (1, 1, 2), vacuum=5.0)
WIRE = Atoms('Cu', cell=[9, 9, 2.5], pbc=(False, False, True))
MOLECULE = Atoms('Cu2', [[0, 0, 0], [0, 0, 2.2]])


@pytest.mark.parametrize(
    ('name', 'images', 'is_refused'),
    [
        ('tblite', [SLAB], True),
        ('tblite', [WIRE, SLAB], True),
        ('tblite', [MOLECULE], False),
        ('tblite', [SLAB, bulk('Cu')], False),
        ('vasp', [MOLECULE], True),
        ('emt', [SLAB, WIRE, MOLECULE], False),
        ('my_package:Calculator', [SLAB], True),
        ('my_package:Calculator', [bulk('Cu')], False),
    ],
)
def test_periodicity(aiida_profile, name, images, is_refused):
    frames = FramesData.from_atoms(images)
    faults = list(faults_of_periodicity('frames', frames, CalculatorOptions(name=name)))
    assert [f'the calculator `{name}` takes' in fault for fault in faults] == [True] * is_refused


def test_slab_is_refused_at_submission(generate_calc_job, code):
    inputs = {'code': code('seimlip.ase'), 'frames': FramesData.from_atoms([SLAB])}
    with pytest.raises(ValueError, match='periodic in 2 directions, but the calculator `tblite` takes 0 or 3'):
        generate_calc_job('seimlip.ase', {**inputs, 'parameters': {'calculator': {'name': 'tblite'}}})
    parameters = {'calculator': {'name': 'emt'}, 'task': 'relax', 'relax': {'cell': 'full'}}
    with pytest.raises(ValueError, match='asks for relaxed cells, but no frame of input `frames` is periodic in all'):
        generate_calc_job('seimlip.ase', {**inputs, 'parameters': parameters})


def test_what_was_not_checked_is_said(generate_calc_job, code, caplog):
    inputs = {'code': code('seimlip.ase'), 'frames': FramesData.from_atoms([bulk('Cu')])}
    with caplog.at_level(logging.DEBUG):
        generate_calc_job('seimlip.ase', {**inputs, 'parameters': {'calculator': {'name': 'no_such_module:X'}}})
    assert 'the calculator `no_such_module:X` cannot be imported here' in caplog.text
