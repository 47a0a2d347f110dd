"""Run trainings one after the other, some of which are killed; runs in the environment that has mace-torch.

python run.py FOLDER_OF_SCRIPTS TRAININGS: a JSON list of `folder` and `kill`, which is an epoch and how many of its
batches are done when the process kills itself, or null.

Each runs in a process of its own, forked from this one, which has done the imports.
"""

import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

sys.path[:0] = [sys.argv[1], str(Path(__file__).parent)]


def train(folder, kill):
    """Do one training, and return its exit status."""
    from kills import kill_at

    os.chdir(folder)
    with Path('out.log').open('w') as out, Path('err.log').open('w') as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
    if kill:
        kill_at(*kill)
    return import_module('run_mace_train').main()


if __name__ == '__main__':
    for name in ('run_mace_train', 'mace.calculators', 'mace.cli.run_train'):
        import_module(name)
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
