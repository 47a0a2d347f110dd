"""What a cluster does to jobs, and what then becomes of labels: none is lost, none is computed twice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from .campaign import wait_for_end
from .conftest import PREPEND
from .faults import (
    PATIENCE,
    STAND_IN,
    assert_labelled,
    count_submissions,
    jobs_of,
    make_frames,
    reports,
    submit_labelling,
    unfinished,
    wait_for_job,
)
from .services import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def make_code(cluster_computer, signs):
    """Return a factory of codes for `seimlip.ase` with shell commands before and after the script."""
    from aiida import orm

    def factory(label, *, before='', after='', computer=cluster_computer):
        return orm.InstalledCode(
            label=label, computer=computer, filepath_executable=sys.executable, with_mpi=False,
            default_calc_job_plugin='seimlip.ase', prepend_text=f'{PREPEND}\n{before}', append_text=after,
        ).store()  # fmt: skip

    return factory


@pytest.fixture(scope='module')
def held_code(make_code, signs):
    """Return a code whose jobs run for as long as there is the sign `labelling`."""
    return make_code('held', before=signs.wait_in('labelling'))


@pytest.fixture(scope='module', autouse=True)
def endless(_daemon, make_code, signs):
    """Submit, before all else, a labelling whose first job never ends; SLURM ends it after a minute or more."""
    from aiida import orm

    if not _daemon.is_running:
        _daemon.start()
    signs.once('endless')
    code = make_code('endless', before=signs.if_once('endless', 'sleep 3600'))
    frames = make_frames(4, seed=1)
    return submit_labelling(code, frames, options=orm.Dict({'max_wallclock_seconds': 60})), frames


# -- the queue --------------------------------------------------------------------------------------------------------


def test_job_cancelled_in_the_queue(cluster, daemon, held_code):
    frames = make_frames(6, seed=2)
    cluster.drain()
    node = submit_labelling(held_code, frames)
    job = wait_for_job(cluster, node, 'PENDING')
    cluster.scancel(job.number)
    cluster.resume()
    wait_for_end(node, daemon, timeout=PATIENCE)
    assert_labelled(node, frames)
    assert [job.exit_status for job in jobs_of(node)] == [300, 0]
    assert 'was interrupted: the job was cancelled (the scheduler last listed it as waiting' in reports(node)
    assert 'It is run again (restart 1 of 3).' in reports(node)


def test_job_cancelled_while_it_runs(cluster, daemon, signs, held_code):
    frames = make_frames(6, seed=3)
    with signs.hold('labelling'):
        node = submit_labelling(held_code, frames)
        job = wait_for_job(cluster, node, 'RUNNING')
        signs.wait_until_held('labelling')
        cluster.scancel(job.number)
        wait_for(lambda: job not in cluster.squeue(), PATIENCE, 'the job to be cancelled')
    wait_for_end(node, daemon, timeout=PATIENCE)
    assert_labelled(node, frames)
    assert 'was interrupted: the job was cancelled (`_scheduler-stderr.txt` says: ' in reports(node)


# -- ssh --------------------------------------------------------------------------------------------------------------


def test_ssh_down_for_a_short_while(cluster, daemon, signs, held_code):
    """The job goes on meanwhile; the daemon tries again until it gets through."""
    frames = make_frames(6, seed=4)
    with signs.hold('labelling'):
        node = submit_labelling(held_code, frames)
        wait_for_job(cluster, node, 'RUNNING')
        cluster.stop_sshd()
    time.sleep(3.0)
    cluster.start_sshd()
    play_until_end(node, daemon)
    assert_labelled(node, frames)
    assert list(count_submissions(cluster, node).values()) == [1]


def test_ssh_down_until_the_daemon_gives_up(cluster, daemon, signs, held_code):
    """The job is paused, which its status says; played, it goes on where it was."""
    frames = make_frames(6, seed=5)
    with signs.hold('labelling'):
        node = submit_labelling(held_code, frames)
        wait_for_job(cluster, node, 'RUNNING')
        cluster.stop_sshd()
        (job,) = jobs_of(node)
        wait_for(lambda: job.paused, PATIENCE, 'the job to be paused')
    assert 'Pausing after failed transport task' in job.process_status
    assert 'failed 4 times consecutively' in job.process_status
    cluster.start_sshd()
    play_until_end(node, daemon)
    assert_labelled(node, frames)
    assert list(count_submissions(cluster, node).values()) == [1]


def play_until_end(node, daemon):
    """Wait for the end of a process, and do what a user does when jobs are paused: `verdi process play --all`."""
    from aiida.engine.processes import control

    while not node.is_terminated:
        paused = control.get_active_processes(paused=True)
        if paused:
            control.play_processes(paused, timeout=60.0)
        with suppress(TimeoutError):
            wait_for_end(node, daemon, timeout=10.0)


# -- faults that need no help: their labellings run side by side ------------------------------------------------------


@pytest.fixture(scope='module')
def small_disk(short_folder):
    """Return a folder with room for 1 MB, and whether it is a file system of its own, for which it takes rights."""
    folder = short_folder / 'small'
    folder.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]
    is_mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    yield folder, is_mounted
    if is_mounted:
        subprocess.run(['umount', '-l', folder], check=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope='module')
def cramped_code(signs, make_code, make_computer, small_disk):
    """Return a code whose first job has a disk with 32 kB left, or files of 16 kB at most; later ones have enough."""
    folder, is_mounted = small_disk
    computer = make_computer('small-disk')
    computer.set_workdir(str(folder))
    filler = folder / 'filler'
    free = f'$(df --output=avail -k {folder} | tail -1)'
    fill = f'head -c $((1024 * ({free} - 32))) /dev/zero >{filler}' if is_mounted else 'ulimit -f 16'
    signs.once('fill')
    return make_code('cramped', before=signs.if_once('fill', fill), after=f'rm -f {filler}', computer=computer)


@pytest.fixture(scope='module')
def labellings(_daemon, make_code, cramped_code, signs):
    """Submit four labellings, each with a fault of its own; return their processes and frames by fault."""
    from aiida import orm

    def frames(n, seed, odd):
        return make_frames(n, seed, n_atoms=lambda index: 7 if index == odd else 8)

    signs.once('empty')
    emptied = make_code('emptied', after=signs.if_once('empty', 'cd /; rm -rf "$OLDPWD"'))
    hanging = make_code('hanging', before=f'export PYTHONPATH={STAND_IN} SEIMLIP_HANG=7')
    plans = {
        'emptied': (emptied, make_frames(6, seed=6), {}),
        'cramped': (cramped_code, make_frames(40, seed=7), {}),
        'limited': (hanging, frames(40, 8, odd=11), {'parameters': {'seconds_per_frame': 5.0, 'processes': 2}}),
        'unlimited': (hanging, frames(6, 9, odd=1), {'options': orm.Dict({'max_wallclock_seconds': 24})}),
    }
    return {name: (submit_labelling(code, sent, **more), sent) for name, (code, sent, more) in plans.items()}


def test_scratch_emptied_after_the_job(daemon, labellings):
    """What was lost is labelled again, as there is no trace of it."""
    node, frames = labellings['emptied']
    wait_for_end(node, daemon, timeout=PATIENCE)
    assert_labelled(node, frames)
    assert [job.exit_status for job in jobs_of(node)] == [300, 0]
    assert 'the program left no file' in reports(node)


def test_disk_of_the_remote_full(daemon, labellings):
    """What was labelled before is kept; the next job does the rest, as there is room again."""
    node, frames = labellings['cramped']
    wait_for_end(node, daemon, timeout=PATIENCE)
    assert_labelled(node, frames)
    first, second = jobs_of(node)
    assert (first.exit_status, second.exit_status) == (402, 0)
    assert re.search('No space left on device|File too large', first.exit_message)
    assert 0 < first.outputs.labelled.n_frames < 40
    assert second.inputs.frames.n_frames == 40 - first.outputs.labelled.n_frames


def test_one_of_forty_labels_hangs(cluster, daemon, labellings):
    """It is stopped after its time and fails with that reason; the others do not wait for it."""
    node, frames = labellings['limited']
    wait_for_end(node, daemon, timeout=PATIENCE)
    assert_labelled(node, frames, without=[11])
    assert node.outputs.failures.get_dict() == {'11': 'TimeLimit: the frame took longer than 5 s and was stopped.'}
    assert len(jobs_of(node)) == 1


def test_label_hangs_without_a_limit_of_its_own(daemon, labellings):
    """It takes the wall time of a few jobs; the others are labelled nevertheless."""
    node, frames = labellings['unlimited']
    wait_for_end(node, daemon, timeout=PATIENCE)
    assert_labelled(node, frames, without=[1])
    assert node.outputs.failures['1'].startswith('NotFinished, begun: ')


def test_job_that_never_ends(cluster, daemon, endless):
    """SLURM ends it at its wall time; it is run again."""
    node, frames = endless
    play_until_end(node, daemon)
    assert_labelled(node, frames)
    assert [job.state for job in cluster.history() if job.name == f'aiida-{jobs_of(node)[0].pk}'] == ['TIMEOUT']
    assert 'was interrupted: the wall time ended' in reports(node)
    assert [job.exit_status for job in jobs_of(node)] == [300, 0]


# -- afterwards -------------------------------------------------------------------------------------------------------


def test_nothing_is_left_running(cluster, daemon, endless):
    play_until_end(endless[0], daemon)
    assert not unfinished()
    assert not cluster.squeue()
    wait_for(lambda: not [line for line in cluster.running_programs() if 'run_ase.py' in line], 30, 'programs to end')
