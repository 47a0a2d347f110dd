"""PostgreSQL and RabbitMQ, each with data and ports of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from .services import LOOPBACK, SYSTEM_PATH, Service, find_program, free_ports, is_listening

PACKAGES = 'postgresql rabbitmq-server'
SUPERUSER = 'postgres'
BROKER_USER = 'guest'
"""RabbitMQ's own user, which may connect from the same machine only."""
CONSUMER_TIMEOUT_MS = 31_536_000_000

RABBITMQ_CONF = """\
listeners.tcp.1 = {address}:{port}
consumer_timeout = {consumer_timeout}
log.file = false
log.console = true
log.console.level = warning
"""


def find_programs() -> dict[str, str | None]:
    """Return the paths of what a shared database needs, None for what is missing."""
    folders = sorted(map(str, Path('/usr/lib/postgresql').glob('*/bin')), reverse=True)
    servers = sorted(map(str, Path('/usr/lib/rabbitmq/lib').glob('rabbitmq_server-*/sbin')), reverse=True)
    return {
        **{name: find_program(name, *folders) for name in ('initdb', 'postgres', 'psql', 'pg_dump')},
        'rabbitmq-server': find_program('rabbitmq-server', *servers), 'epmd': find_program('epmd'),
        'setpriv': find_program('setpriv'),
    }  # fmt: skip


class PostgreSQL:
    """A server with an empty database cluster; root runs it as user `postgres`, which refuses to be root.

    Use it as a context manager.

    :param folder: is made; other users can enter it.
    :param programs: paths from `find_programs`.
    """

    def __init__(self, folder: Path, programs: dict[str, str]) -> None:
        self._folder = folder
        self._programs = programs
        self._user = SUPERUSER if os.getuid() == 0 else None
        [self.port] = free_ports(1)
        command = [
            programs['postgres'], '-D', folder / 'data', '-p', str(self.port), '-c', f'listen_addresses={LOOPBACK}',
            '-c', f'unix_socket_directories={folder}', '-c', 'fsync=off',
        ]  # fmt: skip
        self._service = Service('postgres', command, folder.parent, user=self._user, stop_signal=signal.SIGINT)

    def __enter__(self) -> PostgreSQL:
        self._folder.mkdir(mode=0o700)
        if self._user:
            subprocess.run(['chown', self._user, self._folder], check=True)
        self.run(
            'initdb', '-D', self._folder / 'data', '-U', SUPERUSER, '--auth-local=trust', '--auth-host=scram-sha-256',
            '--no-sync', '--encoding=UTF8', '--locale=C',
        )  # fmt: skip
        self._service.start(lambda: self._folder.joinpath(f'.s.PGSQL.{self.port}').exists() and is_listening(self.port))
        return self

    def __exit__(self, *exception: object) -> None:
        self._service.stop()

    def run(self, program: str, *arguments: str | Path) -> str:
        """Run one of the programs as superuser of the database and return what it prints."""
        become = [self._programs['setpriv'], '--reuid', self._user, '--regid', self._user, '--init-groups']
        command = [*(become if self._user else []), self._programs[program], *map(str, arguments)]
        done = subprocess.run(command, cwd='/', check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f'{program} failed: {done.stderr}')
        return done.stdout

    def sql(self, *statements: str, database: str = 'postgres') -> str:
        """Run statements of SQL as superuser and return the bare values that they print."""
        commands = [part for statement in statements for part in ('-c', statement)]
        address = ['-h', self._folder, '-p', str(self.port), '-U', SUPERUSER, '-d', database]
        return self.run('psql', '-v', 'ON_ERROR_STOP=1', '-q', '-t', '-A', *address, *commands)


class RabbitMQ:
    """A message broker, with an epmd of its own so that none is left behind.

    Use it as a context manager.

    :param folder: is made.
    :param programs: paths from `find_programs`.
    """

    def __init__(self, folder: Path, programs: dict[str, str]) -> None:
        self._folder = folder
        self.port, distribution_port, self._epmd_port = free_ports(3)
        environment = {
            'PATH': SYSTEM_PATH, 'HOME': folder, 'LANG': 'C.UTF-8', 'ERL_EPMD_ADDRESS': LOOPBACK,
            'ERL_EPMD_PORT': self._epmd_port, 'RABBITMQ_NODENAME': f'seimlip{self.port}@localhost',
            'RABBITMQ_DIST_PORT': distribution_port, 'RABBITMQ_MNESIA_BASE': folder / 'mnesia',
            'RABBITMQ_LOG_BASE': folder / 'log', 'RABBITMQ_CONFIG_FILE': folder / 'rabbitmq.conf',
            'RABBITMQ_CONF_ENV_FILE': folder / 'none', 'RABBITMQ_ENABLED_PLUGINS_FILE': folder / 'plugins',
            'RABBITMQ_PID_FILE': folder / 'pid',
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}',
        }  # fmt: skip
        env: dict[str, Any] = {name: str(value) for name, value in environment.items()}
        self._epmd = Service('epmd', [programs['epmd'], '-port', str(self._epmd_port)], folder.parent, env=env)
        self._server = Service('rabbitmq', [programs['rabbitmq-server']], folder.parent, env=env)

    def __enter__(self) -> RabbitMQ:
        self._folder.mkdir(mode=0o700)
        values = {'address': LOOPBACK, 'port': self.port, 'consumer_timeout': CONSUMER_TIMEOUT_MS}
        (self._folder / 'rabbitmq.conf').write_text(RABBITMQ_CONF.format(**values))
        try:
            self._epmd.start(lambda: is_listening(self._epmd_port))
            self._server.start(lambda: is_listening(self.port), timeout=180)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.stop()
        self._epmd.stop()
