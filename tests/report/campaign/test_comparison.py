"""Two campaigns side by side."""

import numpy as np
import pytest

from aiida_seimlip.report.campaign.comparison import compare, describe
from tests.exchange.archive.conftest import work


@pytest.fixture
def make(frames_training, potential_trained):
    """Return a function that makes a campaign with outputs, of which some are changed."""
    from aiida.common.links import LinkType

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.data.potential import PotentialData

    def factory(*, energy=0.0, scale=1.0, n_frames=40, converged=True, n_steps=100):
        frames = frames_training.get_frames()[:n_frames]
        mtp = potential_trained.get_mtp()
        history = {
            'converged': converged, 'iterations': [
                {'iteration': 0}, {'iteration': 1, 'explorations': [{
                    'start': 'a', 'condition': 'nvt-300K', 'temperature': 300.0, 'ensemble': 'nvt', 'seed': 1,
                    'outcome': 'completed', 'n_steps': n_steps, 'n_steps_asked': 100,
                }]},
            ],
        }  # fmt: skip
        node = work('ActiveLearningWorkChain', {}, sealed=False)
        node.base.extras.set('seimlip_history', history)
        node.set_exit_status(0)
        outputs = {
            'training__iteration_000': FramesData(frames.replace(energies=frames.energies + energy)),
            'potential': PotentialData.from_mtp(mtp.with_parameters(mtp.parameters * scale)),
        }
        for name, output in outputs.items():
            output.store()
            output.base.links.add_incoming(node, link_type=LinkType.RETURN, link_label=name)
        return node

    return factory


def test_same(make):
    differences = compare(make(), make())
    assert all(item.is_equal for item in differences)
    text = describe(differences)
    assert 'DIFFERENT' not in text
    assert 'training frames                the same: 40' in text


@pytest.mark.parametrize(
    ('changes', 'name', 'detail'),
    [
        ({'energy': 1e-3}, 'training frames', 'energies by up to 1.0e-03 eV'),
        ({'n_frames': 39}, 'training frames', '39 frames are in both'),
        ({'converged': False}, 'converged', ''),
        ({'n_steps': 99}, 'explorations', '0 went the same way'),
        ({'scale': 1 + 1e-9}, 'coefficients of the potential', 'by up to'),
    ],
)
def test_difference_is_found_and_sized(make, changes, name, detail):
    differences = compare(make(), make(**changes))
    assert [item.name for item in differences if not item.is_equal] == [name]
    assert detail in next(item.detail for item in differences if not item.is_equal)
    assert 'DIFFERENT' in describe(differences)


def test_one_bit_is_a_difference(make):
    one = make()
    last = np.nextafter(1.0, 2.0)
    assert not all(item.is_equal for item in compare(one, make(scale=last * last)))


def test_campaign_without_outputs():
    node = work('ActiveLearningWorkChain', {})
    assert all(item.is_equal for item in compare(node, node))
