"""Which calculator is used: any of ASE's, known by name or not."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from aiida_seimlip.options.ase import AseOptions
from aiida_seimlip.options.calculator import MODEL_SUFFIXES, UPLOADED_MODULES, CalculatorOptions


def explain(**calculator):
    return AseOptions.explain({'calculator': calculator}, 'parameters')


def test_any_calculator_is_named_by_its_module():
    options = CalculatorOptions(name='my_package.potentials:Best', kwargs={'depth': 3})
    assert options.to_remote() == {
        'target': 'my_package.potentials:Best', 'package': '', 'install': '', 'reusable': False,
        'kwargs': {'depth': 3}, 'periodic_axes': [3], 'dispersion': None,
    }  # fmt: skip


@pytest.mark.parametrize(
    'name', ['calc', 'my-package:Best', 'my_package:', ':Best', 'a:b:c', 'a.b:c.d', '../a:b', 'a b:c', 'a..b:c', '1:a']
)
def test_what_is_no_name(name):
    assert 'any other is named as `module:attribute`' in explain(name=name)


@pytest.mark.parametrize('module', ['shared', 'make_calculator', 'run_ase'])
def test_modules_of_the_job_are_no_calculators(module):
    assert f'the job brings a module of its own with the name `{module}`' in explain(name=f'{module}:X')


def test_all_modules_of_jobs_are_known():
    scripts = {path.name for path in files('aiida_seimlip.remote').iterdir()} - {'__init__.py', '__pycache__'}
    assert scripts == {f'{module}.py' for module in UPLOADED_MODULES}


@pytest.mark.parametrize('suffix', [*MODEL_SUFFIXES, '.PTH'])
@pytest.mark.parametrize('name', ['sevennet', 'my_package:Best'])
def test_model_file_needs_a_yes(name, suffix):
    for kwargs in ({'model': f'/models/x{suffix}'}, {'models': [{'file': f'x{suffix}'}]}):
        assert 'add `trust_model: true` if you know who made it' in explain(name=name, kwargs=kwargs)
        assert explain(name=name, kwargs=kwargs, trust_model=True) is None


@pytest.mark.parametrize('key', ['model', 'model_paths', 'checkpoint_path'])
def test_path_of_a_model_needs_a_yes_whatever_its_name(key):
    assert 'add `trust_model: true`' in explain(name='my_package:Best', kwargs={key: '/models/best'})
    assert explain(name='my_package:Best', kwargs={key: 'best'}) is None


def test_other_files_need_none():
    assert explain(name='espresso', kwargs={'pseudopotentials': {'Li': 'Li.upf'}, 'pseudo_dir': '/pseudo'}) is None


def test_what_is_known_can_be_overruled():
    options = CalculatorOptions(name='tblite', periodic_axes=[0, 2, 3], reusable=True).to_remote()
    assert (options['periodic_axes'], options['reusable']) == ([0, 2, 3], True)
    assert '`calculator.periodic_axes' in explain(name='tblite', periodic_axes=[4])
    assert '`calculator.periodic_axes' in explain(name='tblite', periodic_axes=[])


@pytest.mark.parametrize(('name', 'expected'), [('emt', (0, 3)), ('chgnet', (3,)), ('tblite', (0, 3))])
def test_dispersion_takes_no_partly_periodic_frames(name, expected):
    assert CalculatorOptions(name=name, dispersion={'method': 'PBE'}).takes_axes == expected


def test_dispersion():
    options = CalculatorOptions(name='tblite', dispersion={'method': 'PBE'}).to_remote()
    assert options['dispersion'] == {'method': 'PBE', 'damping': 'd3bj'}
    assert '`calculator.dispersion.damping`' in explain(name='tblite', dispersion={'method': 'PBE', 'damping': 'x'})
    assert '`calculator.dispersion.method` is missing' in explain(name='tblite', dispersion={})


PAGE = Path(__file__).parents[2] / 'docs' / 'howto' / 'calculators.md'


@pytest.mark.parametrize('block', re.findall(r'```python\n(calculator = .*?)```', PAGE.read_text(), re.DOTALL))
def test_examples_of_the_page_are_valid(block):
    names: dict = {}
    exec(block, names)
    assert explain(**names['calculator']) is None
    assert CalculatorOptions(**names['calculator']).method != names['calculator']['name']
