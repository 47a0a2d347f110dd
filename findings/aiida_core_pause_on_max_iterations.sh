#!/usr/bin/env bash
# A BaseRestartWorkChain that has paused at its last iteration looks at its first job for ever after.
#
# One would expect: with `pause_on_max_iterations` the process pauses after the last try; a user mends what was wrong and plays it,
#   and the next job is looked at: it works, the process ends well.
# What happens: the iteration counter is set to 0, but the list of jobs is kept, and the job to look at is found by the counter. The
#   new job succeeds, the first one, which had failed, is inspected: its handler runs again, a new job is started, and so on until
#   it pauses again. The process cannot end well any more, and every play costs `max_iterations` jobs.
# Whom it costs: who uses the input for what it was made for: expensive jobs that somebody wants to look after.
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
import warnings

warnings.simplefilter('ignore')
os.environ['AIIDA_PATH'] = os.getcwd()

from aiida import engine, load_profile, orm
from aiida.engine import BaseRestartWorkChain, ProcessHandlerReport, WorkChain, process_handler, while_
from aiida.manage.configuration import get_config
from aiida.storage.sqlite_temp import SqliteTempBackend

get_config(create=True)
load_profile(SqliteTempBackend.create_profile('finding', options={'runner.poll.interval': 1}), allow_switch=True)
logging.disable(logging.CRITICAL)
LIMIT, inspected = 5, []


class Job(WorkChain):
    """What works or not, as its input says."""

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.input('works', valid_type=orm.Bool)
        spec.exit_code(310, 'ERROR_BROKEN', message='It is broken.')
        spec.outline(cls.work)

    def work(self):
        return None if self.inputs.works else self.exit_codes.ERROR_BROKEN


class Restart(BaseRestartWorkChain):
    """Try it two times, then pause; mended, and played at once."""

    _process_class = Job

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.outline(cls.setup, while_(cls.should_run_process)(cls.run_process, cls.inspect_process))

    def setup(self):
        super().setup()
        self.ctx.inputs = {'works': orm.Bool(False)}

    def pause(self, *args, **kwargs):
        self.ctx.inputs = {'works': orm.Bool(True)}
        return True

    @process_handler
    def handle_broken(self, node):
        inspected.append((node.pk, node.exit_status))
        if len(inspected) >= LIMIT:  # else it goes on like this
            return ProcessHandlerReport(True, engine.ExitCode(1, 'Stopped, to come to an end.'))
        return None if node.is_finished_ok else ProcessHandlerReport(True)


_, node = engine.run_get_node(Restart, max_iterations=orm.Int(2), pause_on_max_iterations=orm.Bool(True))
jobs = [(job.pk, job.exit_status) for job in node.called]
print(f'aiida-core {importlib.metadata.version("aiida-core")}: jobs (pk, exit status) {jobs}; looked at {inspected}')
assert [status for _, status in jobs] == [310, 310, 0, 0, 0], 'the behaviour has changed'
assert [pk for pk, _ in inspected] == [jobs[index][0] for index in (0, 1, 0, 1, 0)], 'the behaviour has changed'
PYTHON
