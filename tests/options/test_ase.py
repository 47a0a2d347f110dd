"""Options of ``seimlip.ase``."""

import importlib

import pytest

from aiida_seimlip.options.ase import CALCULATORS, AseOptions, RelaxOptions

MD = {'temperature': 300.0, 'n_steps': 10, 'sample_every': 5, 'seed': 1}


def test_defaults():
    options = AseOptions.from_node({'calculator': {'name': 'tblite'}}).to_remote(3, None)
    assert options['calculator'] == {
        'target': 'tblite.ase:TBLite',
        'package': 'tblite',
        'install': '`pip install tblite`',
        'reusable': False,
        'kwargs': {'method': 'GFN1-xTB', 'verbosity': 0},
        'periodic_axes': [0, 3],
        'dispersion': None,
    }
    assert options['task'] == {'kind': 'single_point'}
    assert (options['n_frames'], options['processes'], options['threads']) == (3, 1, 1)


def test_kwargs_override_defaults():
    calculator = {'name': 'tblite', 'kwargs': {'method': 'GFN2-xTB', 'accuracy': 0.1}}
    kwargs = AseOptions.from_node({'calculator': calculator}).to_remote(1, None)['calculator']['kwargs']
    assert kwargs == {'method': 'GFN2-xTB', 'verbosity': 0, 'accuracy': 0.1}


def test_relax_defaults():
    task = AseOptions.from_node({'calculator': {'name': 'emt'}, 'task': 'relax'}).to_remote(1, None)['task']
    assert task == {
        'kind': 'relax',
        'cell': 'fixed',
        'optimizer': 'BFGS',
        'fmax': 0.05,
        'max_steps': 200,
        'pressure': 0.0,
        'accept_unconverged': False,
        'fixed': [],
        'keep_symmetry': False,
        'keep_start': False,
    }


@pytest.mark.parametrize(
    ('temperature', 'expected'), [(300.0, [300.0, 300.0]), ([300.0, 600.0], [300.0, 600.0])], ids=['one', 'list']
)
def test_temperatures(temperature, expected):
    options = AseOptions.from_node({
        'calculator': {'name': 'emt'}, 'task': 'md', 'md': {**MD, 'temperature': temperature}
    })  # fmt: skip
    assert options.to_remote(2, None)['task']['temperature'] == expected


def test_temperatures_of_other_number():
    options = AseOptions.from_node({'calculator': {'name': 'emt'}, 'task': 'md', 'md': {**MD, 'temperature': [300.0]}})
    with pytest.raises(ValueError, match='lists 1 temperatures, but there are 2 frames'):
        options.to_remote(2, None)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({}, '`calculator` is missing'),
        ({'calculator': {'name': 'vasp2000'}}, "`calculator.name` is 'vasp2000', but the known calculators are"),
        ({'calculator': {'name': 'emt', 'kwargs': {'asap': {1, 2}}}}, '`calculator.kwargs.asap`'),
        ({'calculator': {'name': 'emt'}, 'task': 'phonons'}, '`task`'),
        ({'calculator': {'name': 'emt'}, 'taks': 'md'}, '`taks` is not a known option'),
        ({'calculator': {'name': 'emt'}, 'task': 'md'}, '`task` is `md`, but `md` is missing'),
        ({'calculator': {'name': 'emt'}, 'md': MD}, '`md` is given, but `task` is `single_point`'),
        ({'calculator': {'name': 'emt'}, 'task': 'md', 'relax': {}, 'md': MD}, '`relax` is given'),
        ({'calculator': {'name': 'emt'}, 'task': 'md', 'md': {**MD, 'sample_every': 3}}, 'must be a multiple of'),
        ({'calculator': {'name': 'emt'}, 'task': 'md', 'md': {**MD, 'temperature': -1.0}}, 'must be positive'),
        ({'calculator': {'name': 'emt'}, 'task': 'md', 'md': {**MD, 'temperature': []}}, 'must be positive'),
        ({'calculator': {'name': 'emt'}, 'task': 'md', 'md': {**MD, 'temperature': float('nan')}}, 'temperature'),
        ({'calculator': {'name': 'emt'}, 'task': 'relax', 'relax': {'pressure': 1.0}}, '`pressure` has no effect'),
        ({'calculator': {'name': 'emt'}, 'processes': 0}, '`processes`'),
    ],
)
def test_refused(options, message):
    assert message in AseOptions.explain(options, 'parameters')


@pytest.mark.parametrize('name', sorted(CALCULATORS))
def test_registry_imports(name):
    known = CALCULATORS[name]
    module, _, attribute = known.target.partition(':')
    module = f'aiida_seimlip.remote.{module}' if module == 'make_calculator' else module
    pytest.importorskip(module, exc_type=ImportError)
    assert callable(getattr(importlib.import_module(module), attribute))


def test_fixed_atoms_need_a_fixed_cell():
    with pytest.raises(ValueError, match='`fixed` keeps atoms in place'):
        RelaxOptions(fixed=[0], cell='full')
    with pytest.raises(ValueError, match='greater than or equal to 0'):
        RelaxOptions(fixed=[-1])


# -- condensation -----------------------------------------------------------------------------------------------------

RAMP = {'kind': 'ramp', 'start_temperature': 900.0, 'end_temperature': 300.0, 'timestep': 2.0}


def explain(*stages, **options):
    content = {'calculator': {'name': 'emt'}, 'condense': {'stages': list(stages), **options}}
    return AseOptions.explain(content, 'parameters')


def test_stages_tell_the_task():
    """Parameters of an engine that condenses are those of its jobs, whether or not they name the task."""
    content = {'calculator': {'name': 'lj'}, 'condense': {'stages': [{'kind': 'relax'}]}}
    assert AseOptions.from_node(content).task == 'condense'
    assert 'is `single_point`' in AseOptions.explain({**content, 'task': 'single_point'}, 'parameters')


def test_rate_tells_the_length_of_a_ramp():
    options = AseOptions.from_node({
        'calculator': {'name': 'emt'}, 'condense': {'stages': [{**RAMP, 'rate': 100.0}, {'kind': 'relax'}], 'seed': 1},
    })  # fmt: skip
    assert [stage['n_steps'] for stage in options.to_remote(1, None)['task']['stages']] == [3000, 100]
    assert options.condense.max_calls == 3100


@pytest.mark.parametrize(
    ('stage', 'options', 'message'),
    [
        ({'kind': 'squeeze'}, {}, "does not match any of the expected tags: 'relax', 'relax_cell', 'dynamics', 'ramp'"),
        ({**RAMP, 'rate': 1.0}, {}, '`seed` is missing'),
        (RAMP, {'seed': 1}, 'give either `n_steps` or `rate`'),
        ({**RAMP, 'rate': 1.0, 'pressure': 1.0}, {'seed': 1}, 'the ensemble `nvt` knows no `pressure`'),
        ({**RAMP, 'rate': 1.0, 'ensemble': 'npt_tri'}, {'seed': 1}, 'the ensemble `npt_tri` needs a `pressure`'),
    ],
)  # fmt: skip
def test_wrong_stages_are_named(stage, options, message):
    assert message in explain(stage, **options)
