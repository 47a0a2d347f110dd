"""The daemon of a profile, run so that it never outlives the tests."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .services import Service, wait_for


class Daemon:
    """The daemon of a profile; start it, stop it, hurt it.

    :param profile: of AiiDA.
    :param folder: for what it prints.

    A change of `environment` counts from the next start on.
    """

    def __init__(self, profile: Any, folder: Path) -> None:
        from aiida.engine.daemon.client import DaemonClient

        self.client = DaemonClient(profile)
        verdi = Path(sys.executable).with_name('verdi')
        command = [verdi, '-p', profile.name, 'daemon', 'start-circus', '1', '--foreground']
        self.environment = self.client.get_env()
        self._service = Service(f'daemon-{profile.name[:8]}', command, folder, env=self.environment)

    @property
    def is_running(self) -> bool:
        """Return whether the daemon runs."""
        return self._service.is_running

    @property
    def log(self) -> str:
        """Return what the workers have logged."""
        path = Path(self.client.daemon_log_file)
        return path.read_text(errors='replace') if path.exists() else ''

    def start(self, n_workers: int = 1) -> None:
        """Start the daemon, and the broker with it, and wait for the workers.

        :param n_workers: number of workers.
        """
        self._service.start(lambda: self.client.is_daemon_running)
        wait_for(self.worker_pids, 60, 'a worker of the daemon')
        if n_workers > 1:
            self.client.increase_workers(n_workers - 1)
        wait_for(lambda: len(self.worker_pids()) == n_workers, 60, 'the workers of the daemon')
        wait_for(reaches_broker, 120, 'the broker of the daemon')

    def stop(self) -> None:
        """Stop the daemon with its workers; running processes go on when it is started again."""
        self._service.stop(timeout=60)
        Path(self.client.circus_pid_file).unlink(missing_ok=True)

    def restart(self) -> None:
        """Stop and start the daemon."""
        self.stop()
        self.start()

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers."""
        from aiida.engine.daemon.client import DaemonException

        with suppress(DaemonException):
            info = self.client.get_worker_info(timeout=5).get('info', {})
            return [int(pid) for pid in info if str(pid).isdigit()]
        return []

    def kill_worker(self, pid: int | None = None) -> int:
        """Kill a worker (SIGKILL), which the daemon replaces by a new one.

        :param pid: of the worker, by default the first.
        :return: the process id of the one that was killed.
        """
        pid = self.worker_pids()[0] if pid is None else pid
        os.kill(pid, signal.SIGKILL)
        return pid


def forget_broker() -> None:
    """Let this interpreter connect anew: what it sends to a broker that has been replaced is lost."""
    from aiida.manage import get_manager

    get_manager().reset_runner()
    get_manager().reset_broker()


def reaches_broker() -> bool:
    """Connect this interpreter anew and return whether the broker serves, for which AiiDA waits 10 s at a time."""
    from aiida.manage import get_manager

    forget_broker()
    try:
        get_manager().get_communicator()
    except ConnectionError:
        return False
    return True
