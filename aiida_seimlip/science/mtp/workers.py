"""Threads that share the blocks of one piece of work, again and again with little between."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable

import numpy as np

from aiida_seimlip.science.mtp.kernel import wait_for

_BLOCKS = 32
_ATOMS = 8
_PATIENCE = 200_000  # looks, about a quarter of a millisecond: what else is to be done in a step of dynamics takes less

Work = Callable[[], object]


class Workers:
    """The calling thread and others that help it.

    Waking a thread that sleeps takes as long as the forces on twenty atoms. So helpers stay awake for a moment after
    their work, and the caller while it waits for them.

    :param threads: their number, the calling one among them.
    :raises ValueError: if there is none.
    """

    def __init__(self, threads: int = 1) -> None:
        if threads < 1:
            raise ValueError(f'The number of threads is {threads}, but must be 1 at least.')
        self.threads = threads
        self._office = _Office()
        for _ in range(threads - 1):
            threading.Thread(target=self._office.help, daemon=True).start()
        weakref.finalize(self, self._office.close, threads - 1)

    def run(self, work: Work) -> None:
        """Do work in all threads, and return when it is done.

        A thread that has not begun when the calling one has nothing left to do is not waited for.

        :param work: takes one block after the other until none is left, without holding the interpreter's lock.
        """
        if self.threads == 1:
            work()
        else:
            self._office.share(work, self.threads - 1)


class _Office:
    """What the threads know of each other.

    :param calls: how often there was work.
    :param ends: how often a helper was done with some.
    """

    def __init__(self) -> None:
        self.calls, self.ends = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        self._offers: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def help(self) -> None:
        """Take work whenever there is some, until there is to be no more."""
        while (work := self._offers.get()) is not None:
            call = self.calls[0]
            self._results.put(_try(work))
            del work  # it may be what keeps the owner of this thread
            self.ends[0] += 1
            wait_for(self.calls, call + 1, _PATIENCE)

    def share(self, work: Work, n_helpers: int) -> None:
        """Offer work to helpers, and do it until it is done."""
        before = self.ends[0]
        self.calls[0] += 1  # first, so that a helper knows which call its work belongs to
        for _ in range(n_helpers):
            self._offers.put(work)
        errors = [_try(work)]
        n_helped = n_helpers - self._withdraw()
        wait_for(self.ends, before + n_helped, _PATIENCE)
        errors += [self._results.get() for _ in range(n_helped)]
        for error in errors:
            if error is not None:
                raise error

    def _withdraw(self) -> int:
        """Take back the offers that nobody has taken, and return how many there were."""
        count = 0
        while True:
            try:
                self._offers.get_nowait()
            except queue.Empty:
                return count
            count += 1

    def close(self, n_helpers: int) -> None:
        """Send the helpers away."""
        for _ in range(n_helpers):
            self._offers.put(None)


def _try(work: Work) -> BaseException | None:
    """Do work, and return the error that it ends with."""
    try:
        work()
    except BaseException as error:
        return error
    return None


def blocks(n_atoms: int) -> np.ndarray:
    """Return the atoms at which blocks begin and end, whatever the number of threads; shape (n_blocks + 1,).

    There are 32 blocks at most, as each has forces of its own, of a multiple of eight atoms.

    :param n_atoms: number of atoms.
    """
    size = _ATOMS * max(1, -(-n_atoms // (_ATOMS * _BLOCKS)))
    return np.append(np.arange(0, n_atoms, size), n_atoms)
