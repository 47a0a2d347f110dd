"""A cluster on the loopback, a profile with a daemon, and codes on the cluster.

These tests run in a process of their own, ``pytest tests/cluster``: the other tests use a profile without a broker, and
a process has one profile.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import machinery
from .daemon import Daemon
from .faults import Signs
from .services import require

HERE = Path(__file__).parent
TIMEOUT = 1800
"""Of one test with its fixtures in s, for a machine that has much else to do."""
PREPEND = 'export OMP_NUM_THREADS=1'


def pytest_configure() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that fixtures are torn down


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    inside = [item for item in items if item.path.is_relative_to(HERE)]
    if len(inside) < len(items):
        raise pytest.UsageError('tests/cluster needs a process of its own: run `pytest tests/cluster` alone')
    for item in inside:
        item.add_marker(pytest.mark.cluster)
        item.add_marker(pytest.mark.timeout(TIMEOUT))


@pytest.fixture(scope='session')
def short_folder() -> Iterator[Path]:
    """Return a folder with a short path, as sockets need it, that only this user can write to."""
    folder = Path(tempfile.mkdtemp(prefix='seimlip-', dir='/tmp'))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope='session')
def cluster(short_folder) -> Iterator[machinery.Cluster]:
    """Return a running cluster; its home folder is the one that ssh reads the configuration from."""
    programs = require(machinery.find_programs(), machinery.PACKAGES)
    with pytest.MonkeyPatch.context() as patch, machinery.Cluster(short_folder / 'cluster', programs) as made:
        patch.setenv('HOME', str(made.home))
        yield made


@pytest.fixture(scope='session', autouse=True)
def aiida_profile(aiida_config, aiida_profile_factory) -> Iterator[Any]:
    """Make a profile on disk with a broker, in place of the profile in memory of the other tests."""
    with aiida_profile_factory(aiida_config, broker_backend='core.zeromq') as profile:
        set_options(profile)
        yield profile


@pytest.fixture(scope='session', autouse=True)
def run_aiida_broker_service() -> None:
    """Leave the broker to the daemon, as it is outside of tests."""


def set_options(profile: Any) -> None:
    """Let a profile look often, and try again soon what ssh could not do."""
    from aiida.manage import get_config

    profile.set_option('runner.poll.interval', 1)
    profile.set_option('transport.task_retry_initial_interval', 1)  # 20 s by default
    profile.set_option('transport.task_maximum_attempts', 4)  # after 0, 1, 3 and 7 s; by default 5
    get_config().update_profile(profile).store()


@pytest.fixture(scope='session')
def cluster_profile(aiida_profile, cluster) -> Any:
    """Return the profile whose daemon finds the cluster."""
    return aiida_profile


@pytest.fixture(scope='session')
def _daemon(cluster_profile, short_folder) -> Iterator[Daemon]:
    daemon = Daemon(cluster_profile, short_folder)
    yield daemon
    daemon.stop()


@pytest.fixture
def daemon(_daemon) -> Daemon:
    """Return the daemon of the profile, running."""
    if not _daemon.is_running:
        _daemon.start()
    return _daemon


@pytest.fixture(scope='session')
def make_computer(cluster) -> Callable[..., Any]:
    """Return a factory of computers in the present profile that are the cluster: ``make_computer('cluster')``."""

    def factory(label: str = 'cluster') -> Any:
        from aiida import orm

        computer = orm.Computer(
            label=label, hostname=cluster.host, transport_type='core.ssh_async', scheduler_type='core.slurm',
            workdir=str(cluster.scratch),
        ).store()  # fmt: skip
        computer.set_minimum_job_poll_interval(1)
        computer.set_default_mpiprocs_per_machine(1)
        computer.configure(host=cluster.host, safe_interval=0.0)
        return computer

    return factory


@pytest.fixture(scope='session')
def make_codes() -> Callable[[Any], dict[str, Any]]:
    """Return a factory of the codes of the sockets on a computer: ``make_codes(computer)``."""

    def factory(computer: Any) -> dict[str, Any]:
        from aiida import orm

        scripts = Path(sys.executable).parent
        programs = {
            'reference': (sys.executable, 'seimlip.ase'), 'training': (scripts / 'seimlip-mlp', 'seimlip.mlip3.train'),
            'exploration': (scripts / 'seimlip-lmp', 'seimlip.lammps'),
        }  # fmt: skip
        return {
            socket: orm.InstalledCode(
                label=socket, computer=computer, filepath_executable=str(path), default_calc_job_plugin=plugin,
                with_mpi=False, prepend_text=PREPEND,
            ).store()
            for socket, (path, plugin) in programs.items()
        }  # fmt: skip

    return factory


@pytest.fixture(scope='session')
def cluster_computer(cluster_profile, make_computer) -> Any:
    """Return the computer `cluster`: `core.ssh_async` and `core.slurm`."""
    return make_computer()


@pytest.fixture(scope='session')
def cluster_codes(cluster_computer, make_codes) -> dict[str, Any]:
    """Return the codes of the embedded programs on the cluster by socket: reference, training, exploration."""
    return make_codes(cluster_computer)


@pytest.fixture(scope='session')
def signs(short_folder) -> Signs:
    """Return the signs that jobs and parsers wait for."""
    folder = short_folder / 'signs'
    folder.mkdir()
    return Signs(folder)
