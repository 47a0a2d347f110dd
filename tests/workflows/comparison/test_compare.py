"""Models side by side, whose energies and forces are multiples of the reference: what is found is known."""

import sys

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.comparison.results import CompareResults
from aiida_seimlip.workflows.comparison.compare import ComparisonWorkChain
from tests.mace_models.fixtures import needs_mace

DEPTHS = {'truth': 1.0, 'near': 1.1, 'far': 1.3}
RUNS = {}
SHORT = {'temperature': 20.0, 'n_steps': 24, 'dump_every': 4, 'timestep': 5.0, 'equilibration_steps': 8, 'repeats': 2}


@pytest.fixture
def python(code):
    """Return a Python interpreter with ASE."""
    return code('seimlip.ase', sys.executable)


@pytest.fixture
def lennard_jones(python):
    """Return a factory of models of argon by their depth: ``lennard_jones(1.1)``."""

    def factory(depth=1.0):
        kwargs = {'sigma': 3.4, 'epsilon': 0.0104 * depth, 'rc': 8.0}
        return {'code': python, 'parameters': orm.Dict({'calculator': {'name': 'lj', 'kwargs': kwargs}})}

    return factory


@pytest.fixture
def broken(python):
    """Return a model that does not run."""
    return {'code': python, 'parameters': orm.Dict({'calculator': {'name': 'nowhere:Calculator'}})}


def argon(n_frames=1, amplitude=0.0):
    """Return argon in cells of 4 atoms, displaced at random."""
    images = [bulk('Ar', a=5.3, cubic=True) for _ in range(n_frames)]
    for seed, atoms in enumerate(images):
        atoms.rattle(amplitude * (1.0 + seed / 10.0), seed=seed)
    return FramesData.from_atoms(images)


def hop():
    """Return images along which an atom of a cell with a vacancy moves into it."""
    images = []
    for share in np.linspace(0.0, 1.0, 5):
        atoms = bulk('Ar', a=5.4, cubic=True) * (2, 1, 1)
        move = atoms.get_distance(0, 1, mic=True, vector=True)
        atoms.positions[1] -= share * move
        del atoms[0]
        images.append(atoms)
    return FramesData.from_atoms(images)


def inputs_of(models, python, **options):
    """Return the inputs of a comparison of everything."""
    return {
        'models': models,
        'errors': {
            'frames': {'held_out': argon(12, 0.08)}, 'options': {'reference': 'truth', 'seed': 1, 'n_resamples': 200},
        },
        'crystals': {
            'structures': {'argon': argon()}, 'relax': {'reference': 'truth', 'minimum': {'fmax': 0.001}},
        },
        'paths': {'hop': hop()},
        'start': FramesData.from_atoms([bulk('Ar', a=5.3, cubic=True) * (2, 1, 1)]),
        'dynamics': {
            name: {'engine': orm.Str('ase'), 'code': python, 'parameters': model['parameters']}
            for name, model in models.items() if name != 'far'
        },
        'options': {'reference': 'truth', 'seed': 3, 'n_resamples': 200, 'dynamics': SHORT, **options},
    }  # fmt: skip


@pytest.fixture
def compared(lennard_jones, broken, python):
    """Return outputs and node of a comparison of everything, which is done once; one model does not run."""
    if 'compared' not in RUNS:
        models = {name: lennard_jones(depth) for name, depth in DEPTHS.items()}
        RUNS['compared'] = run_get_node(ComparisonWorkChain, **inputs_of({**models, 'broken': broken}, python))
    return RUNS['compared']


@pytest.fixture
def found(compared):
    return CompareResults.model_validate(compared[0]['comparison'].get_dict())


def quantity(found, key, of=''):
    (one,) = [one for one in found.quantities if (one.key, one.of) == (key, of)]
    return one


