"""What a campaign begins with is looked at before anything is paid: a small alloy potential, and its training set."""

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.campaign.review import explain_errors, find_recorded, orders_of, review_beginning, sample
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.science.analysis.spread import Spread, find_spread
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.grade import build_active_set
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import TrainingOptions, train

OPTIONS = {'seed': 3, 'untrained': {'level': 6}, 'exploration': {'conditions': [{'temperature': 300.0, 'n_steps': 10}]}}


def alloy_frames(n, seed=0):
    """Return frames of Cu and Au in many compositions, labelled by effective medium theory."""
    rng, images = np.random.default_rng(seed), []
    for _ in range(n):
        atoms = bulk('Cu', a=3.8, cubic=True) * (2, 1, 1)
        atoms.symbols[rng.choice(8, rng.integers(2, 7), replace=False)] = 'Au'
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(scale=0.02, size=(3, 3))), scale_atoms=True)
        atoms.positions += rng.normal(scale=0.08, size=atoms.positions.shape)
        atoms.calc = EMT()
        atoms.get_stress()
        images.append(atoms)
    return Frames.from_atoms(images)


@pytest.fixture(scope='module')
def fitted():
    """Return frames, and the potential for Cu, Au that was trained on them, with its active set."""
    frames = alloy_frames(12)
    empty = untrained(6, ['Cu', 'Au'], min_dist=2.0, max_dist=5.0)
    return frames, build_active_set(train(empty, frames, TrainingOptions(iteration_limit=30, seed=1)).potential, frames)


@pytest.fixture
def review(aiida_profile, fitted):
    """Return a function that reviews the potential, with species, frames, recorded errors and options of choice."""

    def factory(species=('Cu', 'Au'), frames=None, potential=None, recorded=None, **options):
        content = (fitted[1] if potential is None else potential).replace(species=tuple(species))
        groups = {
            'starts': {'crystal': FramesData(fitted[0][0].without_labels())},
            'training': {'old': FramesData(fitted[0] if frames is None else frames)},
            'potential': {'present': PotentialData.from_mtp(content)},
            **({'recorded': {'errors': orm.Dict(recorded)}} if recorded is not None else {}),
        }
        return review_beginning(orm.Dict({**OPTIONS, **options}), orm.List(list(species)), **groups).get_dict()

    return factory


def test_potential_with_its_training_set_passes(review):
    found = review()
    assert found['fault'] is None
    assert found['recorded'] is None
    assert found['errors']['force_ev_per_angstrom'] < 0.02


@pytest.mark.parametrize('train_first', [False, True])
def test_species_in_the_wrong_order_are_refused_with_both_numbers(review, train_first):
    """A potential for another material; neither is it a good start of a training."""
    fault = review(('Au', 'Cu'), train_first=train_first)['fault']
    right, wrong = review()['errors'], review(('Au', 'Cu'))['errors']
    assert 'in the order Au, Cu, but' in fault
    assert 'in the order Cu, Au: they were declared in the wrong one.' in fault
    for errors in (right, wrong):
        assert f'{errors["energy_mev_per_atom"]:.3g} meV/atom and {errors["force_ev_per_angstrom"]:.3g} eV/Å' in fault
    assert wrong['force_ev_per_angstrom'] > 50 * right['force_ev_per_angstrom']


def recorded_errors(energy, force):
    """Return errors as a training engine reports them: in eV, and norms of the forces."""
    return {
        'energy_per_atom': {'count': 12, 'rms': energy / 1e3}, 'force': {'count': 96, 'rms': force * 3**0.5},
        'stress_pressure': {'count': 0, 'rms': None},
    }  # fmt: skip


def test_errors_far_above_those_recorded_are_refused_with_both_numbers(review):
    frames = alloy_frames(12)
    rng = np.random.default_rng(5)
    frames = frames.replace(forces=frames.forces + rng.normal(scale=0.2, size=frames.forces.shape))
    found = review(frames=frames, recorded=recorded_errors(0.34, 0.0097))
    force = found['errors']['force_ev_per_angstrom']
    assert force == pytest.approx(0.2, rel=0.1)
    assert f'{force:.3g} eV/Å, but 0.34 meV/atom and 0.0097 eV/Å were recorded in its training' in found['fault']
    assert '`train_first`' in found['fault']
    assert review(recorded=recorded_errors(0.34, 0.0097))['fault'] is None


