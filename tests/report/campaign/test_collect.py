"""From nodes to the report: a campaign of one iteration, stored by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.campaign.history import (
    CampaignHistory,
    DropRecord,
    ExplorationRecord,
    HeldOutRecord,
    IterationRecord,
)
from aiida_seimlip.options.records import DetailedErrorsRecord, ErrorsRecord
from aiida_seimlip.report.campaign.collect import collect, compare, program_times
from aiida_seimlip.report.campaign.page import render
from aiida_seimlip.report.process import flatten, reduced_formula
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA, voigt_to_tensor

SPECIES = ('Li', 'C', 'O')


@pytest.fixture(scope='module')
def mtp():
    """Return a potential with made-up coefficients."""
    potential = untrained(6, SPECIES, max_dist=4.0)
    random = np.random.default_rng(5)
    return potential.with_parameters(random.normal(0, 3e-4, potential.n_parameters))


@pytest.fixture
def labelled(mtp, li2co3):
    """Return three frames with the labels of the potential and known errors: 1 meV/atom, 0.2 eV/Å, 0.01 eV/Å³."""
    images = [li2co3.copy() for _ in range(3)]
    for number, image in enumerate(images):
        image.rattle(0.05, seed=number)
    frames = evaluate(mtp, Frames.from_atoms(images))
    return frames.replace(
        energies=frames.energies + 1e-3 * frames.sizes, forces=frames.forces - 0.2, stresses=frames.stresses + 0.01
    )


class Builder:
    """Store the processes of a campaign one after the other."""

    def __init__(self, computer):
        self.computer = computer
        self.campaign = orm.WorkChainNode(process_type='aiida.workflows:seimlip.active_learning')
        self.campaign.base.attributes.set('process_label', 'ActiveLearningWorkChain')
        self.campaign.base.attributes.set('version', {'core': '2.9.4', 'plugin': '0.1.0'})
        options = orm.Dict({'exploration': {'threshold_save': 2.0, 'threshold_break': 10.0}, 'seed': 4}).store()
        self.campaign.base.links.add_incoming(options, LinkType.INPUT_WORK, 'options')
        self.campaign.set_process_state('running')
        self.campaign.store()

    def job(self, entry_point, label, inputs, outputs, stdout='', *, is_cached=False):
        """Store a job below the campaign, with a WorkChain between."""
        parent = orm.WorkChainNode()
        parent.base.links.add_incoming(self.campaign, LinkType.CALL_WORK, label)
        parent.store()
        node = orm.CalcJobNode(computer=self.computer, process_type=f'aiida.calculations:{entry_point}')
        node.set_option('scheduler_stdout', '_scheduler-stdout.txt')
        node.set_process_state('finished')
        node.set_exit_status(0)
        for name, value in inputs.items():
            node.base.links.add_incoming(value, LinkType.INPUT_CALC, name)
        node.base.links.add_incoming(parent, LinkType.CALL_CALC, 'job')
        node.store()
        if is_cached:
            node.base.extras.set('_aiida_cached_from', 'somewhere')
        retrieved = orm.FolderData()
        retrieved.base.repository.put_object_from_bytes(stdout.encode(), '_scheduler-stdout.txt')
        for name, value in {'retrieved': retrieved, **outputs}.items():
            value.base.links.add_incoming(node, LinkType.CREATE, name)
            value.store()
        return node

    def returns(self, **outputs):
        """Attach outputs to the campaign and end it."""
        for name, node in outputs.items():
            if not node.is_stored:
                node.store()
            node.base.links.add_incoming(self.campaign, LinkType.RETURN, name)

    def end(self, state='finished', status=0):
        """End the campaign."""
        self.campaign.set_process_state(state)
        if state == 'finished':
            self.campaign.set_exit_status(status)


@pytest.fixture
def story(aiida_localhost, mtp, labelled) -> SimpleNamespace:
    """Return the processes of a campaign without its outputs."""
    builder = Builder(aiida_localhost)
    begin = builder.campaign.ctime.timestamp()

    def stamps(start, stop):
        return f'seimlip-start {begin + start:.6f}\nnoise\nseimlip-stop {begin + stop:.6f}\n'

    potential = PotentialData.from_mtp(mtp)
    training, held_out = FramesData(labelled[:2]), FramesData(labelled[2])
    candidates = FramesData(labelled.without_labels().replace(grades=np.array([2.5, 7.0, 11.0])))
    builder.job('seimlip.ase', 'iteration_000_label', {}, {'labelled': training}, stamps(1, 5))
    builder.job('seimlip.mlip3.train', 'iteration_000_train', {'training__iteration_000': training},
                {'potential': potential}, stamps(5, 8))  # fmt: skip
    parameters = orm.Dict({'temperature': 300.0, 'n_steps': 400, 'ensemble': 'nvt', 'seed': 3}).store()
    results = orm.Dict({'outcome': 'broke', 'n_steps': 120, 'highest_grade': 11.0, 'version': '22 Jul 2025'})
    exploration = builder.job('seimlip.lammps', 'iteration_001_run_000', {'parameters': parameters},
                              {'candidates': candidates, 'results': results}, stamps(8, 10))  # fmt: skip
    final = builder.job('seimlip.ase', 'held_out_label', {}, {'labelled': held_out}, stamps(10, 12))
    history = CampaignHistory(
        species=list(SPECIES), converged=True, warnings=['The cell is small.'],
        iterations=[
            IterationRecord(iteration=0, n_training=2, train_errors=ErrorsRecord(n_frames=2, energy_mev_per_atom=1.0)),
            IterationRecord(
                iteration=1, n_training=2, n_explorations=1, n_candidates=3, n_selected=1,
                explorations=[ExplorationRecord(
                    start='crystal', condition='nvt-300K', temperature=300, ensemble='nvt', seed=3, outcome='broke',
                    n_steps=120, n_steps_asked=400, highest_grade=11.0, uuid=exploration.uuid,
                )],
                dropped=[DropRecord(stage='select', reason='a grade above 10', count=2)],
                failures={'a:1': 'SCF not converged', 'a:2': 'SCF not converged'}, n_failed=2,
            ),
        ],
        held_out=HeldOutRecord(n_frames=1, errors=DetailedErrorsRecord(n_frames=1, energy_mev_per_atom=9.0)),
    )  # fmt: skip
    return SimpleNamespace(
        builder=builder, campaign=builder.campaign, history=history, potential=potential, training=training,
        held_out=held_out, exploration=exploration, final=final,
    )  # fmt: skip


@pytest.fixture
def complete(story):
    """Return the same campaign with its outputs."""
    story.builder.returns(
        potential=story.potential, training__iteration_000=story.training, held_out=story.held_out,
        history=orm.Dict(story.history.model_dump(mode='json')),
    )  # fmt: skip
    story.builder.end()
    return story


def test_complete_campaign(complete):
    report = collect(complete.campaign)
    assert report.title == 'A moment tensor potential for Li₂CO₃'
    assert report.status == 'converged'
    assert report.message == ''
    assert report.n_labels == 2
    assert [item.n_labels for item in report.iterations] == [2, 2]
    assert report.thresholds == {'save': 2.0, 'break': 10.0}
    assert report.versions['aiida-core'] == '2.9.4'
    assert report.versions['LAMMPS'] == '22 Jul 2025'
    assert report.pointers['potential'] == complete.potential.uuid
    assert report.settings['options'] == {
        'exploration.threshold save': '2', 'exploration.threshold break': '10', 'seed': '4'
    }  # fmt: skip
    assert report.notes == ('The cell is small.',)


def test_explorations_and_grades(complete):
    report = collect(complete.campaign)
    (exploration,) = report.explorations
    assert exploration.name == 'crystal · 300 K'
    assert exploration.survival == pytest.approx(0.3)
    np.testing.assert_array_equal(report.grades[1], [2.5, 7.0, 11.0])


def test_drops_and_failures(complete):
    assert [(drop.stage, drop.reason, drop.count) for drop in collect(complete.campaign).drops] == [
        ('select', 'a grade above 10', 2), ('label', 'SCF not converged', 2),
    ]  # fmt: skip


def test_errors_are_those_of_the_potential(complete):
    report = collect(complete.campaign)
    assert [parity.name for parity in report.parities] == ['training', 'held-out']
    for parity in report.parities:
        assert parity.errors.energy == pytest.approx(1.0, rel=1e-6)
        assert parity.errors.force == pytest.approx(0.2, rel=1e-6)
        assert parity.errors.stress == pytest.approx(0.01 * EV_PER_A3_TO_GPA, rel=1e-6)
    assert report.held_out == report.parities[1].errors


def test_time_is_that_of_the_programs(complete):
    report = collect(complete.campaign)
    assert report.is_measured
    assert report.seconds_by_stage == pytest.approx({'label': 4, 'train': 3, 'explore': 2, 'held_out': 2}, abs=1e-4)
    assert report.wall_seconds > 0


def test_cached_jobs_took_no_time(complete):
    complete.exploration.base.extras.set('_aiida_cached_from', 'somewhere')
    report = collect(complete.campaign)
    assert report.n_reused == 1
    assert 'explore' not in report.seconds_by_stage


def test_jobs_without_time_stamps(story):
    story.builder.job('seimlip.ase', 'iteration_001_label', {}, {}, 'no stamp here')
    report = collect(story.campaign)
    assert not report.is_measured
    assert math.isnan(report.share_outside_programs)
    assert report.seconds_by_stage


def test_job_killed_with_its_script(aiida_localhost):
    builder = Builder(aiida_localhost)
    job = builder.job('seimlip.ase', 'a', {}, {}, 'seimlip-start 1000.5\n')
    assert program_times(job) == (1000.5, job.outputs.retrieved.ctime.timestamp())


def test_time_stamps_with_decimal_commas(aiida_localhost):
    job = Builder(aiida_localhost).job('seimlip.ase', 'a', {}, {}, 'seimlip-start 10,5\nseimlip-stop 11,25\n')
    assert program_times(job) == (10.5, 11.25)


def test_campaign_that_is_running(story):
    story.campaign.base.extras.set('seimlip_history', story.history.model_dump(mode='json'))
    report = collect(story.campaign)
    assert report.status == 'running'
    assert len(report.explorations) == 1
    assert report.pointers['potential'] == story.potential.uuid
    assert any('published' in note for note in report.notes)


def test_campaign_that_left_nothing_but_jobs(story):
    story.builder.end('killed')
    report = collect(story.campaign)
    assert report.status in ('stopped', 'not converged')
    assert report.n_labels == 2
    assert [(item.iteration, item.outcome) for item in report.explorations] == [(1, 'broke')]
    assert any('put together from its jobs' in note for note in report.notes)
    assert '<svg' in render(report)


def test_campaign_that_was_just_begun(aiida_localhost):
    report = collect(Builder(aiida_localhost).campaign)
    assert report.status == 'running'
    assert report.title == 'A potential'
    assert report.parities == ()
    assert 'still running' in render(report)


def test_campaign_that_failed(story):
    history = story.history.model_copy(update={'converged': False, 'message': 'The sky fell.'})
    story.builder.returns(history=orm.Dict(history.model_dump(mode='json')))
    story.builder.end(status=400)
    report = collect(story.campaign)
    assert report.status == 'not converged'
    assert report.message == 'The sky fell.'


def test_compare_leaves_out_unknown_stresses(labelled, mtp):
    stresses = labelled.stresses.copy()
    stresses[1] = np.nan
    reference = labelled.replace(stresses=stresses)
    parity = compare('x', reference, evaluate(mtp, labelled))
    assert parity.stresses.shape == (2, 18)
    expected = EV_PER_A3_TO_GPA * voigt_to_tensor(stresses[[0, 2]]).ravel()
    np.testing.assert_allclose(parity.stresses[0], expected)


@pytest.mark.parametrize(
    ('formula', 'text'),
    [('C8Li16O24', 'Li₂CO₃'), ('F6LiP', 'LiPF₆'), ('Li2', 'Li'), ('C4H8Li2O6', 'LiH₄C₂O₃'), ('Ar4', 'Ar')],
)
def test_reduced_formula(formula, text):
    assert reduced_formula(formula) == text


def test_flatten():
    assert flatten({'a': {'b': 1, 'c': None, 'd': []}, 'e': [1]}) == {'a.b': 1, 'e': [1]}


def test_paused_process_is_noted(story):
    """Who reads the report learns what waits for whom, and what to do."""
    job = orm.CalcJobNode(computer=story.builder.computer)
    job.set_process_label('AseCalculation')
    job.set_process_state('waiting')
    job.set_process_status('Pausing after failed transport task: upload_calculation failed 5 times consecutively')
    job.pause()
    job.base.links.add_incoming(story.campaign, LinkType.CALL_CALC, 'paused')
    job.store()
    (note,) = [note for note in collect(story.campaign).notes if 'is paused' in note]
    assert note == (
        f'AseCalculation {job.pk} is paused: Pausing after failed transport task: upload_calculation failed 5 times '
        f'consecutively. It goes on with `verdi process play {job.pk}`.'
    )
