"""Services of the tests end with the tests, and a missing program is said aloud."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from .services import REQUIRED, Service, descendants, free_ports, is_listening, require, wait_for


def test_service_is_stopped_with_all_that_it_started(tmp_path):
    service = Service('shell', ['sh', '-c', 'sleep 600 & sleep 600'], tmp_path)
    service.start(lambda: len(descendants(service.pid)) >= 1)
    family = [psutil.Process(service.pid), *descendants(service.pid)]
    service.stop()
    assert not service.is_running
    assert not any(process.is_running() for process in family)


def test_service_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match=r'shell does not run; it said:\nno such luck'):
        Service('shell', ['sh', '-c', 'echo no such luck; exit 1'], tmp_path).start(lambda: False)


def test_service_that_does_not_serve_is_stopped(tmp_path):
    service = Service('shell', ['sleep', '600'], tmp_path)
    with pytest.raises(RuntimeError, match='does not serve after'):
        service.start(lambda: False, timeout=0.5)
    assert not service.is_running


def test_service_does_not_outlive_a_killed_test_run(tmp_path):
    script = textwrap.dedent(f"""
        import os, pathlib, signal
        from tests.cluster.services import Service
        service = Service('shell', ['sleep', '600'], pathlib.Path({str(tmp_path)!r}))
        service.start(lambda: True)
        print(service.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    root = Path(__file__).parents[2]
    environment = {**os.environ, 'PYTHONPATH': str(root)}
    done = subprocess.run([sys.executable, '-c', script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    wait_for(lambda: not psutil.pid_exists(int(done.stdout)), 20, 'the service to end')


def test_free_ports_differ():
    ports = free_ports(20)
    assert len(set(ports)) == len(ports)
    assert not any(map(is_listening, ports))


def test_missing_programs_are_named_with_their_packages(monkeypatch):
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match='slurmd not found; on Debian: apt-get install slurm-wlm'):
        require({'sh': '/bin/sh', 'slurmd': None}, 'slurm-wlm')


def test_missing_programs_are_a_failure_where_they_are_required(monkeypatch):
    monkeypatch.setenv(REQUIRED, '1')
    with pytest.raises(pytest.fail.Exception, match='NOT TESTED: slurmd'):
        require({'slurmd': None}, 'slurm-wlm')
