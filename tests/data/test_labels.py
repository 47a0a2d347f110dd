"""Tests for `data.labels`."""

import pytest
from aiida import orm
from aiida.common.links import LinkType
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.labels import (
    describe_method,
    describe_methods,
    explain_predictions,
    faults_of_mixture,
    note_unknown,
)
from aiida_seimlip.science.frames import Frames, predicted_by


def labelled(method='', kind='', n=2):
    """Return frames with labels of a method."""
    frames = Frames.from_atoms([bulk('Ar', a=5.2 + 0.01 * index) for index in range(n)])
    zeros = frames.replace(energies=[-1.0] * n, forces=frames.positions * 0.0)
    return zeros.computed_by(method, kind)


def node_of(*parts):
    return FramesData(Frames.concatenate(parts))


def test_labels_are_no_predictions(potential_trained):
    for method in ('', 'PBE', 'MACE-MP-0'):
        assert explain_predictions('training.a', FramesData(labelled(method))) is None
    unlabelled = labelled(predicted_by(potential_trained.uuid)).without_labels()
    assert explain_predictions('training.a', FramesData(unlabelled)) is None


def test_predictions_are_named(potential_trained):
    potential_trained.store()
    node = node_of(labelled('PBE', n=1), labelled(predicted_by(potential_trained.uuid), n=3))
    message = explain_predictions('training.a', node)
    assert message.startswith(
        'Input `training.a`: energies and forces of 3 of 4 frames are predictions of the potential'
    )
    assert f'the potential {potential_trained.pk} ({potential_trained.uuid[:8]})' in message
    other = explain_predictions('x', FramesData(labelled('potential:01234567-89ab-4def-8123-456789abcdef')))
    assert 'the potential 01234567, which is not in this profile' in other
    foreign = explain_predictions('x', FramesData(labelled('potential:MultiMTP v3')))
    assert 'predictions of the potential `MultiMTP v3`, and' in foreign


@pytest.mark.parametrize(
    ('sets', 'reference', 'words'),
    [
        ({'a': ('PBE', ''), 'b': ('PBE', '')}, ('PBE', 'free'), None),
        ({'a': ('', ''), 'b': ('PBE', 'free')}, ('PBE', ''), None),
        ({'a': ('', ''), 'b': ('', '')}, ('PBE', 'free'), None),
        ({}, ('PBE', 'free'), None),
        ({'a': ('PBE', ''), 'b': ('GFN1-xTB', '')}, ('', ''), 'different methods: `GFN1-xTB` (in b), `PBE` (in a).'),
        ({'a': ('PBE', ''), 'b': ('', '')}, ('EMT', ''), 'labels by `PBE` (in a), but the reference labels by `EMT`.'),
        (
            {'a': ('PBE', 'free'), 'b': ('PBE', 'sigma0')}, ('', ''),
            'free energies (in a) and energies extrapolated to zero smearing (in b).',
        ),
        (
            {'a': ('PBE', 'sigma0')}, ('PBE', 'free'),
            'energies extrapolated to zero smearing (in a), but the reference gives free energies.',
        ),
    ],
)  # fmt: skip
def test_mixtures(sets, reference, words):
    nodes = {name: FramesData(labelled(*kinds)) for name, kinds in sets.items()}
    faults = list(faults_of_mixture('initial_training', nodes, *reference))
    if words is None:
        assert faults == []
    else:
        (fault,) = faults
        assert fault.startswith('Input `initial_training` holds ')
        assert words in fault


def test_mixture_inside_one_set():
    (fault,) = faults_of_mixture('training', {'a': node_of(labelled('PBE'), labelled('RPBE'))})
    assert fault == 'Input `training` holds labels by different methods: `PBE` (in a), `RPBE` (in a).'


def test_method_and_kind_are_two_faults():
    sets = {'a': FramesData(labelled('PBE', 'free')), 'b': FramesData(labelled('RPBE', 'sigma0'))}
    assert len(list(faults_of_mixture('training', sets))) == 2


def test_unknown_methods_are_told():
    sets = {'a': FramesData(labelled()), 'b': FramesData(labelled('PBE'))}
    assert note_unknown('initial_training', sets) == (
        'It is unknown by which method the labels of `initial_training.a` were made, while others are by `PBE`: they '
        'are taken to go together.'
    )
    assert note_unknown('initial_training', {'a': sets['a']}) is None
    assert note_unknown('initial_training', {'b': sets['b']}) is None
    assert 'while others are by `EMT`' in note_unknown('initial_training', {'a': sets['a']}, 'EMT')


def test_node_of_before():
    """The labels of a node that was stored without methods are of an unknown one."""
    node = FramesData(labelled())
    node.base.attributes.delete('methods')
    node.base.attributes.delete('energy_kinds')
    assert list(faults_of_mixture('training', {'a': node, 'b': FramesData(labelled('PBE', 'free'))})) == []
    assert '`training.a`' in note_unknown('training', {'a': node}, 'PBE')
    assert explain_predictions('training.a', node) is None


@pytest.mark.parametrize('entry_point', ['seimlip.lammps', 'seimlip.mlip3.evaluate', 'seimlip.mlip3.grade', None])
def test_predictions_of_before(aiida_localhost, potential_trained, entry_point):
    """The frames of a job with a potential did not say by which method; the job tells. Grading computes no energies."""
    node = FramesData(labelled())
    if entry_point is not None:
        job = orm.CalcJobNode(computer=aiida_localhost, process_type=f'aiida.calculations:{entry_point}')
        job.base.links.add_incoming(potential_trained.store(), link_type=LinkType.INPUT_CALC, link_label='potential')
        job.store()
        node.base.links.add_incoming(job, link_type=LinkType.CREATE, link_label='frames')
    node.store()
    message = explain_predictions('training.a', node)
    if entry_point in ('seimlip.lammps', 'seimlip.mlip3.evaluate'):
        assert f'2 of 2 frames are predictions of the potential {potential_trained.pk}' in message
    else:
        assert message is None


def test_words():
    assert [describe_method(method) for method in ('', 'PBE', f'potential:{orm.Int(1).uuid}')][:2] == ['unknown', 'PBE']
    assert describe_method('potential:01234567-89ab-4def-8123-456789abcdef') == 'potential 01234567'
    assert describe_method('potential:MultiMTP v3') == 'potential MultiMTP v3'


def test_methods_in_a_sentence():
    assert describe_methods(['7net-0', '7net-0']) == '7net-0'
    assert describe_methods({'PBE': 3, 'GFN1-xTB': 1}) == 'GFN1-xTB and PBE'
    assert describe_methods(['']) == describe_methods([]) == 'the reference'
