"""Threads that share the blocks of one piece of work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_BLOCKS = 32
_ATOMS = 8


class Workers:
    """The calling thread and others that help it.

    :param threads: their number, the calling one among them.
    :raises ValueError: if there is none.
    """

    def __init__(self, threads: int = 1) -> None:
        if threads < 1:
            raise ValueError(f'The number of threads is {threads}, but must be 1 at least.')
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def run(self, work: Callable[[], object]) -> None:
        """Do work in all threads, and return when it is done.

        A thread that has not begun when the calling one has nothing left to do is not waited for.

        :param work: takes one block after the other until none is left, without holding the interpreter's lock.
        """
        helpers = [self._pool.submit(work) for _ in range(self.threads - 1)] if self._pool is not None else []
        work()
        for helper in helpers:
            if not helper.cancel():
                helper.result()


def blocks(n_atoms: int) -> np.ndarray:
    """Return the atoms at which blocks begin and end, whatever the number of threads; shape (n_blocks + 1,).

    There are 32 blocks at most, as each has forces of its own, of a multiple of eight atoms.

    :param n_atoms: number of atoms.
    """
    size = _ATOMS * max(1, -(-n_atoms // (_ATOMS * _BLOCKS)))
    return np.append(np.arange(0, n_atoms, size), n_atoms)
