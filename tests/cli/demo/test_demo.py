"""The demo, with a toy in the place of Li2CO3: it is killed, goes on, and leaves nothing running."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from aiida_seimlip.cli.profile.home import Home, HomeInUseError

SUMMARY = {'converged', 'iterations', 'labels', 'held_out', 'seconds', 'share_outside_programs', 'potential_uuid'}
HELD_OUT = {'against', 'n_frames', 'rmse_energy_mev_per_atom', 'rmse_force_ev_per_angstrom', 'rmse_stress_gpa'}


def start_demo(directory: Path, *options: str) -> subprocess.Popen:
    """Start the toy in a process of its own, with an empty home."""
    home = directory / 'home'
    home.mkdir(exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if key not in ('AIIDA_PATH', 'MPLCONFIGDIR')}
    return subprocess.Popen(
        [sys.executable, '-m', 'tests.cli.toy', '--directory', str(directory / 'demo'), *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**environment, 'HOME': str(home), 'OMP_NUM_THREADS': '1', 'PYTHONUNBUFFERED': '1'},
        cwd=Path(__file__).parents[3],
    )  # fmt: skip


def read_until(process: subprocess.Popen, text: str) -> str:
    """Read what a process prints until a text appears."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return ''.join(lines)
    raise AssertionError(f'`{text}` did not appear in:\n{"".join(lines)}')


def programs_in(directory: Path) -> list[psutil.Process]:
    """Return the processes that work below a directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(directory):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def states(directory: Path) -> list[str]:
    """Return the states of all processes in the profile of the demo."""
    (path,) = directory.glob('demo/.aiida/repository/*/database.sqlite')
    with sqlite3.connect(path) as connection:
        assert connection.execute('PRAGMA journal_mode').fetchone() == ('wal',)
        assert connection.execute('PRAGMA integrity_check').fetchone() == ('ok',)
        query = "select json_extract(attributes, '$.process_state') from db_dbnode where node_type like 'process.%'"
        return [state for (state,) in connection.execute(query)]


@pytest.mark.slow
def test_demo_killed_interrupted_and_finished(tmp_path):
    killed = start_demo(tmp_path)
    read_until(killed, 'bootstrap     learned from')
    time.sleep(2)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()

    interrupted = start_demo(tmp_path)
    text = read_until(interrupted, 'bootstrap     learned from')
    assert 'An earlier demo was interrupted: ended what it had left' in text
    assert 'going on where it stopped' in text
    interrupted.send_signal(signal.SIGINT)
    assert 'No program is left running; start again to go on.' in interrupted.stdout.read()
    assert interrupted.wait() == 130
    assert set(states(tmp_path)) <= {'finished', 'killed'}
    assert programs_in(tmp_path) == []

    last = start_demo(tmp_path)
    text, _ = last.communicate()
    assert last.returncode == 0, text
    assert 'going on where it stopped' in text
    assert 'verdi process status' in text
    assert 'QueryBuilder' in text
    assert states(tmp_path).count('killed') >= 2
    assert set(states(tmp_path)) <= {'finished', 'killed'}
    assert programs_in(tmp_path) == []

    results = tmp_path / 'demo'
    summary = json.loads((results / 'summary.json').read_text())
    assert set(summary) >= SUMMARY
    assert set(summary['held_out']) == HELD_OUT
    assert summary['converged']
    assert summary['reused_jobs'] >= 2
    assert 0 < summary['share_outside_programs'] < 1
    check_properties(summary['properties'], results)
    assert '<title>A moment tensor potential for Ar</title>' in (results / 'report.html').read_text()
    assert (results / 'campaign.aiida').stat().st_size > 10_000
    assert list((tmp_path / 'home').iterdir()) == []

    environment = {**os.environ, 'AIIDA_PATH': str(results / '.aiida')}
    for line in text.splitlines():
        if line.startswith('  AIIDA_PATH='):  # the two lines that say how to look further
            done = subprocess.run(line, shell=True, capture_output=True, text=True, env=environment, check=True)
            assert 'ActiveLearningWorkChain' in done.stdout or ', 6]' in done.stdout


def check_properties(properties: dict, results: Path) -> None:
    """Check what was computed with the potential of the toy: it hops, and is much too cold to diffuse."""
    vacancy, diffusivity = properties['vacancy'], properties['diffusivity']
    assert vacancy['exit_status'] == 0, vacancy['message']
    assert vacancy['forward_ev'] == pytest.approx(vacancy['reference_forward_ev'], abs=0.03)
    assert vacancy['forward_ev'] == pytest.approx(vacancy['backward_ev'], abs=1e-3)
    assert 400 <= diffusivity['exit_status'] < 500, diffusivity['message']
    assert [point['used_in_fit'] for point in diffusivity['points']] == [False, False]
    assert diffusivity['activation_energy_ev'] is None
    report = (results / 'report.html').read_text()
    assert f'{vacancy["forward_ev"]:.3f}' in report
    assert diffusivity['message'].split(':')[0] in report
    assert {path.suffix for path in (results / 'tables' / 'vacancy').iterdir()} == {'.csv', '.tex'}


def test_a_home_is_for_one_at_a_time(tmp_path):
    home = Home(tmp_path)
    with home.lock():
        code = (
            'import sys; from pathlib import Path; from aiida_seimlip.cli.demo.command import cmd_demo; '
            f'cmd_demo(["--directory", "{tmp_path}/demo", "--home", "{tmp_path}"])'
        )
        done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert f'Another demo (process {os.getpid()}) is working in {tmp_path}/.aiida.' in done.stderr
    with home.lock():
        pass


def test_lock_in_the_same_process(tmp_path):
    home = Home(tmp_path)
    with home.lock(), pytest.raises(HomeInUseError), home.lock():
        pass


@pytest.mark.parametrize(('path', 'folder'), [('x', 'x/.aiida'), ('x/.aiida', 'x/.aiida')])
def test_config_folder(tmp_path, path, folder):
    assert Home(tmp_path / path).config_folder == tmp_path / folder


def test_programs_of_the_home_are_ended_and_no_others(tmp_path):
    home = Home(tmp_path / 'mine')
    inside, outside = home.scratch / 'a' / 'b', tmp_path / 'other'
    inside.mkdir(parents=True)
    outside.mkdir()
    ours = subprocess.Popen(['sleep', '60'], cwd=inside)
    other = subprocess.Popen(['sleep', '60'], cwd=outside)
    try:
        home.end_programs()
        assert not psutil.pid_exists(ours.pid)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_unfinished_processes_are_ended(tmp_path, aiida_profile):
    from aiida import orm

    home = Home(tmp_path)
    node = orm.WorkChainNode()
    node.set_process_state('waiting')
    node.store()
    finished = orm.WorkChainNode()
    finished.set_process_state('finished')
    finished.set_exit_status(0)
    finished.store()
    finished.seal()
    ended = home.end_unfinished('It was interrupted.')
    assert node in ended
    assert finished not in ended
    assert node.is_killed
    assert node.is_sealed
    assert node.exit_message == 'It was interrupted.'
    assert home.end_unfinished('It was interrupted.') == []
