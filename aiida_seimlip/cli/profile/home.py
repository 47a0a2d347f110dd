"""An AiiDA home of one's own: a folder that holds a profile, and nothing of which touches any other.

Importing this module imports nothing of AiiDA, for AiiDA makes its folder when it is imported.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil
    from aiida import orm

LOCK_FILE = 'demo.lock'
DATABASE_FILE = 'database.sqlite'
"""As AiiDA's storage backend `core.sqlite_dos` calls it."""
POLL_SECONDS = 0.25
"""How often a running job is looked at: jobs of the demo take seconds."""


class HomeInUseError(RuntimeError):
    """Another process works in the home."""


@dataclass(frozen=True)
class Home:
    """A folder for AiiDA.

    :param path: becomes `AIIDA_PATH`.
    :param profile: name of the profile in it.
    :param poll_seconds: time in s between two looks at a running job.
    """

    path: Path
    profile: str = 'demo'
    poll_seconds: float = POLL_SECONDS

    @property
    def config_folder(self) -> Path:
        """AiiDA's folder with the configuration, the database and all files."""
        return self.path if self.path.name == '.aiida' else self.path / '.aiida'

    @property
    def scratch(self) -> Path:
        """Where jobs run."""
        return self.config_folder / 'scratch' / self.profile

    def enter(self) -> None:
        """Let AiiDA use this home from now on."""
        self.config_folder.mkdir(parents=True, exist_ok=True)
        os.environ['AIIDA_PATH'] = str(self.path)
        os.environ.setdefault('OMP_NUM_THREADS', '1')  # several programs run at once
        os.environ.setdefault('MPLCONFIGDIR', str(self.config_folder / 'cache' / 'matplotlib'))
        if 'aiida.manage' in sys.modules:
            from aiida.manage import get_manager
            from aiida.manage.configuration import reset_config
            from aiida.manage.configuration.settings import AiiDAConfigDir

            get_manager().unload_profile()
            AiiDAConfigDir.set(self.config_folder)
            reset_config()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from working in this home.

        :raises HomeInUseError: if another one does.
        """
        self.config_folder.mkdir(parents=True, exist_ok=True)
        with (self.config_folder / LOCK_FILE).open('a+') as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exception:
                handle.seek(0)
                raise HomeInUseError(
                    f'Another demo (process {handle.read().strip() or "unknown"}) is working in {self.config_folder}.'
                ) from exception
            handle.truncate(0)
            handle.write(str(os.getpid()))
            handle.flush()
            yield

    def load_profile(self, say: Callable[[str], None]) -> None:
        """Load the profile, which is made if need be, as `verdi presto` makes it.

        :param say: is told what was done.
        """
        self._speed_up_database()
        from aiida import load_profile
        from aiida.manage.configuration import create_default_user, create_profile, get_config
        from aiida.orm import User
        from aiida.plugins import BrokerFactory

        config = get_config(create=True)
        if self.profile not in config.profile_names:
            broker: Any = BrokerFactory('core.zeromq')
            create_profile(
                config, name=self.profile, email='aiida@localhost', storage_backend='core.sqlite_dos',
                storage_config={}, broker_backend='core.zeromq', broker_config=broker.get_default_config(),
            )  # fmt: skip
            say(f'Made the AiiDA profile `{self.profile}` in {self.config_folder}.')
        config.set_option('runner.poll.interval', 1, scope=self.profile)
        config.set_option('warnings.development_version', False)
        config.set_default_profile(self.profile, overwrite=True)
        config.store()
        profile = load_profile(self.profile, allow_switch=True)
        if User.collection.get_default() is None:  # its making was interrupted
            create_default_user(profile, 'aiida@localhost')

    def _speed_up_database(self) -> None:
        """Let SQLite keep a write-ahead log for the databases of this home: a commit then takes 0.02 ms, not 15 ms.

        AiiDA commits at every attribute it sets, hundreds of times a job. With the log a database stays sound whenever
        this process is killed; only a power failure may cost the last commits. File systems that cannot share memory
        refuse the log: there all stays as it was.
        """
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        folder = self.config_folder.resolve()

        def configure(connection: Any, _: Any) -> None:
            if not isinstance(connection, sqlite3.Connection):
                return
            path = Path(connection.execute('PRAGMA database_list').fetchone()[2])
            if path.name != DATABASE_FILE or not path.resolve().is_relative_to(folder):
                return  # an archive, which is zipped without its log
            if connection.execute('PRAGMA journal_mode=WAL').fetchone()[0] == 'wal':
                connection.execute('PRAGMA synchronous=NORMAL')

        event.listen(Engine, 'connect', configure)

    def setup_codes(self, say: Callable[[str], None]) -> dict[str, orm.InstalledCode]:
        """Register the embedded programs.

        :param say: is told what was done.
        :return: codes by label.
        """
        from aiida_seimlip.cli.profile.codes import COMPUTER, setup_codes

        codes = setup_codes(say, self.scratch)
        codes[next(iter(codes))].computer.set_minimum_job_poll_interval(self.poll_seconds)
        assert COMPUTER == codes[next(iter(codes))].computer.label
        return codes

    def end_unfinished(self, reason: str) -> list[orm.ProcessNode]:
        """End what an interrupted run has left: programs that still run, and processes that nobody drives any more.

        Only programs that run in the scratch folder of this home are ended.

        :param reason: is written on each process node.
        :return: the processes that were ended.
        """
        from aiida import orm
        from aiida.engine import ProcessState

        self.end_programs()
        states = [state.value for state in (ProcessState.CREATED, ProcessState.RUNNING, ProcessState.WAITING)]
        query = orm.QueryBuilder().append(
            orm.ProcessNode,
            filters={'or': [
                {'attributes.process_state': {'in': states}},
                {'attributes': {'!has_key': 'process_state'}},
                {'attributes': {'!has_key': 'sealed'}},
            ]},
        )  # fmt: skip
        nodes: list[orm.ProcessNode] = query.all(flat=True)
        for node in nodes:
            if not node.is_terminated:
                node.set_process_state(ProcessState.KILLED)
                node.set_exit_message(reason)
                node.logger.log(23, reason)
            node.delete_checkpoint()
            if not node.is_sealed:
                node.seal()
        return nodes

    def end_programs(self) -> None:
        """End all programs that run in the scratch folder of this home."""
        import psutil

        scratch = self.scratch.resolve()
        programs = [process for process in psutil.process_iter() if _works_in(process, scratch)]
        for process in programs:
            _signal(process.terminate)
        _, alive = psutil.wait_procs(programs, timeout=3)
        for process in alive:
            _signal(process.kill)
        psutil.wait_procs(alive, timeout=3)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    """Tell whether a process of ours has its working directory below a folder."""
    import psutil

    try:
        return process.pid != os.getpid() and Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):  # ended meanwhile, or not ours to ask
        return False


def _signal(send: Callable[[], None]) -> None:
    import psutil

    try:
        send()
    except psutil.NoSuchProcess:
        return
