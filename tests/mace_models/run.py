"""Run trainings one after the other, some of which are killed; runs in the environment that has mace-torch.

python run.py FOLDER_OF_SCRIPTS TRAININGS: a JSON list of `folder` and `kill`, which is an epoch and how many of its
batches are done when the process kills itself, or null.

Each runs in a process of its own, forked from this one, which has done the imports.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path

sys.path.insert(0, sys.argv[1])

import mace_loop
import run_mace_train
from mace.calculators import MACECalculator  # noqa: F401
from mace.cli import run_train  # noqa: F401


def kill_at(epoch, n_batches):
    """Let the process kill itself."""
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


def train(folder, kill):
    """Do one training, and return its exit status."""
    os.chdir(folder)
    with Path('out.log').open('w') as out, Path('err.log').open('w') as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
    if kill:
        kill_at(*kill)
    return run_mace_train.main()


if __name__ == '__main__':
    for training in json.loads(sys.argv[2]):
        process = os.fork()
        if not process:
            try:
                status = train(training['folder'], training['kill'])
            except BaseException:
                traceback.print_exc()
                status = 70
            os._exit(status)
        os.waitpid(process, 0)
