"""Run a batch of configurations through an ASE calculator; uploaded and run by the CalcJob ``seimlip.ase``.

Usage: ``python3 run_ase.py`` in a folder that holds

- ``options.json``: calculator, task and limits, as `aiida_seimlip.options.ase.AseOptions.to_remote` writes them;
- ``frames.npz``: the configurations, as the packed arrays of `aiida_seimlip.science.frames.Frames`.

Everything is written to ``results.jsonl``, one JSON object a line, as soon as it is known, so that what is finished
survives a kill:

- ``{"kind": "header", ...}``: versions of Python, ASE and the calculator;
- ``{"kind": "begin", "index": i}``: frame ``i`` is being worked on;
- ``{"kind": "sample", "index": i, "step": s, "energy": ..., "forces": ..., "stress": ...}``: a labelled
  configuration, with ``positions``, ``cell`` and ``velocities`` where the task moves the atoms;
- ``{"kind": "frame", "index": i, "seconds": ..., "error": ..., "note": ...}``: frame ``i`` is done or has failed;
- ``{"kind": "end", "status": ..., "message": ...}``: the last line, missing only if the script was killed outright.

Every frame is calculated in a worker process: a calculator that crashes or hangs takes one frame with it, not the
batch. Some room on the disk is kept in reserve, so that a full disk does not keep the last line from being written.
The script needs ``shared.py`` beside it, numpy, ase and the calculator, and nothing else. Units are ASE's (eV, Å,
eV/Å³, Voigt order), except velocities, which are in Å/ps.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable  # noqa: UP035 (older Pythons run this, too)

if TYPE_CHECKING or __package__:
    from .shared import (
        THREAD_VARIABLES,
        FrameError,
        descendants,
        kill,
        label,
        make_calculator,
        package_versions,
        read_frame,
        to_plain,
    )
else:  # on the remote computer the module lies beside this script
    from shared import (
        THREAD_VARIABLES,
        FrameError,
        descendants,
        kill,
        label,
        make_calculator,
        package_versions,
        read_frame,
        to_plain,
    )

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

OPTIONS_FILENAME = 'options.json'
FRAMES_FILENAME = 'frames.npz'
RESULTS_FILENAME = 'results.jsonl'
RESERVE_FILENAME = 'reserve'
RESERVE_BYTES = 16384
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
EXIT_CODES = {'finished': 0, 'setup_failed': 2, 'out_of_walltime': 3, 'terminated': 4, 'out_of_disk': 5}
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Record = dict[str, Any]
Send = Callable[[Record], None]


class StopError(Exception):
    """The batch cannot go on; `status` is one of `EXIT_CODES`, the message says why."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


# -- one frame --------------------------------------------------------------------------------------------------------


def geometry(atoms: Atoms, velocities: bool) -> Record:
    """Return positions (Å) and cell (Å) and, if wanted, velocities (Å/ps)."""
    from ase import units

    record = {'positions': atoms.positions, 'cell': atoms.cell.array}
    if velocities:
        record['velocities'] = atoms.get_velocities() * (1000.0 * units.fs)
    return record


def run_single_point(atoms: Atoms, index: int, task: Record, stress: bool, send: Send) -> str | None:
    """Label a frame as it is."""
    send({'kind': 'sample', 'index': index, 'step': None, **label(atoms, stress)})
    return None


def run_relax(atoms: Atoms, index: int, task: Record, stress: bool, send: Send) -> str | None:
    """Relax the positions and, if wanted, the cell; send the last geometry.

    :return: a note if the relaxation has not converged but is accepted.
    :raises FrameError: if it has not converged in the given number of steps and that is not accepted.
    """
    import ase.optimize
    from ase import units
    from ase.filters import FrechetCellFilter

    target: Any = atoms
    if task['cell'] != 'fixed':
        target = FrechetCellFilter(
            atoms, hydrostatic_strain=task['cell'] == 'isotropic', scalar_pressure=task['pressure'] * units.GPa
        )
    optimizer = getattr(ase.optimize, task['optimizer'])(target, logfile=None)
    converged = bool(optimizer.run(fmax=task['fmax'], steps=task['max_steps']))
    note = None
    if not converged:
        note = f'NotConverged: the forces did not fall below {task["fmax"]} eV/Å in {task["max_steps"]} steps.'
        if not task['accept_unconverged']:
            raise FrameError(note)
    send({
        'kind': 'sample', 'index': index, 'step': int(optimizer.nsteps), **label(atoms, stress),
        **geometry(atoms, velocities=False),
    })  # fmt: skip
    return note


