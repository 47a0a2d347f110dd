"""Let a training kill itself; runs in the environment that has mace-torch.

python kills.py EPOCH BATCHES: train in the present folder, and be killed in an epoch when so many batches are done.
"""

import os
import signal
import sys

sys.path.insert(0, os.getcwd())


def kill_at(epoch, n_batches):
    """Let the process kill itself in an epoch when so many batches are done."""
    import mace_loop

    original = mace_loop.Loop._do_epoch

    def do_epoch(loop):
        left = [n_batches]
        check = loop.check

        def count(seconds):
            if loop.epoch == epoch and left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            check(seconds)

        loop.check = count
        original(loop)
        loop.check = check

    mace_loop.Loop._do_epoch = do_epoch


if __name__ == '__main__':
    import run_mace_train

    kill_at(int(sys.argv[1]), int(sys.argv[2]))
    sys.exit(run_mace_train.main())
