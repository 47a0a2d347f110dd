"""Trainings from the command line."""

from __future__ import annotations

import pytest

from aiida_seimlip.data.frames import FramesData
from tests.cli.launch.test_launch import submitted
from tests.mace_models.alloys import alloys

__all__ = ('submitted',)

ENERGIES = '{training: {parameters: {atom_energies: {Cu: 0.0, Au: 0.0}, max_num_epochs: 7, committee: 2}}}'


@pytest.fixture
def frames():
    return FramesData(alloys(12)).store()


def arguments(code, frames, *more):
    training = code('seimlip.mace.train').full_label
    return ('launch', 'train', '--frames', f'a={frames.pk}', '--code', f'training={training}', *more)


def test_options_reach_the_builder(run_command, submitted, code, frames):
    held_out = FramesData(alloys(2, seed=50)).store()
    given = ('--held-out', f'later={held_out.pk}', '--overrides', ENERGIES, '--seed', '5', '--engine', 'mace')
    run_command(*arguments(code, frames, *given))
    (builder,) = submitted
    assert builder.frames['a'].uuid == frames.uuid
    assert builder.held_out['later'].uuid == held_out.uuid
    assert builder.training['parameters']['seed'] == 5
    assert builder.training['parameters']['lr'] == 0.02  # of the protocol
    assert builder.engines['training'] == 'mace'


def test_dry_run_counts_members_and_epochs(run_command, submitted, code, frames):
    output = run_command(*arguments(code, frames, '--overrides', ENERGIES, '--dry-run')).output
    assert 'each member does 7 epochs at most' in output
    assert 'Nothing was run.' in output
    assert not submitted


def test_what_is_wrong_is_said(run_command, submitted, code, frames):
    output = ' '.join(run_command(*arguments(code, frames), fails=True).output.split())
    assert '`training.parameters` gives no `atom_energies`' in output
    assert not submitted
