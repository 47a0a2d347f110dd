"""Tests of threads that share work."""

import gc
import threading

import numpy as np
import pytest

from aiida_seimlip.science.mtp.workers import Workers, blocks


@pytest.mark.parametrize('threads', [1, 2, 4])
def test_all_work_is_done_once(threads):
    workers = Workers(threads)
    for _ in range(50):
        left, done, lock = iter(range(20)), [], threading.Lock()

        def work(left=left, done=done, lock=lock):
            while True:
                with lock:
                    piece = next(left, None)
                if piece is None:
                    return
                done.append(piece)

        workers.run(work)
        assert sorted(done) == list(range(20))


def test_others_help():
    """Two threads meet, which one alone never could."""
    meeting = threading.Barrier(2)
    Workers(2).run(lambda: meeting.wait(timeout=20))


@pytest.mark.parametrize('who', ['caller', 'helper'])
def test_errors_are_raised(who):
    meeting, caller = threading.Barrier(2), threading.get_ident()

    def work():
        meeting.wait(timeout=20)
        if (threading.get_ident() == caller) == (who == 'caller'):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Workers(2).run(work)


@pytest.mark.parametrize('n_atoms', [0, 1, 8, 9, 192, 256, 257, 1152, 100_001])
def test_blocks(n_atoms):
    """They cover all atoms, are 32 at most, and none is empty."""
    bounds = blocks(n_atoms)
    sizes = np.diff(bounds)
    assert bounds[0] == 0 and sizes.sum() == n_atoms
    assert sizes.size <= 32 and (n_atoms == 0 or sizes.min() > 0)
    assert not (sizes[:-1] % 8).any()


def test_helpers_leave():
    """Threads end when nobody has use for them any more."""
    before = set(threading.enumerate())
    workers = Workers(3)
    workers.run(lambda: None)
    helpers = set(threading.enumerate()) - before
    assert len(helpers) == 2
    del workers
    gc.collect()
    for helper in helpers:
        helper.join(timeout=20)
    assert not any(helper.is_alive() for helper in helpers)
