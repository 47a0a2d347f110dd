#!/usr/bin/env bash
# Without a broker, `run` notices the end of a subprocess once a minute, whatever runner the manager has been given.
#
# One would expect: a WorkChain that submits another one, which ends at once, takes seconds in `aiida.engine.run`, as everything is in
#   one interpreter; and at the latest after `manager.set_runner(Runner(poll_interval=...))`, whose documentation says that this
#   is the runner that is used.
# What happens: `run` and its kin make a runner of their own, with the poll interval of the profile (`runner.poll.interval`, 60 s), and
#   with no broker to tell of the end of a process, the end is seen when it is looked for: each level of nesting costs up to a minute.
#   The runner of the manager is not used; its own `run_get_node` is what honours its interval.
# Whom it costs: all who try a plugin in a profile without a broker (`verdi presto` without one, tests, notebooks): a workflow of ten
#   short steps takes ten minutes, in which nothing runs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'aiida-core==2.9.4'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata
import logging
import os
import time
import warnings

warnings.simplefilter('ignore')
os.environ['AIIDA_PATH'] = os.getcwd()

from aiida import load_profile
from aiida.engine import Runner, WorkChain, run
from aiida.manage import get_manager
from aiida.manage.configuration import create_profile, get_config

create_profile(get_config(create=True), name='finding', email='user@localhost', storage_backend='core.sqlite_dos', storage_config={})
load_profile('finding', allow_switch=True)
logging.disable(logging.CRITICAL)


class Below(WorkChain):
    """Does nothing."""

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.outline(cls.rest)

    def rest(self):
        pass


class Above(WorkChain):
    """Submits the other, and ends when that has ended."""

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.outline(cls.call, cls.rest)

    def call(self):
        self.to_context(below=self.submit(Below))

    def rest(self):
        pass


def seconds(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began


runner = Runner(poll_interval=0.5)
get_manager().set_runner(runner)
by_run = seconds(lambda: run(Above))
by_runner = seconds(lambda: runner.run_get_node(Above))
version = importlib.metadata.version('aiida-core')
print(f'aiida-core {version}: `run` took {by_run:.1f} s, `run_get_node` of the runner of the manager {by_runner:.1f} s')
assert by_run > 55 and by_runner < 20, 'the behaviour has changed'
PYTHON
