"""The runs in fields that are laid out, and the charges that fields act on."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from ase.build import bulk

from aiida_seimlip.data.charges import load_charges, store_charges
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.interface.plan import (
    assign_charges,
    charges_by_label,
    explain_charges,
    find_mobile,
    labels_of,
    plan_field,
    without_nan,
)
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.science.charges.equilibration import find_qeq_charges
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.labels import LabelError

OPTIONS = {
    'seed': 3, 'temperature': 500.0, 'fields': [(0.0, 0.0, 0.01), (0.0, 0.0, 0.03)], 'replicas': 2,
    'charges': {'Li': 1.0, 'C': 4.0, 'O': -2.0},
    'dynamics': {
        'equilibration_steps': 1000, 'production_steps': 10_000, 'track_every': 100, 'dump_every': 1000,
    },
}  # fmt: skip


def options(**changes):
    return FieldOptions(**{**OPTIONS, **changes})


def node(**changes):
    return orm.Dict(options(**changes).to_dict())


def test_runs_of_a_replica_share_seed_and_equilibration(frames_li2co3):
    outputs = plan_field(node(), frames_li2co3)
    runs, parameters = outputs['plan']['runs'], outputs['parameters']
    assert [run['key'] for run in runs] == ['E0_r0', 'E1_r0', 'E2_r0', 'E0_r1', 'E1_r1', 'E2_r1']
    assert [run['field'] for run in runs[:3]] == [[0.0, 0.0, 0.0], [0.0, 0.0, 0.01], [0.0, 0.0, 0.03]]
    assert len({run['seed'] for run in runs[:3]}) == 1
    assert runs[0]['seed'] != runs[3]['seed']
    equilibration, production = parameters['r1_equilibration'], parameters['E2_r1_production']
    assert (equilibration['velocities'], equilibration['mobile']) == ('create', [])
    assert equilibration['seed'] == production['seed'] == runs[3]['seed']
    assert 'field' not in equilibration.get_dict()
    assert (production['velocities'], production['field']) == ('keep', [0.0, 0.0, 0.03])
    assert sorted(production['mobile']) == ['C', 'Li', 'O']
    assert parameters['parity']['n_steps'] == 0
    without = plan_field(node(dynamics={**OPTIONS['dynamics'], 'equilibration_steps': 0}), frames_li2co3)
    assert without['parameters']['E2_r1_production']['velocities'] == 'create'
    assert not [name for name in without['parameters'] if 'equilibration' in name]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'fields': [(0.0, 0.0, 0.0)]}, 'strength above 0'),
        ({'fields': [(0.0, 0.0, 5.0)]}, 'up to 1 V/Å, not 5'),
        ({'fields': [(0.0, 0.0, 0.1), (0.0, 0.0, 0.1)]}, 'named once'),
        ({'dynamics': {'production_steps': 10_000, 'ensemble': 'npt_iso'}}, 'the cell must stay'),
        ({'dynamics': {'production_steps': 150, 'track_every': 100, 'dump_every': 1}}, 'multiple of `track_every`'),
        ({'qeq': {}}, 'either `charges` or `qeq`'),
        ({'labels': {'M': {'element': 'Li'}}}, 'must say which atoms are meant'),
        ({'qeq': {'parameters': {'elements': {}}}, 'charges': None}, 'source'),
    ],
)
def test_options_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        options(**changes)


def test_charges_by_label_and_by_element():
    labels, symbols = ('Li_metal', 'Li', 'O'), ('Li', 'Li', 'O')
    assert charges_by_label(labels, symbols, {'Li': 1.0, 'Li_metal': 0.0, 'O': -1.0}).tolist() == [0.0, 1.0, -1.0]
    assert charges_by_label(labels, symbols, {'Li': 1.0, 'O': -2.0}).tolist() == [1.0, 1.0, -2.0]
    with pytest.raises(LabelError, match='no charge for O'):
        charges_by_label(labels, symbols, {'Li': 1.0})
    with pytest.raises(LabelError, match='charge for F, but no such atom'):
        charges_by_label(labels, symbols, {'Li': 1.0, 'O': 0.0, 'F': 1.0})


def test_mobile_ions_by_label_or_by_element():
    labels, symbols = ['Li1', 'Li2', 'M', 'O'], ['Li', 'Li', 'Li', 'O']
    ruled = {'M': {'element': 'Li', 'indices': [2]}}
    assert find_mobile(labels, symbols, options(labels=ruled)).tolist() == [True, True, False, False]
    assert find_mobile(labels, symbols, options(labels=ruled, mobile=['M', 'Li1'])).tolist() == [
        True,
        False,
        True,
        False,
    ]
    assert find_mobile(['Li', 'Li1'], ['Li', 'Li'], options()).tolist() == [True, False]


def test_kinds_of_a_structure_are_labels(li2co3):
    atoms = li2co3.copy()
    tags = np.zeros(len(atoms), dtype=int)
    tags[0] = 1
    atoms.set_tags(tags)
    labels = labels_of(orm.StructureData(ase=atoms), options())
    assert labels[0] == 'Li1'
    assert set(labels[1:]) == {'Li', 'C', 'O'}


def test_formal_charges_are_assigned(frames_li2co3, li2co3):
    found = assign_charges(node(), frames_li2co3)
    known = {'Li': 1.0, 'C': 4.0, 'O': -2.0}
    assert load_charges(found).tolist() == [known[symbol] for symbol in li2co3.symbols]
    assert found.base.attributes.get('labels') == list(li2co3.symbols)
    given = assign_charges(node(charges=None), frames_li2co3, given={'charges': store_charges(np.zeros(24)).store()})
    assert load_charges(given).tolist() == [0.0] * 24
    assert given.creator is not None


def test_explanations(li2co3):
    frame = Frames.from_atoms([li2co3])
    labels = list(li2co3.symbols)
    charges = np.where(np.array(labels) == 'Li', 1.0, 0.0)
    assert explain_charges(frame, labels, charges - charges.mean()) is None
    message = explain_charges(frame, labels, charges)
    assert 'add up to +8 e' in message
    assert '8 Li of +1' in message
    metal = bulk('Li', 'bcc', a=3.44, cubic=True) * (3, 3, 3)
    both = Frames.from_atoms([metal + li2co3]).replace(cells=60.0 * np.eye(3)[None])
    both = both.replace(positions=both.positions + np.repeat([[0.0] * 3, [0.0, 0.0, 25.0]], [54, 24], axis=0))
    known = {'Li': 1.0, 'C': 4.0, 'O': -2.0}
    shared = np.array([known[symbol] for symbol in (metal + li2co3).symbols])
    assert 'label and a charge of their own' in explain_charges(both, list((metal + li2co3).symbols), shared)


@pytest.mark.parametrize('average', ['label', 'atom'])
def test_charge_equilibration(li2co3, average):
    """In the last frames of the equilibrations; means are those of the frames, and neutral."""
    images = [li2co3.copy() for _ in range(5)]
    for seed, image in enumerate(images):
        image.rattle(0.05, seed=seed)
    settings = node(charges=None, qeq={'n_frames': 4, 'average': average})
    frames = {'r0': FramesData.from_atoms(images[:3]).store(), 'r1': FramesData.from_atoms(images[3:]).store()}
    found = assign_charges(settings, FramesData.from_atoms([li2co3]), frames=frames)
    charges = load_charges(found)
    assert abs(charges.sum()) < 1e-9
    expected = find_qeq_charges(images[1:]).means_e
    if average == 'atom':
        np.testing.assert_allclose(charges, expected, atol=1e-9)
    for symbol in ('Li', 'C', 'O'):
        members = np.array(li2co3.symbols) == symbol
        assert charges[members].mean() == pytest.approx(expected[members].mean(), abs=1e-6)
        assert (np.ptp(charges[members]) < 1e-12) == (average == 'label')
    attributes = found.base.attributes.all
    assert attributes['n_frames'] == 4
    assert 'ReaxFF' in attributes['source']
    assert attributes['lowest_eigenvalue_ev'] > 0.1
    assert {group['name'] for group in attributes['qeq']['groups']} == {'Li', 'C', 'O'}


def test_nan_is_none():
    assert without_nan({'a': [float('nan'), 1.0], 'b': ('x', None)}) == {'a': [None, 1.0], 'b': ['x', None]}
