"""The whole loop on the cluster: daemon, ssh, SLURM."""

import numpy as np
import pytest

from aiida_seimlip.options.campaign.history import CampaignHistory

from .campaign import MD, build_campaign, wait_for_end

pytestmark = pytest.mark.slow
OPTIONS = {'max_iterations': 1, 'held_out': {'conditions': [{**MD, 'temperature': 10.0}], 'n_frames': 4}}


@pytest.fixture(scope='module')
def campaign(cluster, _daemon, cluster_codes):
    """Return the process of a campaign that has ended, and whose working folders are gone."""
    from aiida.engine import submit

    if not _daemon.is_running:
        _daemon.start()
    node = submit(build_campaign(cluster_codes, OPTIONS))
    wait_for_end(node, _daemon)
    cluster.empty_scratch()
    return node


@pytest.fixture(scope='module')
def jobs(campaign):
    """Return all jobs of the campaign."""
    from aiida import orm

    return [process for process in campaign.called_descendants if isinstance(process, orm.CalcJobNode)]


def test_it_ends_with_all_outputs(campaign):
    assert campaign.exit_status in (0, 400), campaign.exit_message
    history = CampaignHistory(**campaign.outputs.history.get_dict())
    assert len(history.iterations) == 2
    assert history.iterations[-1].is_survived == history.converged == campaign.is_finished_ok
    assert history.n_labels == sum(frames.n_frames for frames in campaign.outputs.training.values())
    assert campaign.outputs.potential.is_trained
    assert campaign.outputs.held_out.n_frames == 4


def test_every_job_ran_in_slurm_once(cluster, campaign, jobs):
    """SLURM's record of ended jobs has one entry for each job of the campaign."""
    assert {job.computer.label for job in jobs} == {'cluster'}
    assert {job.process_label for job in jobs} == {
        'AseCalculation', 'LammpsCalculation', 'Mlip3TrainCalculation', 'Mlip3SelectCalculation',
    }  # fmt: skip
    expected = {f'aiida-{job.pk}': int(job.get_job_id()) for job in jobs}
    ended = [job for job in cluster.history() if job.name in expected]
    assert {job.name: job.number for job in ended} == expected
    assert len(ended) == len(jobs)
    assert {job.state for job in ended} <= {'COMPLETED', 'FAILED'}  # a break is an exit code above 0


def test_no_frame_is_lost_or_doubled(campaign):
    """What was sent to the reference program was learned or held out, each frame once."""
    references = [process for process in campaign.called if process.process_label == 'AseReferenceWorkChain']
    sent = [value for process in references for value in process.inputs.frames.hashes]
    learned = [value for frames in campaign.outputs.training.values() for value in frames.hashes]
    assert sorted(sent) == sorted([*learned, *campaign.outputs.held_out.hashes])
    assert len(set(sent)) == len(sent)


def test_nothing_is_left_running(cluster, campaign):
    from aiida import orm

    assert not cluster.squeue()
    assert not cluster.running_programs()
    assert all(process.is_sealed for process in [campaign, *campaign.called_descendants])
    active = {'attributes.process_state': {'in': ['created', 'waiting', 'running']}}
    assert not orm.QueryBuilder().append(orm.ProcessNode, filters=active).count()


def test_results_do_not_need_the_working_folders(cluster, campaign, jobs):
    """The scratch of the cluster is empty, and yet everything is there."""
    from aiida_seimlip.report.campaign.collect import collect
    from aiida_seimlip.report.campaign.page import render
    from aiida_seimlip.science.mtp.evaluate import evaluate

    assert not any(cluster.scratch.iterdir())
    frames = campaign.outputs.held_out.get_frames()
    predicted = evaluate(campaign.outputs.potential.get_mtp(), frames)
    assert np.isfinite(predicted.energies).all()
    assert all(job.outputs.retrieved.base.repository.list_object_names() for job in jobs)
    assert campaign.uuid[:8] in render(collect(campaign))