def test_potential_worse_than_none_is_refused_with_both_numbers(review, fitted):
    worthless = fitted[1].with_parameters(0.3 * fitted[1].parameters).replace(active_set=fitted[1].active_set)
    fault = review(potential=worthless)['fault']
    assert 'the potential is worse than none' in fault
    spread = find_spread(fitted[0])
    assert f'by {1e3 * spread.energy_per_atom:.3g} meV/atom' in fault
    assert f'{spread.force_component:.3g} eV/Å from no force' in fault


@pytest.mark.parametrize('why', ['train_first', 'no active set'])
def test_potential_that_is_trained_first_may_be_bad(review, fitted, why):
    """It is a start of a training only; that it is a bad one is said."""
    worthless = fitted[1].with_parameters(0.3 * fitted[1].parameters)
    if why == 'train_first':
        worthless = worthless.replace(active_set=fitted[1].active_set)
    found = review(potential=worthless, train_first=why == 'train_first')
    assert found['fault'] is None
    assert any('worse than none' in warning for warning in found['warnings'])


def test_campaign_that_continues_is_not_judged_by_labels_that_it_has_not_learned(review):
    assert review(('Au', 'Cu'), continues='some-uuid', first_iteration=2)['errors'] is None


def test_recorded_errors_are_those_of_the_job_that_made_the_potential(aiida_localhost, fitted):
    node = PotentialData.from_mtp(fitted[1])
    job = orm.CalcJobNode(computer=aiida_localhost).store()
    errors = orm.Dict(recorded_errors(0.3, 0.01))
    for name, output in (('potential', node), ('errors', errors)):
        output.base.links.add_incoming(job, LinkType.CREATE, name)
        output.store()
    assert find_recorded(node).uuid == errors.uuid
    assert find_recorded(PotentialData.from_mtp(fitted[1]).store()) is None


def errors_of(energy, force):
    return ErrorsRecord(n_frames=9, energy_mev_per_atom=energy, force_ev_per_angstrom=force)


@pytest.mark.parametrize(
    ('errors', 'recorded', 'spread', 'is_refused'),
    [
        ((15.7, 0.38), (0.37, 0.020), (0.5, 1.0), True),
        ((0.9, 0.38), (0.37, 0.020), (0.5, 1.0), True),
        ((0.6, 0.05), (0.37, 0.020), (0.5, 1.0), False),
        ((0.9, 0.019), (0.01, 0.001), (0.5, 1.0), False),  # small, whatever was recorded
        ((20.0, 0.3), None, (0.010, 1.0), True),
        ((2.0, 0.3), None, (0.010, 0.2), True),
        ((2.0, 0.3), None, (float('nan'), 1.0), False),  # one frame of each composition: no spread
        ((None, 0.3), (None, 0.2), (float('nan'), 1.0), False),
    ],
)
def test_verdict(errors, recorded, spread, is_refused):
    known = None if recorded is None else errors_of(*recorded)
    assert (explain_errors(errors_of(*errors), known, Spread(*spread)) is not None) is is_refused


def test_orders_that_are_tried():
    assert orders_of(['Cu', 'Au']) == [('Cu', 'Au'), ('Au', 'Cu')]
    assert len(orders_of('abcd')) == 24
    many = orders_of('abcde')
    assert many[0] == tuple('abcde')
    assert len(set(many)) == 11  # ten pairs can change places
    assert tuple('ebcda') in many


def test_large_sets_are_sampled_evenly():
    frames = alloy_frames(10)
    assert len(sample(frames, 1000)) == 10
    assert np.allclose(sample(frames, 24).energies, frames.energies[[0, 4, 9]])
    assert len(sample(frames, 1)) == 1
