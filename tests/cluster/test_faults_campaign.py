"""A campaign whose daemon is killed again and again, and stopped for a while: it ends as if nothing had happened."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .campaign import build_campaign, wait_for_end
from .conftest import PREPEND
from .faults import (
    PATIENCE,
    STAND_IN,
    count_labels,
    count_submissions,
    jobs_of,
    unfinished,
    wait_for_job,
)
from .services import wait_for

pytestmark = pytest.mark.slow


@dataclass
class Story:
    """What was done to a campaign.

    :param node: its process.
    :param killed: the process id of the worker that was killed, by what it was doing.
    :param ended: the SLURM jobs that ended while there was no daemon.
    :param n_emptied: number of working folders that were deleted during the campaign.
    """

    node: Any
    killed: dict[str, int] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    n_emptied: int = 0


@pytest.fixture(scope='module')
def patient_daemon(_daemon, signs):
    """Return a daemon whose parsers wait as long as there is the sign `parsing`."""
    before = dict(_daemon.environment)
    _daemon.stop()
    _daemon.environment |= {'PYTHONPATH': f'{STAND_IN}:{before["PYTHONPATH"]}', 'SEIMLIP_HOLD': str(signs.folder)}
    _daemon.start()
    yield _daemon
    _daemon.stop()
    _daemon.environment.clear()
    _daemon.environment.update(before)


@pytest.fixture(scope='module')
def held_codes(cluster_codes, signs):
    """Return codes whose labelling and exploration wait as long as there are signs of these names."""
    from aiida import orm

    codes = dict(cluster_codes)
    for socket in ('reference', 'exploration'):
        code = cluster_codes[socket]
        codes[socket] = orm.InstalledCode(
            label=f'{socket}-held', computer=code.computer, filepath_executable=str(code.filepath_executable),
            default_calc_job_plugin=code.default_calc_job_plugin, with_mpi=False,
            prepend_text=f'{PREPEND}\n{signs.wait_in(socket)}',
        ).store()  # fmt: skip
    return codes


@pytest.fixture(scope='module')
def story(cluster, patient_daemon, held_codes, signs):
    """Run a campaign to its end, through all faults."""
    from aiida.engine import submit

    daemon = patient_daemon
    story = Story(submit(build_campaign(held_codes, {'seed': 13, 'max_iterations': 1})))
    with signs.hold('exploration'):
        with signs.hold('parsing'):
            with signs.hold('reference'):
                wait_for_job(cluster, story.node, 'RUNNING', label='AseCalculation')
                story.killed['labelling'] = kill_worker(daemon)
            story.killed['parsing'] = kill_worker(daemon, signs.wait_for_parser())
        wait_for_job(cluster, story.node, 'RUNNING', label='LammpsCalculation')
        story.killed['exploration'] = kill_worker(daemon)
        story.n_emptied = delete_folders_of_finished_jobs(story.node)
        daemon.stop()
        waiting = {job.name for job in cluster.squeue()}
    wait_for(lambda: not cluster.squeue(), PATIENCE, 'the explorations to end without a daemon')
    story.ended = [job.name for job in cluster.history() if job.name in waiting]
    daemon.start()
    wait_for_end(story.node, daemon, timeout=600)
    return story


def kill_worker(daemon, pid=None):
    """Kill a worker, wait until there is another one, and return the process id of the first."""
    killed = daemon.kill_worker(pid)
    wait_for(lambda: set(daemon.worker_pids()) - {killed}, PATIENCE, 'a new worker')
    return killed


def delete_folders_of_finished_jobs(node):
    """Delete the working folders of all jobs that have ended, and return their number."""
    folders = [Path(job.get_remote_workdir()) for job in jobs_of(node) if job.is_finished]
    for folder in folders:
        shutil.rmtree(folder)
    return len(folders)


def jobs_of_kind(node, label):
    return [job for job in jobs_of(node) if job.process_label == label]


def test_campaign_ends_right(story):
    """With everything attached: it converged, or its one iteration was not enough."""
    assert story.node.exit_status in (0, 400), story.node.exit_message
    assert story.node.outputs.potential.is_trained
    assert story.node.outputs.training
    assert story.node.outputs.history['iterations']


@pytest.mark.parametrize(
    ('moment', 'label'),
    [('labelling', 'AseCalculation'), ('parsing', 'AseCalculation'), ('exploration', 'LammpsCalculation')],
)
def test_worker_killed(story, moment, label, patient_daemon):
    """Another worker goes on with the jobs, which have not noticed; none is submitted a second time."""
    assert story.killed[moment] not in patient_daemon.worker_pids()
    assert all(job.is_finished for job in jobs_of_kind(story.node, label))
    assert jobs_of_kind(story.node, label)[0].exit_status in (0, 410)


def test_daemon_stopped_for_a_while(story):
    """The explorations ended meanwhile; their results were fetched when it was started again."""
    assert len(story.ended) == 2
    explorations = {f'aiida-{job.pk}': job for job in jobs_of_kind(story.node, 'LammpsCalculation')}
    assert all(explorations[name].outputs.results['n_steps'] > 0 for name in story.ended)


def test_folders_of_finished_jobs_deleted(story):
    """Nothing was needed again from the two jobs whose folders went away under way."""
    assert story.n_emptied == 2
    assert story.node.outputs.training


def test_no_job_is_submitted_twice(story, cluster):
    submissions = count_submissions(cluster, story.node)
    assert submissions == dict.fromkeys(submissions, 1)
    kinds = Counter(job.process_label for job in jobs_of(story.node))
    assert kinds['LammpsCalculation'] == 2
    assert kinds['AseCalculation'] <= 2


def test_no_label_is_computed_twice(story):
    assert set(count_labels(story.node).values()) == {1}


def test_no_frame_is_lost_or_doubled(story):
    """Every label is learned from, unless the history says why not."""
    learned = Counter(value for frames in story.node.outputs.training.values() for value in frames.hashes)
    assert set(learned.values()) == {1}
    labels = count_labels(story.node)
    assert set(learned) <= set(labels)
    iterations = story.node.outputs.history['iterations']
    dropped = sum(
        drop['count'] for record in iterations for drop in record['dropped'] if drop.get('stage') == 'label'
    )  # fmt: skip
    assert len(labels) == len(learned) + dropped


def test_nothing_is_left_running(story, cluster):
    family = {story.node.pk, *(child.pk for child in story.node.called_descendants)}
    assert not [line for line in unfinished() if int(line.split()[1].rstrip(':')) in family]
    assert not {f'aiida-{pk}' for pk in family} & {job.name for job in cluster.squeue()}
    assert not [line for line in cluster.running_programs() if 'seimlip-lmp' in line]