def test_what_fails_costs_only_itself(compared, found):
    _, node = compared
    assert node.exit_status == ComparisonWorkChain.exit_codes.ERROR_PART_FAILED.status
    assert set(found.missing) == {'errors', 'crystals', 'path hop of broken', 'dynamics of broken'}
    assert {one.part for one in found.quantities} == {'errors', 'crystals', 'barriers', 'structure', 'speed'}
    assert all('broken' not in one.values for one in found.quantities)


def test_errors_and_their_differences(compared, found):
    """The errors of the models are a tenth and three tenths of the forces of the reference."""
    forces = compared[0]['errors']['frames']['truth'].get_frames().forces
    rms = np.sqrt(np.mean(forces**2))
    one = quantity(found, 'force_rmse')
    assert one.values['near'].value == pytest.approx(0.1 * rms, rel=1e-6)
    assert one.values['far'].value == pytest.approx(0.3 * rms, rel=1e-6)
    assert one.values['near'].low < one.values['near'].value < one.values['near'].high
    (difference,) = one.differences
    assert (difference.one, difference.other) == ('near', 'far')
    assert difference.difference == pytest.approx(-0.2 * rms, rel=1e-6)
    assert difference.low < difference.difference < difference.high < 0.0
    assert (difference.better, one.best) == ('near', 'near')
    assert found.error_reference == 'truth'
    energies = compared[0]['errors']['frames']['truth'].get_frames().energies / 4
    mae = quantity(found, 'energy_mae').values['far'].value
    assert mae == pytest.approx(300.0 * np.mean(np.abs(energies)), rel=1e-6)


def test_crystals_and_barriers(compared, found):
    """A multiple of the energy has the same minimum, and barriers that are multiples."""
    lattice = quantity(found, 'a', 'argon')
    assert lattice.values['far'].value == pytest.approx(lattice.reference.value, abs=2e-4)
    assert (lattice.goal, lattice.best) == ('reference', None), 'there is no error to judge a difference by'
    forward = quantity(found, 'forward', 'hop')
    assert forward.reference.value > 0.01
    for name in ('near', 'far'):
        assert forward.values[name].value == pytest.approx(DEPTHS[name] * forward.reference.value, rel=1e-6)
    (difference,) = forward.differences
    assert (difference.one, difference.other) == ('far', 'near')
    assert difference.difference == pytest.approx(0.2 * forward.reference.value, rel=1e-6)
    assert set(found.paths['hop'].potentials) == {'near', 'far'}
    assert 'near_energies' in compared[0]['profiles']['hop'].get_arraynames()


def test_speeds_and_structure(compared, found):
    outputs, node = compared
    labels = [link.link_label for link in node.base.links.get_outgoing().all()]
    assert sum(label.startswith('dynamics_') for label in labels) == 5, 'two of each, and one that failed'
    assert {'truth_r0', 'truth_r1', 'near_r0', 'near_r1'} == set(outputs['trajectories'])
    speed = quantity(found, 'ns_per_day')
    atoms = quantity(found, 'atom_steps_per_second')
    for name in ('truth', 'near'):
        assert found.speeds[name].n_atoms == 8
        assert found.speeds[name].n_runs == 2
        assert speed.values[name].error > 0.0
        # 86400 s a day, 5e-6 ns a step, 8 atoms
        assert speed.values[name].value == pytest.approx(atoms.values[name].value * 86400 * 5e-6 / 8)
    shell = quantity(found, 'rdf_peak', 'Ar–Ar')
    assert shell.reference.value == pytest.approx(5.3 / np.sqrt(2), abs=0.2)
    assert set(shell.values) == {'near'}
    assert quantity(found, 'rdf_rms', 'Ar–Ar').values['near'].value >= 0.0
    assert outputs['rdf'].base.attributes.get('near')['n_frames'] == 2 * 5, 'from step 8 on, every 4 of 24'
    assert any('less than 2 s' in doubt for doubt in found.doubts)
    assert [cost.model for cost in found.costs] == ['near'], 'of the others error or speed is not known'


