"""Which labels of a reference are bought, and how its zero of the energy and that of the teacher become one."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.campaign import distillation
from aiida_seimlip.functions.campaign.distillation_results import assemble_distillation
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.campaign.distillation_results import AlignmentRecord, DistillationResults
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.levels import untrained
from tests.workflows.conftest import SPECIES, crystal

CONSTANTS = {'Ne': -3.7, 'Ar': 1.9}
OPTIONS = {'seed': 4, 'labels_per_round': 6}


def images(n: int, *, pure: bool = False, seed: int = 0) -> Frames:
    """Return displaced crystals of neon and argon, or of argon alone."""
    made = [crystal(seed=1000 * seed + index, scale=0.1) for index in range(n)]
    for atoms in made if pure else ():
        atoms.symbols[:] = 'Ar'
    return Frames.from_atoms(made)


def labelled(frames: Frames, method: str, *, shift: bool = False, error: float = 0.0) -> FramesData:
    """Return frames labelled by a potential, with constants of the elements and errors of the forces."""
    found = evaluate(mtp(), frames)
    extra = [sum(CONSTANTS[symbol] for symbol in atoms.symbols) for atoms in frames.to_atoms()]
    energies = found.energies + (extra if shift else 0.0)
    signs = np.where(np.arange(found.forces.size).reshape(-1, 3) % 2, 1.0, -1.0)
    return FramesData(found.replace(energies=energies, forces=found.forces + error * signs).computed_by(method, 'free'))


def mtp():
    empty = untrained(6, SPECIES, min_dist=2.0, max_dist=5.0)
    return empty.with_parameters(np.random.default_rng(1).normal(scale=0.01, size=empty.n_parameters))


@pytest.fixture
def student():
    return PotentialData.from_mtp(mtp())


@pytest.fixture
def both():
    """Return the same frames, labelled by the reference and in another order by the teacher, and others by it."""
    frames = Frames.concatenate([images(4), images(2, pure=True)])
    return {
        'reference': {'a': labelled(frames, 'truth', shift=True)},
        'labelled': {'b': labelled(frames[::-1], 'model', error=0.02)},
        'teacher': {'c': labelled(images(3), 'model')},
    }


def test_constants_are_found(both):
    record = AlignmentRecord(**distillation.align(**both).get_dict())
    assert record.per_element == pytest.approx(CONSTANTS, abs=1e-9)
    assert record.is_determined
    assert (record.teacher_method, record.reference_method, record.unknown) == ('model', 'truth', [])


def test_compositions_that_the_reference_does_not_tell(both):
    frames = images(3)
    groups = {
        'reference': {'a': labelled(frames, 'truth', shift=True)},
        'labelled': {'b': labelled(frames, 'model')},
        'teacher': {'c': labelled(images(2, pure=True), 'model')},
    }
    record = AlignmentRecord(**distillation.align(**groups).get_dict())
    assert not record.is_determined
    assert record.unknown == ['Ar8']


def test_errors_are_those_that_were_made(both, student):
    alignment = distillation.align(**both)
    found = distillation.judge(alignment, both['reference']['a'], both['labelled']['b'], student).get_dict()
    assert found['teacher']['force_ev_per_angstrom'] == pytest.approx(0.02, rel=1e-9)
    assert found['teacher']['energy_mev_per_atom'] < 1e-6
    assert found['student']['force_ev_per_angstrom'] < 1e-12
    assert found['student']['energy_mev_per_atom'] < 1e-6
    assert found['student']['n_frames'] == 6


def test_labels_are_brought_to_one_zero_both_ways(both):
    alignment = distillation.align(**both)
    teacher = distillation.align_teacher(alignment, both['labelled']['b'])
    reference = both['reference']['a'].get_frames()
    np.testing.assert_allclose(teacher.get_frames().energies[::-1], reference.energies, atol=1e-9)
    assert teacher.methods == {'model, shifted to truth': 6}
    back = distillation.align_reference(alignment, **both['reference'])
    np.testing.assert_allclose(back.get_frames().energies, both['labelled']['b'].get_frames()[::-1].energies, atol=1e-9)
    assert back.methods == {'truth, shifted to model': 6}
    assert set(teacher.get_frames().energy_kinds) == {'free'}
    np.testing.assert_array_equal(back.get_frames().forces, reference.forces)


def test_potential_gets_the_zero_of_the_reference(both, student):
    raised = distillation.raise_constants(distillation.align(**both), student, **both['reference'])
    reference = both['reference']['a'].get_frames()
    np.testing.assert_allclose(evaluate(raised.get_mtp(), reference).energies, reference.energies, atol=1e-9)
    assert sorted(raised.compositions) == [[0, 1], [1, 3]]


def choose(student, **groups):
    options = {**OPTIONS, **groups.pop('options', {})}
    return distillation.choose_labels(orm.Dict(options), student, orm.Int(1), **groups)


def test_fresh_frames_and_chosen_ones(student):
    teacher, fresh = labelled(images(12), 'model'), labelled(images(8, seed=1), 'model')
    found = choose(student, teacher={'a': teacher}, fresh={'b': fresh})
    hashes = found['frames'].hashes
    assert found['report'].get_dict() == {'n_fresh': 3, 'n_chosen': 3, 'n_candidates': 20}
    assert set(hashes[:3]) <= set(fresh.hashes)
    assert set(hashes[3:]) <= set(teacher.hashes)
    assert not found['frames'].n_labelled
    again = choose(student, teacher={'a': teacher}, fresh={'b': fresh})
    assert again['frames'].hashes == hashes
    other = choose(student, teacher={'a': teacher}, fresh={'b': fresh}, options={'seed': 5})
    assert other['frames'].hashes[:3] != hashes[:3]


def test_nothing_is_labelled_twice(student):
    teacher = labelled(images(5), 'model')
    reference = labelled(images(3), 'truth')
    found = choose(student, teacher={'a': teacher}, fresh={'a': teacher}, reference={'r': reference})
    assert sorted(found['frames'].hashes) == sorted(set(teacher.hashes) - set(reference.hashes))
    assert 'frames' not in choose(student, teacher={'a': teacher}, reference={'r': teacher})


def test_budget(student):
    groups = {'teacher': {'a': labelled(images(9), 'model')}, 'reference': {'r': labelled(images(2, seed=3), 'truth')}}
    assert choose(student, options={'max_labels': 6}, **groups)['frames'].n_frames == 4


def test_each_composition_gets_a_label(student):
    teacher = labelled(Frames.concatenate([images(30), images(1, pure=True)]), 'model')
    found = choose(student, teacher={'a': teacher}, options={'labels_per_round': 2, 'fresh_share': 0.0})
    assert 'Ar8' in found['frames'].formulas


def test_options_of_a_campaign():
    given = ActiveLearningOptions.serializer(
        {'seed': 1, 'max_labels': 40, 'exploration': {'conditions': [{'temperature': 20.0, 'n_steps': 100}]}}
    )
    options = orm.Dict(OPTIONS)
    first, second = (
        distillation.plan_campaign(options, given, orm.Int(number), orm.Int(known)).get_dict()
        for number, known in ((1, 0), (2, 25))
    )
    assert first['seed'] != second['seed'] != 1
    assert (first['max_labels'], second['max_labels']) == (40, 65)
    assert (first['train_first'], second['train_first']) == (False, True)
    assert first['allow_mixed_methods']
    assert second['exploration'] == given['exploration']


def test_weight_gives_the_reference_its_share():
    groups = {'reference': {'a': labelled(images(5), 'truth')}, 'teacher': {'b': labelled(images(40), 'model')}}
    parameters = orm.Dict({'iteration_limit': 3})
    found = distillation.weigh_reference(
        orm.Dict({**OPTIONS, 'reference_share': 0.75}), parameters, **groups
    ).get_dict()
    assert found == {'iteration_limit': 3, 'weights': {'initial_reference': 24}}  # 5 * 24 = 3 * 40
    limited = orm.Dict({**OPTIONS, 'reference_share': 0.75, 'max_weight': 10})
    assert distillation.weigh_reference(limited, parameters, **groups)['weights'] == {'initial_reference': 10}


def test_results_tell_that_methods_are_mixed(both):
    record = distillation.align(**both).get_dict()
    errors = [{'n_frames': 6, 'force_ev_per_angstrom': value} for value in (0.3, 0.2)]
    rounds = [{
        'round': 1, 'converged': True, 'n_teacher': 30, 'alignment': record, 'teacher': errors[0], 'student': errors[1]
    }]  # fmt: skip
    facts = {'n_given': 0, 'n_reference': 6, 'accepted': False, 'converged': True, 'message': None}
    found = DistillationResults(**assemble_distillation(orm.List(rounds), orm.Dict(facts)).get_dict())
    assert found.n_teacher == 30
    assert 'labels by two methods, truth and model' in found.doubts[0]
    assert 'less than its teacher (0.300 eV/Å)' in found.doubts[1]
