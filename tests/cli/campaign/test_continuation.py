"""``aiida-seimlip continue``: what is taken over is said before anything is begun."""

import pytest
from plumpy import ProcessState

from tests.workflows.campaign.test_continuation import past
from tests.workflows.conftest import campaign_inputs, campaign_options, generate_campaign, make_frames, potential

__all__ = ('campaign_inputs', 'campaign_options', 'generate_campaign', 'make_frames', 'past', 'potential')


@pytest.fixture
def submitted(monkeypatch):
    """Return the builders that were submitted; nothing is run."""
    builders = []

    def submit(builder):
        builders.append(builder)
        return type('Stand-in', (), {'process_label': 'ActiveLearningWorkChain', 'pk': 4321})

    monkeypatch.setattr('aiida.engine.submit', submit)
    return builders


def test_dry_run_says_what_is_taken_over(past, run_command, submitted, potential):
    node, _ = past()
    output = run_command('continue', node.pk, '--max-iterations', 9, '--max-labels', 50, '--dry-run').output
    for text in (
        node.uuid, '10 in 3 sets, of at most 50', f'{potential.uuid}, to be trained on the last labels first',
        'iterations 3 to 9', 'Nothing was submitted',
    ):  # fmt: skip
        assert text in output
    assert not submitted


def test_campaign_is_submitted(past, run_command, submitted):
    node, _ = past()
    assert 'ActiveLearningWorkChain 4321' in run_command('continue', node.pk, '--max-iterations', 9).output
    assert submitted[0].options['continues'] == node.uuid


def test_nothing_left_to_do(past, run_command, submitted):
    node, _ = past()
    output = run_command('continue', node.pk, '--max-iterations', 2, fails=True).output
    assert '`max_iterations` (2) must be a larger number' in output
    node.set_process_state(ProcessState.RUNNING)
    assert 'is not over yet' in run_command('continue', node.pk, '--max-iterations', 9, fails=True).output
    assert not submitted