def test_parts_are_optional(lennard_jones):
    """Two models and a path, nothing else, and no reference: values without a judgement."""
    outputs, node = run_get_node(
        ComparisonWorkChain, models={name: lennard_jones(depth) for name, depth in DEPTHS.items()},
        paths={'hop': hop()}, options={'seed': 1},
    )  # fmt: skip
    assert node.is_finished_ok, node.exit_message
    found = CompareResults.model_validate(outputs['comparison'].get_dict())
    assert {one.part for one in found.quantities} == {'barriers'}
    forward = quantity(found, 'forward', 'hop')
    assert (forward.goal, forward.differences, len(forward.values)) == ('none', [], 3)


def explain(**inputs):
    inputs['options'] = orm.Dict(inputs['options'])
    for part, port in (('errors', 'options'), ('crystals', 'relax')):
        if port in inputs.get(part, {}):
            inputs[part] = {**inputs[part], port: orm.Dict(inputs[part][port])}
    return ComparisonWorkChain.spec().inputs.validator(inputs, None)


def test_what_is_wrong_is_said(lennard_jones, python):
    models = {name: lennard_jones(depth) for name, depth in DEPTHS.items()}
    good = inputs_of(models, python)
    assert explain(**good) is None
    without = {key: value for key, value in good.items() if key not in ('start', 'dynamics')}
    cases = [
        ({'models': {}}, 'Input `models` is empty'),
        ({'options': {**good['options'], 'reference': 'dft'}}, 'reference `dft`'),
        ({'errors': {**good['errors'], 'options': {'reference': 'dft', 'seed': 1}}}, '`errors.options` names'),
        ({'errors': {'frames': good['errors']['frames']}}, '`errors.options` is missing'),
        ({'crystals': {'structures': {}, 'relax': {}}}, '`crystals.structures` is empty'),
        ({'crystals': {'structures': good['crystals']['structures']}}, 'No options are given'),
        ({'paths': {'hop': argon(2)}}, 'a path has three at least'),
        ({'options': {**good['options'], 'reference': 'labels'}}, 'not all images'),
        ({'options': {**good['options'], 'dynamics': None}}, 'but no `dynamics`'),
        ({'dynamics': {'other': good['dynamics']['near']}}, 'not among the input `models`'),
        ({'dynamics': {'near': {'code': python}}}, '`dynamics.near.engine` is missing'),
        ({'dynamics': {'near': {**good['dynamics']['near'], 'engine': orm.Str('gromacs')}}}, 'no engine `gromacs`'),
    ]
    for changes, message in cases:
        assert message in (explain(**{**good, **changes}) or ''), message
    assert 'take the inputs `start` and `dynamics`' in explain(**without)
    assert 'Nothing is compared' in explain(models=models, options={'seed': 1})


@needs_mace
def test_mace_beside_an_mtp(python, mace_code, mace_potential, potential_trained, frames_labelled):
    """Each family runs by its own interpreter; a model with random weights is worse than one that was trained."""
    start = FramesData(frames_labelled.get_frames()[:1].without_labels())
    builder = ComparisonWorkChain.get_builder_from_protocol(
        {'mtp': python, 'mace': mace_code}, {'mtp': potential_trained.store(), 'mace': mace_potential().store()},
        reference='labels', frames={'held_out': FramesData(frames_labelled.get_frames()[:4])}, start=start,
        protocol='demo',
        overrides={'options': {'dynamics': {'n_steps': 4, 'dump_every': 2, 'equilibration_steps': 0, 'repeats': 1}}},
    )  # fmt: skip
    outputs, node = run_get_node(builder)
    assert node.is_finished_ok, node.exit_message
    found = CompareResults.model_validate(outputs['comparison'].get_dict())
    assert quantity(found, 'force_rmse').best == 'mtp'
    assert set(found.speeds) == {'mtp', 'mace'}
    assert found.speeds['mace'].code == mace_code.full_label
    assert quantity(found, 'ns_per_day').best is None, 'a single run has no error'
    assert {one.model for one in found.costs} == {'mtp', 'mace'}
    assert any('ran once' in doubt for doubt in found.doubts)
