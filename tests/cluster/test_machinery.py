"""The cluster itself: what the other tests of this folder rely on."""

import subprocess

from .services import is_listening, wait_for


def test_computer_passes_the_checks_of_verdi(daemon, cluster_computer):
    from aiida.cmdline.commands.cmd_computer import computer_test
    from click.testing import CliRunner

    result = CliRunner().invoke(computer_test, [cluster_computer.label], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert 'all 6 tests succeeded' in result.output, result.output


def test_sshd_stops_and_starts(cluster):
    cluster.stop_sshd()
    assert not is_listening(cluster.port)
    cluster.start_sshd()
    assert is_listening(cluster.port)


def test_programs_of_jobs_are_seen_until_they_are_cancelled(cluster):
    script = cluster.folder / 'job.sh'
    script.write_text('#!/bin/bash\nsleep 600\n')
    command = [cluster.programs['sbatch'], '--parsable', '--chdir=/tmp', '--output=/dev/null', script]
    number = int(subprocess.run(command, env=cluster.environment, check=True, capture_output=True).stdout)
    wait_for(lambda: 'sleep 600' in cluster.running_programs(), 120, 'the job to run')
    assert [job.number for job in cluster.squeue()] == [number]
    cluster.scancel(number)
    wait_for(lambda: not cluster.squeue() and not cluster.running_programs(), 120, 'the job to end')
    assert [job.state for job in cluster.history() if job.number == number] == ['CANCELLED']


def test_jobs_wait_while_the_queue_is_held(cluster):
    script = cluster.folder / 'short.sh'
    script.write_text('#!/bin/bash\n')
    cluster.drain()
    command = [cluster.programs['sbatch'], '--chdir=/tmp', '--output=/dev/null', script]
    subprocess.run(command, env=cluster.environment, check=True, capture_output=True)
    assert [job.state for job in cluster.squeue()] == ['PENDING']
    cluster.resume()
    wait_for(lambda: not cluster.squeue(), 120, 'the job to end')
