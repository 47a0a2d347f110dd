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


def start():
    """Return a monoclinic cell of eight atoms in a general orientation."""
    return FramesData(Frames.from_atoms([image(1, scale=0.02, strain=0.02)]))


def run(name, settings, **inputs):
    inputs.setdefault('structure', start())
    parameters = {**PARAMETERS, **inputs.pop('parameters', {})}
    own = settings('dynamics', name)
    merged = orm.Dict({**own.pop('parameters', {}), **parameters})
    outputs, node = run_get_node(load_engine('dynamics', name), **own, **inputs, parameters=merged)
    assert node.is_finished_ok, node.exit_message
    return node, outputs


@pytest.mark.parametrize('ensemble', ['nvt', 'npt_tri'])
@all_engines
def test_track_equals_the_whole_frames(name, settings, potential, ensemble):
    _, outputs = run(name, settings, potential=potential, parameters={'ensemble': ensemble})
    track = load_track(outputs['track'])
    frames = outputs['trajectory'].get_frames()
    expected = Track.from_frames(frames, ['Ne'], 4.0)
    assert track.symbols == ('Ne', 'Ne')
    np.testing.assert_array_equal(track.steps, np.arange(0, 61, 10))
    np.testing.assert_allclose(track.positions, expected.positions, atol=6e-5)
    np.testing.assert_allclose(track.framework, expected.framework, atol=1e-6)
    np.testing.assert_allclose(track.cells, expected.cells, atol=1e-6)
