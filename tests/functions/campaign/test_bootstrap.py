"""Candidates of a bootstrap: made from structures, filtered, chosen, and counted by where they come from."""

from typing import Any

import numpy as np
import pytest
from aiida import orm
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.bootstrap import NOTHING_NEW, choose_bootstrap, strain_structures
from aiida_seimlip.functions.campaign.planning import plan_bootstrap
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from tests.workflows.conftest import SPECIES, crystal

LABELS = {'energies': 1.0, 'forces': 0.0}


def options(**bootstrap: Any) -> orm.Dict:
    content = {
        'seed': 3, 'exploration': {'conditions': [{'temperature': 20.0, 'n_steps': 10}]},
        'untrained': {'level': 6, 'max_dist': 5.0}, 'filters': {'min_distance': 1.0},
        'bootstrap': {'n_perturbed': 4, 'temperatures': [20.0], **bootstrap},
    }  # fmt: skip
    return ActiveLearningOptions.serializer(content)


def labelled(frames, n=None):
    """Return frames with labels of their own."""
    given = frames.get_frames()[: frames.n_frames if n is None else n]
    size = len(given)
    return FramesData(given.replace(energies=np.ones(size), forces=np.zeros_like(given.positions)))


@pytest.fixture
def starts():
    return {'one': FramesData.from_atoms([crystal()]).store(), 'two': FramesData.from_atoms([crystal(2, 0.1)]).store()}


def choose(settings, starts, **groups):
    perturbed = plan_bootstrap(settings, **starts)['perturbed']
    groups.setdefault('copies', {'starts': perturbed})
    return perturbed, choose_bootstrap(settings, orm.List(SPECIES), starts=starts, **groups)


def test_without_a_limit_everything_is_labelled(starts):
    perturbed, outputs = choose(options(), starts)
    assert outputs['frames'].hashes == perturbed.hashes
    assert outputs['report']['sources'] == {
        'one': {'n_candidates': 4, 'n_chosen': 4}, 'two': {'n_candidates': 4, 'n_chosen': 4},
    }  # fmt: skip
    assert 'known' not in outputs


def test_limit_leaves_each_start_its_share(starts):
    perturbed, outputs = choose(options(max_labels=3), starts)
    report = outputs['report'].get_dict()
    assert outputs['frames'].n_frames == report['n_kept'] == 3
    assert set(outputs['frames'].hashes) < set(perturbed.hashes)
    assert all(found['n_chosen'] >= 1 for found in report['sources'].values())
    assert sum(drop['count'] for drop in report['dropped']) == 5
    assert {drop['reason'] for drop in report['dropped']} <= {'more than 3 of the bootstrap', NOTHING_NEW}
    assert all(origin.startswith(perturbed.uuid) for drop in report['dropped'] for origin in drop['frames'])


def test_same_seed_same_choice(starts):
    first, again = (choose(options(max_labels=3), starts)[1]['frames'].hashes for _ in range(2))
    assert first == again


def test_known_frames_are_left_out_with_their_reason(starts):
    perturbed = plan_bootstrap(options(), **starts)['perturbed']
    known = labelled(perturbed, 2).store()
    _, outputs = choose(options(), starts, training={'old': known})
    assert outputs['frames'].n_frames == 6
    assert not set(outputs['frames'].hashes) & set(known.hashes)
    (drop,) = outputs['report']['dropped']
    assert (drop['reason'], drop['count']) == ('labelled before', 2)


def test_failed_frames_are_left_out(starts):
    perturbed = plan_bootstrap(options(), **starts)['perturbed']
    failed = {'old': {'frames': perturbed, 'failures': orm.Dict({'0': 'SCF'}).store()}}
    _, outputs = choose(options(), starts, failed=failed)
    assert outputs['frames'].hashes == perturbed.hashes[1:]


