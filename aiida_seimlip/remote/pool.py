"""Worker processes that calculate the images of a band; uploaded beside ``run_neb.py``.

It needs ``shared.py`` and ``make_calculator.py`` beside it, numpy, ase and the calculator, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .make_calculator import explain_setup, make_calculator, own_folder, package_versions
    from .shared import Record, StopError, descendants, kill, label
else:  # on the remote computer the modules lie beside this one
    from make_calculator import explain_setup, make_calculator, own_folder, package_versions
    from shared import Record, StopError, descendants, kill, label

if TYPE_CHECKING:
    from ase import Atoms

POLL_SECONDS = 1.0


def work(connection: Connection, options: Record) -> None:
    """Calculate images in a worker process until the parent closes the connection."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        calculator = make_calculator(options)
        own_folder(calculator, Path.cwd() / f'worker-{os.getpid()}')
        connection.send({'versions': package_versions(options)})
    except Exception as exception:  # reported as the reason why the band cannot run
        connection.send({'error': explain_setup(exception, options)})
        return
    while True:
        try:
            atoms = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        try:
            atoms.calc = calculator
            record = label(atoms, stress=False)
        except Exception as exception:  # any calculator may raise anything; the reason is kept with the image
            record = {'error': f'{type(exception).__name__}: {exception}'}
        try:
            connection.send(record)
        except BrokenPipeError:  # the band has come to its end in the meantime
            return
        if not options['reusable']:
            calculator = make_calculator(options)
            own_folder(calculator, Path.cwd() / f'worker-{os.getpid()}')


class Pool:
    """Worker processes that share the images among them."""

    def __init__(self, options: Record, n_images: int, started: float) -> None:
        self.signal: int | None = None
        limit = options['time_limit_seconds']
        self.deadline = None if limit is None else started + limit
        self.versions: Record = {}
        context = multiprocessing.get_context('spawn')
        self.processes, self.connections = [], []
        for _ in range(min(options['processes'], n_images)):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, options['calculator']), daemon=True)
            process.start()
            theirs.close()
            self.processes.append(process)
            self.connections.append(ours)

    def set_up(self) -> None:
        """Wait until every worker has its calculator.

        :raises StopError: if one has none.
        """
        for connection in self.connections:
            record = self._receive(connection, 'setup_failed', 'it set up the calculator')
            if 'error' in record:
                raise StopError('setup_failed', record['error'])
            self.versions = record['versions']

    def label(self, images: dict[int, Atoms]) -> dict[int, Record]:
        """Return energy and forces of images, by their index.

        :raises StopError: if one of them has none, or it is time to stop.
        """
        results: dict[int, Record] = {}
        pending, busy = list(images), {}
        while len(results) < len(images):
            for connection in [one for one in self.connections if one not in busy][: len(pending)]:
                busy[connection] = pending.pop(0)
                connection.send(images[busy[connection]].copy())  # without its calculator
            for connection in self._wait(list(busy)):
                index = busy.pop(connection)
                record = self._receive(connection, 'image_failed', f'it calculated image {index}')
                if 'error' in record:
                    raise StopError('image_failed', f'Image {index}: {record["error"]}')
                results[index] = record
        return results

    def close(self, patience: float) -> None:
        """End the worker processes, and the programs that their calculators have started.

        :param patience: seconds they may take to end by themselves before they are killed.
        """
        for connection in self.connections:
            connection.close()
        give_up = time.monotonic() + patience
        for process in self.processes:
            process.join(max(give_up - time.monotonic(), 0.0))
            family = descendants(process.pid) if process.pid is not None and process.exitcode is None else []
            process.kill()
            for pid in family:
                kill(pid)

    def check_limits(self) -> None:
        """Look at the clock, and for a signal.

        :raises StopError: if it is time to stop.
        """
        if self.signal is not None:
            raise StopError('terminated', f'The script received the signal {signal.Signals(self.signal).name}.')
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise StopError('out_of_walltime', 'The time limit has passed.')

    def interrupt(self, signum: int, frame: Any) -> None:
        """Remember a signal."""
        self.signal = signum

    def _wait(self, connections: list[Connection]) -> list[Connection]:
        while True:
            self.check_limits()
            ready = [one for one in wait(connections, timeout=POLL_SECONDS) if isinstance(one, Connection)]
            if ready:
                return ready

    def _receive(self, connection: Connection, status: str, what: str) -> Record:
        self._wait([connection])
        try:
            record: Record = connection.recv()
        except (EOFError, ConnectionResetError) as exception:
            raise StopError(status, f'A worker process ended while {what}.') from exception
        return record
