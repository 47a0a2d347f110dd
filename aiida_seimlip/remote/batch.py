"""Worker processes that frames are dealt to one by one; uploaded beside ``run_ase.py``.

It needs ``worker.py`` and what that imports beside it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import deque
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .shared import Record, StopError, is_full
    from .worker import PATIENCE_SECONDS, Worker, can_pause
else:  # on the remote computer the modules lie beside this one
    from shared import Record, StopError, is_full
    from worker import PATIENCE_SECONDS, Worker, can_pause

RESULTS_FILENAME = 'results.jsonl'
RESERVE_FILENAME = 'reserve'
RESERVE_BYTES = 16384
POLL_SECONDS = 1.0
PAUSES = ('out_of_walltime', 'terminated')
"""Ends of the script before which workers leave their frames in order."""
EXIT_CODES = {'finished': 0, 'setup_failed': 2, 'out_of_walltime': 3, 'terminated': 4, 'out_of_disk': 5}


class Batch:
    """All frames of a job, dealt to workers one by one; every record is written as it comes in."""

    def __init__(self, folder: Path, options: Record) -> None:
        self.folder, self.options = folder, options
        self.output = os.open(folder / RESULTS_FILENAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        self.n_bytes = 0
        self.pending = deque(range(options['n_frames']) if options.get('indices') is None else options['indices'])
        self.workers: list[Worker] = []
        self.deadline = None
        if options['time_limit_seconds'] is not None:
            self.deadline = time.monotonic() + options['time_limit_seconds']
        self.has_header = False
        self.signal: int | None = None

    def interrupt(self, signum: int, frame: Any) -> None:
        """Remember a signal; the loop ends when no record is half written."""
        self.signal = signum

    def write(self, record: Record) -> None:
        """Append a record to the results and hand it to the operating system.

        :raises StopError: if the disk is full; of the record nothing is left then.
        """
        line = (json.dumps(record) + '\n').encode()
        try:
            while line:
                line = line[os.write(self.output, line) :]
        except OSError as exception:
            if not is_full(exception):
                raise
            os.ftruncate(self.output, self.n_bytes)
            raise StopError('out_of_disk', str(exception)) from exception
        self.n_bytes = os.fstat(self.output).st_size

    def run(self) -> None:
        """Calculate all frames.

        :raises StopError: if a worker cannot set up the calculator, if the time limit passes before the last frame is
            done, if the disk is full, or if a signal asks the script to stop.
        """
        self._make_reserve()
        try:
            for _ in range(min(self.options['processes'], len(self.pending))):
                self.workers.append(Worker(self.folder, self.options))
            while self.workers:
                ready = wait([worker.connection for worker in self.workers], timeout=POLL_SECONDS)
                self._check_limits()
                for worker in [worker for worker in self.workers if worker.connection in ready]:
                    self._receive(worker)
        except StopError as exception:
            if exception.status in PAUSES and can_pause(self.options):
                self._pause_workers()
            raise
        finally:
            for worker in self.workers:
                worker.kill()
            for worker in self.workers:
                worker.stop()

    def close(self, record: Record) -> None:
        """Write the last record, for which there is a reserve, and close the results."""
        (self.folder / RESERVE_FILENAME).unlink(missing_ok=True)
        try:
            self.write(record)
        except StopError as exception:  # no file may grow any more; the standard error and the exit code say so
            print(f'The last record cannot be written: {exception}', file=sys.stderr)
        os.close(self.output)

    def _make_reserve(self) -> None:
        try:
            (self.folder / RESERVE_FILENAME).write_bytes(bytes(RESERVE_BYTES))
        except OSError as exception:
            raise StopError('out_of_disk', str(exception)) from exception

    def _check_limits(self) -> None:
        if self.signal is not None:
            raise StopError('terminated', f'The script received the signal {signal.Signals(self.signal).name}.')
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise StopError(
                'out_of_walltime', f'The time limit of {self.options["time_limit_seconds"]:g} s has passed.'
            )
        limit = self.options['seconds_per_frame']
        if limit is None:
            return
        for worker in [worker for worker in self.workers if worker.index is not None]:
            if time.monotonic() - worker.since > limit:
                self._bury(worker, f'TimeLimit: the frame took longer than {limit:g} s and was stopped.')

    def _pause_workers(self) -> None:
        """Let workers leave the frames that they work on, and write what they still send; each may do one more step."""
        busy = [worker for worker in self.workers if worker.index is not None]
        give_up = time.monotonic() + self._grace_seconds
        for worker in busy:
            worker.pause()
        while busy and time.monotonic() < give_up:
            ready = wait([worker.connection for worker in busy], timeout=max(give_up - time.monotonic(), 0.0))
            for worker in [worker for worker in busy if worker.connection in ready]:
                try:
                    record = worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    busy.remove(worker)
                    continue
                if record['kind'] in ('paused', *EXIT_CODES):
                    busy.remove(worker)
                    continue
                self.write(record)
                if record['kind'] == 'frame':
                    busy.remove(worker)

    @property
    def _grace_seconds(self) -> float:
        """How long workers may take to leave their frames: less than the scheduler leaves after the time limit."""
        limit = self.options['time_limit_seconds']
        return 20.0 if limit is None else min(max(0.04 * limit, 3.0), 60.0)

    def _receive(self, worker: Worker) -> None:
        try:
            record = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            reason = 'WorkerDied: the worker process ended with exit code {code} during this frame.'
            self._bury(worker, reason, patience=PATIENCE_SECONDS)
            return
        if record['kind'] == 'paused':
            worker.index = None
            raise StopError('terminated', 'A worker process received the signal SIGTERM.')
        if record['kind'] in EXIT_CODES:
            raise StopError(record['kind'], record['message'])
        if record['kind'] == 'header':
            if not self.has_header:
                self.write(record)
            self.has_header = worker.is_ready = True
            self._next(worker)
            return
        self.write(record)
        if record['kind'] == 'frame':
            self._next(worker)

    def _next(self, worker: Worker) -> None:
        """Give the worker its next frame, or let it go if there is none."""
        worker.index = None
        if self.pending:
            self.write({'kind': 'begin', 'index': self.pending[0]})
            worker.assign(self.pending.popleft())
        else:
            self.workers.remove(worker)
            worker.stop(patience=PATIENCE_SECONDS)

    def _bury(self, worker: Worker, reason: str, patience: float = 0.0) -> None:
        """End a worker that is lost, record the failure of its frame and start another worker if there is work."""
        self.workers.remove(worker)
        code = worker.stop(patience)
        if code == -signal.SIGTERM:
            raise StopError('terminated', 'A worker process received the signal SIGTERM.')
        if not worker.is_ready:
            raise StopError(
                'setup_failed', f'A worker process ended with exit code {code} while it set up the calculator.'
            )
        seconds = time.monotonic() - worker.since
        self.write({
            'kind': 'frame', 'index': worker.index, 'error': reason.format(code=code), 'note': None,
            'seconds': seconds, 'cpu_seconds': None,
        })  # fmt: skip
        if self.pending:
            self.workers.append(Worker(self.folder, self.options))
