"""Production dynamics with the programs that come with the package."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.track import load_track
from aiida_seimlip.engines.contract import engine_names, load_engine
from aiida_seimlip.science.analysis.track import Track
from aiida_seimlip.science.frames import Frames

from .conftest import image

PARAMETERS = {
    'ensemble': 'nvt', 'temperature': 20.0, 'timestep': 4.0, 'n_steps': 60, 'seed': 5, 'thermostat_damping': 200.0,
    'mobile': ['Ne'], 'track_every': 10, 'dump_every': 10,
}  # fmt: skip

all_engines = pytest.mark.parametrize('name', engine_names('dynamics'))


def start(shift=0.0, velocity=None):
    """Return a monoclinic cell of eight atoms in a general orientation.

    :param shift: of all atoms, in Å.
    :param velocity: of all atoms, in Å/ps, beside a thermal motion.
    """
    frames = Frames.from_atoms([image(1, scale=0.02, strain=0.02)])
    frames = frames.replace(positions=frames.positions + shift)
    if velocity is not None:
        thermal = np.random.default_rng(3).normal(scale=1.0, size=(8, 3))
        frames = frames.replace(velocities=thermal + velocity)
    return FramesData(frames)


def run(name, settings, **inputs):
    inputs.setdefault('structure', start())
    parameters = {**PARAMETERS, **inputs.pop('parameters', {})}
    own = settings('dynamics', name)
    merged = orm.Dict({**own.pop('parameters', {}), **parameters})
    outputs, node = run_get_node(load_engine('dynamics', name), **own, **inputs, parameters=merged)
    assert node.is_finished_ok, node.exit_message
    return node, outputs


@all_engines
def test_track_at_constant_volume(name, settings, potential):
    """It equals what follows from the whole frames, of ions that leave the cell through all its faces, many times."""
    moving = start(velocity=[150.0, -60.0, 90.0])
    parameters = {'ensemble': 'nve', 'velocities': 'keep', 'n_steps': 120, 'timestep': 2.0}
    _, outputs = run(name, settings, potential=potential, structure=moving, parameters=parameters)
    track = load_track(outputs['track'])
    expected = Track.from_frames(outputs['trajectory'].get_frames(), ['Ne'], 2.0)
    assert track.symbols == ('Ne', 'Ne')
    np.testing.assert_array_equal(track.steps, np.arange(0, 121, 10))
    np.testing.assert_allclose(track.positions, expected.positions, atol=6e-5)
    np.testing.assert_allclose(track.framework, expected.framework, atol=1e-6)
    np.testing.assert_allclose(track.cells, expected.cells, atol=1e-6)
    np.testing.assert_allclose(track.positions[-1] - track.positions[0], [36.0, -14.4, 21.6] * np.ones((2, 3)), atol=1)
    still = track.drift_free().positions
    assert np.abs(still - still[0]).max() < 1.5


@all_engines
def test_track_in_a_cell_that_changes(name, settings, potential):
    parameters = {'ensemble': 'npt_tri', 'barostat_damping': 4000.0}
    _, outputs = run(name, settings, potential=potential, structure=start(shift=1.0), parameters=parameters)
    track = load_track(outputs['track'])
    expected = Track.from_frames(outputs['trajectory'].get_frames(), ['Ne'], 4.0)
    assert np.ptp(track.volumes) > 1.0
    np.testing.assert_allclose(track.positions, expected.positions, atol=6e-5)
    np.testing.assert_allclose(track.framework, expected.framework, atol=1e-6)
    np.testing.assert_allclose(track.cells, expected.cells, atol=1e-6)
