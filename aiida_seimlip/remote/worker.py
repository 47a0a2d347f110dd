"""A process that calculates frames, so that a calculator that crashes or hangs takes one frame with it, not the batch.

Uploaded beside ``run_ase.py``. It needs ``shared.py``, ``make_calculator.py``, ``tasks.py`` and what that imports
beside it, numpy, ase and the calculator, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING or __package__:
    from .make_calculator import explain_setup, make_calculator, own_folder, package_versions
    from .shared import FRAMES_FILENAME, Line, Record, StopError, descendants, kill, read_frame
    from .tasks import run_frame
else:  # on the remote computer the modules lie beside this one
    from make_calculator import explain_setup, make_calculator, own_folder, package_versions
    from shared import FRAMES_FILENAME, Line, Record, StopError, descendants, kill, read_frame
    from tasks import run_frame

PATIENCE_SECONDS = 5.0


def can_pause(options: Record) -> bool:
    """Return whether a frame that is being worked on can be left, to be gone on with later."""
    return bool(options['task']['kind'] == 'condense')


def work(connection: Connection, folder: str, options: Record) -> None:
    """Serve frames in a worker process until the parent closes the connection."""
    line = Line(connection, folder)
    signal.signal(signal.SIGTERM, line.tell if can_pause(options) else signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import numpy as np

        with np.load(Path(folder, FRAMES_FILENAME), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        calculator = make_calculator(options['calculator'])
        line.send({'kind': 'header', 'versions': package_versions(options['calculator'])})
    except Exception as exception:  # reported as the reason why the whole batch cannot run
        line.send({'kind': 'setup_failed', 'message': explain_setup(exception, options['calculator'])})
        return
    is_first = True
    while True:
        try:
            index = connection.recv()
        except EOFError:
            return
        if index is None:  # the frame was done when the script asked to stop
            return
        if not is_first and not options['calculator']['reusable']:
            calculator = make_calculator(options['calculator'])
        is_first = False
        try:
            has_folder = own_folder(calculator, own := Path(folder, f'frame-{index}'))
            record = run_frame(read_frame(arrays, index), index, options, calculator, line)
            if has_folder and record['error'] is None:
                shutil.rmtree(own, ignore_errors=True)
            line.send(record)
        except StopError as exception:
            line.send({'kind': exception.status, 'message': str(exception)})
            return


class Worker:
    """A worker process as its parent sees it."""

    def __init__(self, folder: Path, options: Record) -> None:
        context = multiprocessing.get_context('spawn')
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, str(folder), options), daemon=True)
        self.process.start()
        theirs.close()
        self.is_ready = False
        self.index: int | None = None
        self.since = time.monotonic()

    def assign(self, index: int) -> None:
        """Give the worker a frame."""
        self.index, self.since = index, time.monotonic()
        self.connection.send(index)

    def pause(self) -> None:
        """Ask the process, unless it has ended, to leave its frame."""
        with suppress(OSError):
            self.connection.send(None)

    def stop(self, patience: float = 0.0) -> int | None:
        """End the process and return its exit code.

        :param patience: seconds it may take to end by itself before it is killed.
        """
        self.connection.close()
        self.process.join(patience)
        if self.process.exitcode is None:
            self.kill()
            self.process.join()
        return self.process.exitcode

    def kill(self) -> None:
        """Kill the process, and the programs that its calculator has started."""
        family = descendants(self.process.pid) if self.process.pid is not None and self.process.is_alive() else []
        self.process.kill()
        for pid in family:
            kill(pid)
