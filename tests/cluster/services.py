"""Programs that a test starts for itself and that never outlive it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

LOOPBACK = '127.0.0.1'
REQUIRED = 'SEIMLIP_REQUIRE_CLUSTER'
"""Environment variable that turns the skip for a missing program into a failure."""
SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


class Service:
    """A program in the foreground, which the kernel ends when the tests end in whatever way.

    :param name: for messages, and of the file with what the program prints.
    :param command: with its arguments.
    :param folder: for that file.
    :param env: environment, by default that of this process.
    :param user: to run as, by default that of this process; only root may choose another.
    :param stop_signal: that asks the program to end.
    """

    def __init__(
        self, name: str, command: Sequence[str | Path], folder: Path, *, env: Mapping[str, str] | None = None,
        user: str | None = None, stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:  # fmt: skip
        self.name = name
        self.log = folder / f'{name}.log'
        self._command = [str(part) for part in command]
        self._env = env
        self._user = ['--reuid', user, '--regid', user, '--init-groups'] if user else []
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the process id.

        :raises RuntimeError: if the program does not run.
        """
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f'{self.name} does not run; it said:\n{self.tail()}')
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Return whether the program runs."""
        return self._process is not None and self._process.poll() is None

    def tail(self, n_characters: int = 2000) -> str:
        """Return the end of what the program printed."""
        return self.log.read_text(errors='replace')[-n_characters:] if self.log.exists() else ''

    def start(self, is_ready: Callable[[], bool], timeout: float = 60.0) -> None:
        """Start the program and wait until it serves.

        :param is_ready: says whether it does.
        :param timeout: s.
        :raises RuntimeError: if it ends or does not serve in time.
        """
        guard = ['setpriv', *self._user, '--pdeathsig', self._stop_signal.name.removeprefix('SIG'), '--']
        with self.log.open('ab') as output:
            self._process = subprocess.Popen(
                [*guard, *self._command], env=self._env, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True, cwd='/',
            )  # fmt: skip
        try:
            wait_for(lambda: not self.is_running or is_ready(), timeout, f'{self.name} to serve')
            assert self.pid
        except TimeoutError as exception:
            self.stop()
            raise RuntimeError(f'{self.name} does not serve after {timeout} s; it said:\n{self.tail()}') from exception

    def stop(self, timeout: float = 20.0) -> None:
        """End the program and all that it started.

        :param timeout: s; what runs longer is killed.
        """
        if self._process is None:
            return
        family = descendants(self._process.pid)
        if self.is_running:
            self._process.send_signal(self._stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        if self.is_running:
            self._process.kill()
        self._process.wait()
        kill(family)


def descendants(pid: int) -> list[psutil.Process]:
    """Return the processes that a process started, and those that these started."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill(processes: Sequence[psutil.Process]) -> None:
    """Kill processes and wait for their end; those that have ended already are passed over."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def wait_for(condition: Callable[[], object], timeout: float, what: str, interval: float = 0.2) -> None:
    """Wait until a condition is true.

    :param timeout: s.
    :param what: is waited for, for the message.
    :param interval: s between two looks.
    :raises TimeoutError: if it does not become true.
    """
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f'waited {timeout:.0f} s for {what}')
        time.sleep(interval)


def free_ports(number: int) -> list[int]:
    """Return ports of the loopback that are free now and different from each other."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def is_listening(port: int) -> bool:
    """Return whether something accepts connections on a port of the loopback."""
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def find_program(name: str, *folders: str) -> str | None:
    """Return the path of a program of the system, looked for in some folders first."""
    return shutil.which(name, path=':'.join([*folders, SYSTEM_PATH]))


def require(programs: Mapping[str, str | None], packages: str) -> dict[str, str]:
    """Skip the test, or let it fail where CI demands it, unless all programs were found.

    :param programs: paths by name; None for what is missing.
    :param packages: of Debian, which bring the programs.
    :return: paths by name.
    """
    missing = [name for name, path in programs.items() if path is None]
    if not sys.platform.startswith('linux'):
        missing = ['Linux']
    if missing:
        message = f'NOT TESTED: {", ".join(missing)} not found; on Debian: apt-get install {packages}'
        if os.environ.get(REQUIRED) == '1':
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return {name: path for name, path in programs.items() if path is not None}