def test_given_frames_that_have_labels_are_not_sent(starts):
    given = labelled(FramesData.from_atoms([crystal(seed, 0.2) for seed in (20, 21)])).store()
    bare = FramesData.from_atoms([crystal(22, 0.2)]).store()
    _, outputs = choose(options(), starts, given={'trace': given, 'bare': bare})
    assert outputs['known'].hashes == given.hashes
    assert outputs['known'].is_labelled
    assert bare.hashes[0] in outputs['frames'].hashes
    assert not outputs['frames'].n_labelled
    assert outputs['report']['sources']['bootstrap_candidates.trace'] == {'n_candidates': 2, 'n_chosen': 2}


def test_given_frame_with_a_large_force_takes_no_place(starts):
    given = labelled(FramesData.from_atoms([crystal(seed, 0.2) for seed in (20, 21)])).get_frames()
    forces = np.zeros_like(given.positions)
    forces[0] = [60.0, 0.0, 0.0]
    trace = FramesData(given.replace(forces=forces)).store()
    _, outputs = choose(options(), starts, given={'trace': trace})
    assert outputs['known'].hashes == trace.hashes[1:]
    (drop,) = outputs['report']['dropped']
    assert (drop['reason'], drop['count'], drop['stage']) == ('force above 50 eV/Å', 1, 'select')


def test_label_is_not_paid_for_a_copy_that_is_given_with_one(starts):
    perturbed = plan_bootstrap(options(), **starts)['perturbed']
    given = labelled(perturbed, 1).store()
    _, outputs = choose(options(), starts, given={'trace': given})
    assert outputs['known'].hashes == given.hashes
    assert outputs['frames'].hashes == perturbed.hashes[1:]


def test_nothing_to_choose_from(starts):
    """Reference dynamics alone, beside frames that are labelled: there are no candidates."""
    known = labelled(next(iter(starts.values()))).store()
    outputs = choose_bootstrap(options(), orm.List(SPECIES), starts=starts, training={'old': known})
    assert (outputs['report']['n_candidates'], set(outputs)) == (0, {'report'})


def test_candidate_in_two_sets_is_taken_once(starts):
    frames = FramesData.from_atoms([crystal(20, 0.2)]).store()
    _, outputs = choose(
        options(max_labels=8), starts, given={'a': frames, 'b': FramesData(frames.get_frames()).store()}
    )
    assert outputs['frames'].hashes.count(frames.hashes[0]) == 1


def test_structures_join_and_get_their_minimum(starts):
    settings = options(max_labels=5, structures={'strains': [-0.04, 0.0, 0.05]})
    structures = {'neon': orm.StructureData(ase=bulk('Ne', a=4.4, cubic=True)).store()}
    copies = {
        'starts': plan_bootstrap(settings, **starts)['perturbed'],
        'structures': strain_structures(settings, **structures),
    }
    _, outputs = choose(settings, starts, copies=copies, structures=structures)
    sources = outputs['report']['sources']
    assert sources['bootstrap_structures.neon']['n_candidates'] == 3
    assert all(found['n_chosen'] >= 1 for found in sources.values())


# -- strained structures ----------------------------------------------------------------------------------------------


def test_strains_are_isotropic_and_in_order():
    atoms = bulk('Ne', a=4.4, cubic=True)
    settings = options(structures={'strains': [-0.04, 0.0, 0.05], 'temperatures': [0.0], 'strain': 0.0})
    frames = strain_structures(settings, neon=orm.StructureData(ase=atoms).store()).get_frames()
    edges = frames.cells / 4.4
    for cell, strain in zip(edges, (-0.04, 0.0, 0.05), strict=True):
        assert np.allclose(cell, (1.0 + strain) * np.eye(3), atol=1e-12)
    assert np.allclose(frames.positions[:4], 0.96 * atoms.positions, atol=1e-12)


def test_copies_of_different_structures_have_random_numbers_of_their_own():
    atoms = bulk('Ne', a=4.4, cubic=True)
    structures = {name: orm.StructureData(ase=atoms).store() for name in ('one', 'two')}
    frames = strain_structures(options(), **structures)
    assert len(set(frames.hashes)) == frames.n_frames == 10
    assert frames.hashes == strain_structures(options(), **structures).hashes
