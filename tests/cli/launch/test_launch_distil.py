"""Distillations from the command line."""

from __future__ import annotations

import json
import re

import pytest

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames
from tests.cli.launch.test_launch import submitted
from tests.workflows.conftest import crystal

__all__ = ('submitted',)

OVERRIDES = {
    'campaign': {'reference': {'parameters': {'calculator': {'name': 'lj', 'method_label': 'teacher'}}}},
    'reference': {'parameters': {'calculator': {'name': 'lj', 'method_label': 'truth'}}},
}


@pytest.fixture
def arguments(code):
    """Return arguments that are right."""
    start = FramesData.from_atoms([crystal()]).store()
    codes = {
        'teacher': code('seimlip.ase'), 'reference': code('seimlip.ase'), 'training': code('seimlip.mlip3.train'),
        'exploration': code('seimlip.lammps'),
    }  # fmt: skip
    for one in codes.values():
        one.store()
    named = [part for socket, one in codes.items() for part in ('--code', f'{socket}={one.pk}')]
    return ['--structure', f'crystal={start.pk}', '--protocol', 'demo', '--seed', 7, *named]


def overrides(**more):
    return ['--overrides', json.dumps({**OVERRIDES, **more})]


def test_inputs_are_those_of_the_protocol(run_command, submitted, arguments):
    run_command('launch', 'distil', *arguments, *overrides())
    (builder,) = submitted
    assert set(builder.structures) == {'crystal'}
    assert builder.species.get_list() == ['Ne', 'Ar']
    assert builder.options['seed'] == 7
    assert builder.engines.get_dict() == {'reference': 'ase', 'tuning': None}
    assert builder.campaign.reference['parameters']['calculator']['method_label'] == 'teacher'
    assert builder.reference['parameters']['calculator']['method_label'] == 'truth'
    assert builder.campaign.options['untrained']['level'] == 10


def test_dry_run_counts_the_labels(run_command, submitted, arguments):
    output = ' '.join(run_command('launch', 'distil', *arguments, *overrides(), '--dry-run').output.split())
    assert 'label by the reference' in output
    assert 'The work is that of 4 campaigns' in output
    assert 'Nothing was run.' in output
    assert not submitted


@pytest.mark.parametrize(
    ('more', 'reason'),
    [
        ({'reference': OVERRIDES['campaign']['reference']}, 'both label by `teacher`: name one of them otherwise'),
        ({'engines': {'tuning': 'mace'}}, 'The code for `tuning` is missing'),
        ({'options': {'max_student_force_error': None}}, 'one of `max_force_error`'),
        (
            {'campaign': {**OVERRIDES['campaign'], 'options': {'untrained': {'level': 7}}}},
            '`untrained.level` is 7',
        ),
    ],
)
def test_what_is_wrong_is_said(run_command, submitted, arguments, more, reason):
    output = ' '.join(run_command('launch', 'distil', *arguments, *overrides(**more), fails=True).output.split())
    plain = output.replace('│', '').replace('  ', ' ')
    assert re.search(reason, plain), plain
    assert not submitted


def test_labels_of_the_reference_are_taken(run_command, submitted, arguments):
    frames = Frames.from_atoms([crystal()]).replace(energies=[1.0], forces=[[0.0] * 3] * 8)
    node = FramesData(frames.computed_by('truth', 'free')).store()
    run_command('launch', 'distil', *arguments, *overrides(), '--reference-labels', node.pk)
    assert submitted[0].initial_reference['set_000'].uuid == node.uuid