def run_md(atoms: Atoms, index: int, task: Record, stress: bool, send: Send) -> str | None:
    """Run molecular dynamics and send a sample every so many steps.

    The random numbers of a frame depend on the seed and on the frame's index only, not on the worker that runs it.
    """
    import numpy as np
    from ase import units
    from ase.md.langevin import Langevin
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
    from ase.md.verlet import VelocityVerlet

    rng = np.random.default_rng([task['seed'], index])
    temperature = task['temperature'][index]
    if task['velocities'] == 'create' or not atoms.has('momenta'):
        MaxwellBoltzmannDistribution(atoms, temperature_K=temperature, rng=rng)
        if len(atoms) > 1:  # a lone atom at rest cannot be scaled back to its temperature
            Stationary(atoms)
    timestep = task['timestep'] * units.fs
    dynamics: Any
    if task['ensemble'] == 'nvt':
        friction = task['friction'] / (1000.0 * units.fs)
        dynamics = Langevin(atoms, timestep, temperature_K=temperature, friction=friction, fixcm=False, rng=rng)
    else:
        dynamics = VelocityVerlet(atoms, timestep)
    for step in range(task['sample_every'], task['n_steps'] + 1, task['sample_every']):
        dynamics.run(task['sample_every'])
        last = step == task['n_steps']
        send({'kind': 'sample', 'index': index, 'step': step, **label(atoms, stress), **geometry(atoms, last)})
    return None


TASKS = {'single_point': run_single_point, 'relax': run_relax, 'md': run_md}


def run_frame(atoms: Atoms, index: int, options: Record, calculator: Calculator, send: Send) -> Record:
    """Run the task on one frame; whatever goes wrong becomes the frame's ``error``, unless it is the disk.

    :return: the ``frame`` record, with the wall and CPU seconds spent.
    :raises StopError: if the disk is full, which is not the fault of the frame.
    """
    started, cpu_started = time.monotonic(), time.process_time()
    record: Record = {'kind': 'frame', 'index': index, 'error': None, 'note': None}
    try:
        atoms.calc = calculator
        run = TASKS[options['task']['kind']]
        record['note'] = run(atoms, index, options['task'], options['stress'], send)
    except FrameError as exception:
        record['error'] = str(exception)
    except Exception as exception:  # any calculator may raise anything; the reason is kept with the frame
        if isinstance(exception, OSError) and exception.errno in DISK_ERRORS:
            raise StopError('out_of_disk', str(exception)) from exception
        record['error'] = f'{type(exception).__name__}: {exception}'
    record['seconds'] = time.monotonic() - started
    record['cpu_seconds'] = time.process_time() - cpu_started
    return record


# -- a worker process -------------------------------------------------------------------------------------------------


def work(connection: Connection, folder: str, options: Record) -> None:
    """Serve frames in a worker process until the parent closes the connection."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def send(record: Record) -> None:
        connection.send(to_plain(record))

    try:
        import numpy as np

        with np.load(Path(folder, FRAMES_FILENAME), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        calculator = make_calculator(options['calculator'])
        send({'kind': 'header', 'versions': package_versions(options['calculator']['package'])})
    except Exception as exception:  # reported as the reason why the whole batch cannot run
        send({'kind': 'setup_failed', 'message': f'{type(exception).__name__}: {exception}'})
        return
    is_first = True
    while True:
        try:
            index = connection.recv()
        except EOFError:
            return
        if not is_first and not options['calculator']['reusable']:
            calculator = make_calculator(options['calculator'])
        is_first = False
        try:
            send(run_frame(read_frame(arrays, index), index, options, calculator, send))
        except StopError as exception:
            send({'kind': exception.status, 'message': str(exception)})
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


# -- the batch --------------------------------------------------------------------------------------------------------


class Batch:
    """All frames of a job, dealt to workers one by one; every record is written as it comes in."""

    def __init__(self, folder: Path, options: Record) -> None:
        self.folder, self.options = folder, options
        self.output = os.open(folder / RESULTS_FILENAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        self.n_bytes = 0
        self.pending = deque(range(options['n_frames']))
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
            if exception.errno not in DISK_ERRORS:
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

    def _receive(self, worker: Worker) -> None:
        try:
            record = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            reason = 'WorkerDied: the worker process ended with exit code {code} during this frame.'
            self._bury(worker, reason, patience=PATIENCE_SECONDS)
            return
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


def main(folder: Path | None = None) -> int:
    """Run the batch of the folder and return the exit code of the script."""
    folder = Path.cwd() if folder is None else folder
    started = time.monotonic()
    options = json.loads((folder / OPTIONS_FILENAME).read_text(encoding='utf-8'))
    for name in THREAD_VARIABLES:
        os.environ[name] = str(options['threads'])
    status, message = 'finished', None
    batch = Batch(folder, options)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, batch.interrupt)
    try:
        batch.run()
    except StopError as exception:
        status, message = exception.status, str(exception)
    batch.close({'kind': 'end', 'status': status, 'message': message, 'seconds': time.monotonic() - started})
    if message is not None:
        print(message, file=sys.stderr)
    return EXIT_CODES[status]


if __name__ == '__main__':
    sys.exit(main())
