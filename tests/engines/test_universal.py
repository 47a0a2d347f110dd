"""SevenNet and CHGNet behind the sockets reference, dynamics and path, in jobs of the environment that has them."""

import os

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine

PYTHON = os.environ.get('SEIMLIP_CALCULATORS_PYTHON', '')
METHODS = {'sevennet': '7net-0', 'chgnet': 'CHGNet-0.3.0'}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON,
        reason='SEIMLIP_CALCULATORS_PYTHON names no interpreter that has sevenn and chgnet (make calculators)',
    ),
]


@pytest.fixture
def run(code):
    """Return a function that runs an engine of a socket."""
    python = code('seimlip.ase', PYTHON, description=PYTHON)

    def factory(socket, name, parameters=None, **inputs):
        parameters = orm.Dict({'calculator': {'name': name}, **(parameters or {})})
        outputs, node = run_get_node(load_engine(socket, 'ase'), code=python, parameters=parameters, **inputs)
        return outputs, node

    return factory


def lithium_fluoride(seed=1):
    atoms = bulk('LiF', 'rocksalt', a=4.05, cubic=True)
    atoms.rattle(0.03, seed=seed)
    return atoms


@pytest.mark.parametrize('name', METHODS)
def test_sockets(run, name):
    """Energies by the three of them are those of one model, and each says which."""
    start = FramesData.from_atoms([lithium_fluoride()])
    labelled, node = run('reference', name, frames=start)
    assert node.is_finished_ok, node.exit_message
    label = labelled['frames'].get_frames()
    assert set(label.methods) == {METHODS[name]}
    assert np.isfinite(label.stresses).all()

    steps = {'temperature': 300.0, 'seed': 1, 'timestep': 1.0, 'n_steps': 2, 'dump_every': 1, 'ensemble': 'nvt'}
    moved, node = run('dynamics', name, steps, structure=start)
    assert node.is_finished_ok, node.exit_message
    trajectory = moved['trajectory'].get_frames()
    assert set(trajectory.methods) == {METHODS[name]}
    assert len(trajectory) == 3
    assert trajectory.energies[0] == pytest.approx(label.energies[0], abs=1e-4)

    images = FramesData.from_atoms([lithium_fluoride(seed) for seed in (1, 2, 3)])
    band, node = run('path', name, {'max_steps': 1, 'climb': False, 'fmax': 20.0}, images=images)
    assert node.is_finished_ok, node.exit_message
    path = band['path'].get_frames()
    assert set(path.methods) == {METHODS[name]}
    assert path.energies[0] == pytest.approx(label.energies[0], abs=1e-4)
