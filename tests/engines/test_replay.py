"""The reference engine that answers from a record."""

import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.science.frames import Frames

from .conftest import image, recorded


@pytest.fixture
def replay():
    """Return a function that asks the record of `recorded` for labels of images: ``replay(*seeds)``."""

    def run(*seeds):
        frames = FramesData(Frames.from_atoms([image(seed) for seed in seeds]))
        outputs, node = run_get_node(load_engine('reference', 'replay'), frames=frames, **recorded())
        assert node.is_finished_ok
        assert not [process for process in node.called_descendants if isinstance(process, orm.CalcJobNode)]
        return frames, outputs

    return run


def test_frame_without_an_answer_is_a_failure_that_names_it(replay):
    frames, outputs = replay(1, 99, 3)
    reasons = outputs['failures'].get_dict()
    assert list(reasons) == ['1']
    assert reasons['1'].startswith('NotRecorded: ')
    assert frames.hashes[1] in reasons['1']
    assert outputs['frames'].hashes == [frames.hashes[0], frames.hashes[2]]


def test_nothing_is_known(replay):
    _, outputs = replay(98, 99)
    assert 'frames' not in outputs
    assert set(outputs['failures'].get_dict()) == {'0', '1'}


def test_other_labels_in_the_profile_are_not_used(replay, trained):
    FramesData(trained[1]).store()
    frames, outputs = replay(0)
    assert frames.hashes[0] in trained[1].hashes()
    assert 'frames' not in outputs


@pytest.mark.parametrize('given', [{}, {'sources': {}}, {'trajectories': {}}])
def test_record_must_hold_something(given):
    engine = load_engine('reference', 'replay')
    assert 'there is nothing to take labels from' in engine.explain_settings('reference', given)


def test_code_is_still_needed_by_other_engines(code):
    for socket, name in (('reference', 'ase'), ('training', 'mlip3')):
        engine = load_engine(socket, name)
        assert engine.explain_settings(socket, {'parameters': orm.Dict({})}) is not None
        assert engine.spec().inputs['code'].required
    assert not load_engine('reference', 'replay').spec().inputs['code'].required
