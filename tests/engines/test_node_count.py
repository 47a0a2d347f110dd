"""A batch of labels costs the same number of nodes, however many there are."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.science.frames import Frames

from .conftest import image

LIMIT = 20


@pytest.fixture
def count_nodes(settings):
    """Return a function that labels frames and returns how many nodes that took, those of the settings left out."""
    given = settings('reference', 'ase')
    given['parameters'].store()

    def count(frames):
        frames.store()
        before = orm.QueryBuilder().append(orm.Node).count()
        outputs, node = run_get_node(load_engine('reference', 'ase'), **given, frames=frames)
        assert node.is_finished_ok
        assert outputs['frames'].n_frames == frames.n_frames
        return orm.QueryBuilder().append(orm.Node).count() - before

    return count


def shaken(n, seed):
    """Return many frames, which differ in a random shift of their atoms."""
    rng = np.random.default_rng(seed)
    frames = Frames.from_atoms([image(seed)] * n)
    return frames.replace(positions=frames.positions + rng.normal(scale=0.02, size=frames.positions.shape))


def test_nodes_do_not_depend_on_the_number_of_labels(count_nodes):
    few, many = shaken(2, 7001), shaken(200, 7002)
    counts = [count_nodes(FramesData(frames)) for frames in (few, many)]
    assert counts[0] == counts[1] < LIMIT
    partly_known = Frames.concatenate([few, many[:100], shaken(100, 7003)])
    assert count_nodes(FramesData(partly_known)) < LIMIT
