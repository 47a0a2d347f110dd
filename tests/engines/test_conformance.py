"""Every registered engine keeps the contract of its socket, with a real program."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import PROPERTY_SOCKETS, SOCKETS, engine_names, load_engine
from aiida_seimlip.science.frames import Frames

from .conftest import DYNAMICS, SPECIES, image, labelled

ENGINES = [(socket, name) for socket in (*SOCKETS, *PROPERTY_SOCKETS) for name in engine_names(socket)]


def engines_for(socket):
    return pytest.mark.parametrize('name', engine_names(socket))


def run(socket, name, settings, **data):
    """Run an engine and return its process and its outputs, of which the contract must know each."""
    engine = load_engine(socket, name)
    outputs, node = run_get_node(engine, **settings(socket, name), **data)
    assert node.is_finished_ok, node.exit_message
    assert set(outputs) <= set(engine.contract().spec().outputs)
    return node, outputs


# -- every engine -----------------------------------------------------------------------------------------------------


def test_every_socket_has_an_engine():
    assert {socket for socket, _ in ENGINES} == {*SOCKETS, *PROPERTY_SOCKETS}


@pytest.mark.parametrize(('socket', 'name'), ENGINES)
def test_ports_are_those_of_the_contract(socket, name):
    engine = load_engine(socket, name)
    contract = engine.contract().spec()
    for kind in ('inputs', 'outputs'):
        for port, promised in getattr(contract, kind).items():
            given = getattr(engine.spec(), kind)[port]
            assert given.valid_type == promised.valid_type or port in engine.settings, port
            assert given.required == promised.required or port in engine.settings, port
    own = set(engine.spec().inputs) - set(contract.inputs)
    assert not any(engine.spec().inputs[port].required and not has_default(engine, port) for port in own)


def has_default(engine, port):
    return getattr(engine.spec().inputs[port], 'has_default', lambda: True)()


@pytest.mark.parametrize(('socket', 'name'), ENGINES)
def test_ports_are_documented(socket, name):
    spec = load_engine(socket, name).spec()
    for ports in (spec.inputs, spec.outputs):
        assert not [port for port, value in ports.items() if not value.help and port != 'metadata']


@pytest.mark.parametrize(('socket', 'name'), ENGINES)
def test_adapter_is_thin(socket, name):
    source = Path(inspect.getsourcefile(load_engine(socket, name)))
    assert len(source.read_text().splitlines()) <= 100


@pytest.mark.parametrize(('socket', 'name'), ENGINES)
def test_settings_are_checked_before_there_are_data(socket, name, settings):
    engine = load_engine(socket, name)
    later = ('parameters',) if socket in ('exploration', 'dynamics') else ()
    assert engine.explain_settings(socket, settings(socket, name), given_later=later) is None
    missing = 'code' if engine.needs_code else 'sources'
    assert engine.explain_settings(socket, {}, given_later=later).startswith(f'Input `{socket}.{missing}` is missing')
    wrong = {**settings(socket, name), 'parameters': orm.Dict({'colour': 'red'})}
    message = engine.explain_settings(socket, wrong)
    assert f'`{socket}.parameters`' in message
    assert 'colour' in message


def test_unknown_engine_is_refused():
    with pytest.raises(ValueError, match='no engine `siesta` for the socket `reference`; there are `ase`'):
        load_engine('reference', 'siesta')


# -- reference --------------------------------------------------------------------------------------------------------

PRECISION = {'vasp': 2e-8}
"""In eV and Å, where files hold fewer digits: 8 decimals of energies and forces, 10 of coordinates."""


@pytest.mark.slow
@engines_for('reference')
def test_reference_labels_in_order(name, settings):
    """Energies, forces and stresses are those that the same method gives in this process, in eV and Å."""
    images = [image(seed) for seed in (3, 1, 2)]
    frames = FramesData(Frames.from_atoms(images))
    _, outputs = run('reference', name, settings, frames=frames)
    found = outputs['frames'].get_frames()
    expected = Frames.from_atoms([labelled(atoms) for atoms in images])
    assert found.hashes() == frames.hashes
    precision = PRECISION.get(name, 1e-9)
    np.testing.assert_allclose(found.energies, expected.energies, atol=precision)
    np.testing.assert_allclose(found.forces, expected.forces, atol=precision)
    np.testing.assert_allclose(found.stresses, expected.stresses, atol=0.1 * precision)
    assert outputs['failures'].get_dict() == {}
    assert found.origin_uuids.tolist() == [frames.uuid] * 3


@pytest.mark.slow
@engines_for('reference')
def test_reference_runs_dynamics(name, settings):
    if not load_engine('reference', name).supports_dynamics:
        pytest.skip(f'the engine {name} runs no dynamics')
    dynamics = orm.Dict(DYNAMICS)
    frames = FramesData(Frames.from_atoms([image(1), image(2)]))
    _, outputs = run('reference', name, settings, frames=frames, dynamics=dynamics)
    assert outputs['frames'].n_frames == 4
    assert outputs['frames'].is_labelled
    assert outputs['frames'].get_frames().origin_steps.tolist() == [10, 20, 10, 20]
    assert not set(outputs['frames'].hashes) & set(frames.hashes)


# -- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@engines_for('training')
def test_training_gives_a_potential(name, settings, training):
    from aiida_seimlip.functions.campaign.history import read_errors
    from aiida_seimlip.science.mtp.levels import untrained

    start = PotentialData.from_mtp(untrained(6, SPECIES, min_dist=2.0, max_dist=5.2))
    _, outputs = run('training', name, settings, training=training, start=start)
    assert outputs['potential'].is_trained
    assert outputs['potential'].species == SPECIES
    assert outputs['potential'].selection_mode is not None
    errors = read_errors(outputs['errors'])
    assert errors.n_frames == 12
    assert 0.0 < errors.energy_mev_per_atom < 5.0
    assert 0.0 < errors.force_ev_per_angstrom < 0.05
    assert 0.0 < errors.stress_gpa < 0.5


# -- exploration ------------------------------------------------------------------------------------------------------

CONDITIONS = {
    'ensemble': 'nvt', 'temperature': 20.0, 'timestep': 4.0, 'n_steps': 60, 'thermostat_damping': 200.0,
    'dump_every': 20, 'seed': 5, 'threshold_save': 2.0, 'threshold_break': 1e6,
}  # fmt: skip


def explore(name, settings, potential, **changes):
    parameters = orm.Dict({**CONDITIONS, **changes})
    start = FramesData(Frames.from_atoms([image(1, scale=0.0, strain=0.0)]))
    return run('exploration', name, settings, structure=start, potential=potential, parameters=parameters)[1]


@pytest.mark.slow
@engines_for('exploration')
def test_exploration_survives(name, settings, potential):
    outputs = explore(name, settings, potential)
    results = outputs['results'].get_dict()
    assert (results['outcome'], results['n_steps'], results['message']) == ('completed', 60, None)
    trajectory = outputs['trajectory'].get_frames()
    assert trajectory.origin_steps[-1] == 60
    assert np.diff(trajectory.origin_steps).max() <= 20
    final = outputs['final'].get_frames()
    assert np.isfinite(final.velocities).all()
    np.testing.assert_allclose(final.cells[0], image(1, scale=0.0, strain=0.0).cell.array, atol=1e-6)


@pytest.mark.slow
@engines_for('exploration')
def test_exploration_is_reproducible(name, settings, potential):
    first, second = (explore(name, settings, potential)['trajectory'].get_frames() for _ in range(2))
    np.testing.assert_allclose(first.positions, second.positions, atol=1e-9)
    other = explore(name, settings, potential, seed=6)['trajectory'].get_frames()
    assert np.abs(first.positions - other.positions).max() > 0.01


@pytest.mark.slow
@engines_for('exploration')
def test_exploration_breaks(name, settings, potential):
    """A hot run leaves what the potential knows: it stops itself, and that is no failure."""
    outputs = explore(name, settings, potential, temperature=2000.0, threshold_break=4.0, n_steps=2000)
    results = outputs['results'].get_dict()
    assert results['outcome'] == 'broke'
    assert results['n_steps'] < 2000
    assert results['highest_grade'] > 4.0
    candidates = outputs['candidates'].get_frames()
    assert results['n_candidates'] == len(candidates)
    assert (candidates.grades > 2.0).all()
    assert sorted(set(outputs['candidates'].elements)) == sorted(SPECIES)


# -- selection --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@engines_for('selection')
def test_selection_chooses_what_is_new(name, settings, potential, training):
    known = training['one'].get_frames().without_labels()
    new = Frames.from_atoms([image(100, scale=0.6), image(101, scale=0.6)])
    candidates = Frames.concatenate([known[:2], new]).replace(grades=np.array([1.0, 1.0, 7.0, 8.0]))
    node = FramesData(candidates)
    _, outputs = run('selection', name, settings, potential=potential, training=training, candidates=node)
    selected = outputs['selected'].get_frames()
    assert set(new.hashes()) & set(selected.hashes())
    chosen = [node.hashes.index(value) for value in selected.hashes()]
    np.testing.assert_array_equal(selected.grades, candidates.grades[chosen])
    np.testing.assert_array_equal(selected.origin_indices, chosen)


@pytest.mark.slow
@engines_for('selection')
def test_selection_may_choose_nothing(name, settings, potential, training):
    candidates = FramesData(training['one'].get_frames()[[0]].without_labels())
    _, outputs = run('selection', name, settings, potential=potential, training=training, candidates=candidates)
    assert outputs['selected'].n_frames == 0
