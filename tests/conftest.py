"""Fixtures for all tests: an AiiDA profile, small nodes, and what it takes to test jobs and parsers without a run."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HOME = tempfile.mkdtemp(prefix='seimlip-tests-')
os.environ['AIIDA_PATH'] = HOME  # before AiiDA is imported, which makes its folder there

pytest_plugins = [
    'aiida.tools.pytest_fixtures',
    'tests.espresso.fixtures',
    'tests.mace_models.fixtures',
    'tests.stand_ins.fixtures',
]

FIXTURES = Path(__file__).parent / 'fixtures'

POLL_PROCESSES, POLL_JOBS = 0.02, 0.2
"""Times in s between two looks at processes, and at jobs, for which a shell with `ps` is started. With AiiDA's fixtures
they are zero: looking then keeps a core busy, which the jobs lack."""

SPECIES = ('Li', 'C', 'O')
"""Order of the types in all recordings."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests on a cluster unless they are asked for: they need a process of their own."""
    cluster = Path(__file__).parent / 'cluster'
    if collection_path != cluster:
        return None
    asked = [(config.invocation_params.dir / argument.split('::')[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(cluster) for path in asked) else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with the files that have slow tests, so that none is left with a long one at the end."""
    if hasattr(config, 'workerinput'):
        slow = {item.path for item in items if item.get_closest_marker('slow')}
        items.sort(key=lambda item: item.path not in slow)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope='session')
def fixtures() -> Path:
    """Return the folder with recordings and other files for tests."""
    return FIXTURES


@pytest.fixture(scope='session', autouse=True)
def aiida_profile(aiida_config, aiida_profile_factory) -> Iterator[Any]:
    """Make a profile in memory, which halves the time of the tests; it has no broker and no daemon."""
    storage = {'storage_backend': 'core.sqlite_temp', 'storage_config': {'filepath': HOME}}
    with aiida_profile_factory(aiida_config, **storage) as profile, pytest.MonkeyPatch.context() as patch:
        from aiida.manage import get_manager

        manager = get_manager()
        patch.setattr(manager, 'create_runner', partial(manager.create_runner, poll_interval=POLL_PROCESSES))
        yield profile


@pytest.fixture
def reports_in_database(aiida_profile: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log to the database as a new interpreter does: a command that an earlier test ran has changed the loggers."""
    from aiida.common import log

    monkeypatch.setattr(log, 'CLI_ACTIVE', None)
    monkeypatch.setattr(log, 'CLI_LOG_LEVEL', None)
    log.configure_logging(with_orm=True)


# -- small nodes ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope='session')
def li2co3() -> Any:
    """Return the conventional cell of Li2CO3 (C2/c, COD 9008283) as ASE atoms: 24 atoms, monoclinic."""
    from ase.spacegroup import crystal

    sites = [(0.1965, 0.4484, 0.8344), (0, 0.0657, 0.25), (0, 0.3213, 0.25), (0.1459, -0.0635, 0.3127)]
    atoms = crystal(['Li', 'C', 'O', 'O'], sites, spacegroup=15, cellpar=[8.3593, 4.9725, 6.1975, 90, 114.83, 90])
    atoms.info.clear()
    return atoms


@pytest.fixture
def structure_li2co3(li2co3) -> Any:
    """Return the conventional cell of Li2CO3 as a `StructureData`."""
    from aiida import orm

    return orm.StructureData(ase=li2co3)


@pytest.fixture
def frames_li2co3(li2co3) -> Any:
    """Return the conventional cell of Li2CO3 as a `FramesData` of one frame without labels."""
    from aiida_seimlip.data.frames import FramesData

    return FramesData.from_atoms([li2co3])


@pytest.fixture(scope='session')
def read_frames() -> Callable[[str], Any]:
    """Return a function that reads `Frames` from a recorded file, Li, C and O: ``read_frames('shared/valid2.cfg')``."""
    from aiida_seimlip.science.formats.mlip3_cfg import read_cfg

    return lambda name: read_cfg(FIXTURES / 'mlip3' / name, SPECIES).frames


@pytest.fixture
def load_frames(read_frames) -> Callable[[str], Any]:
    """Return a function that makes a `FramesData` of a recorded file: ``load_frames('shared/valid2.cfg')``."""
    from aiida_seimlip.data.frames import FramesData

    return lambda name: FramesData(read_frames(name))


@pytest.fixture
def load_potential() -> Callable[[str], Any]:
    """Return a function that makes a `PotentialData` of a recorded file: ``load_potential('shared/x.almtp')``."""
    from aiida_seimlip.data.potential import PotentialData

    return lambda name: PotentialData(FIXTURES / 'mlip3' / name, 'pot.almtp', species=SPECIES)


@pytest.fixture
def frames_labelled(load_frames) -> Any:
    """Return 16 frames of 24 atoms of Li2CO3 with labels as a `FramesData`."""
    return load_frames('shared/valid16.cfg')


@pytest.fixture
def frames_training(load_frames) -> Any:
    """Return the 40 labelled frames that `potential_trained` learned from as a `FramesData`."""
    return load_frames('shared/train40.cfg')


@pytest.fixture
def potential_trained(load_potential) -> Any:
    """Return a trained potential of level 8 with an active set by neighbourhoods as a `PotentialData`."""
    return load_potential('shared/l08_nbh_40.almtp')


@pytest.fixture
def potential_untrained(load_potential) -> Any:
    """Return an untrained potential of level 8 as a `PotentialData`."""
    return load_potential('01_train_l08/08.almtp')


@pytest.fixture
def aiida_localhost(aiida_computer_local) -> Any:
    """Return this machine as a computer, without login shells: they would run the start-up files of the user."""
    computer = aiida_computer_local(label='localhost', configure=False)
    if not computer.is_configured:
        computer.configure(use_login_shell=False)
        computer.set_minimum_job_poll_interval(POLL_JOBS)
    return computer


# -- jobs and parsers -------------------------------------------------------------------------------------------------


class PreparedJob(NamedTuple):
    """What a CalcJob wrote in `prepare_for_submission`."""

    folder: Path
    calc_info: Any

    def read(self, name: str) -> str:
        """Return the text of a file in the folder."""
        return (self.folder / name).read_text(encoding='utf-8')

    @property
    def command_line(self) -> str:
        """Return the arguments of the first code."""
        return ' '.join(self.calc_info.codes_info[0].cmdline_params)


class ParsedJob(NamedTuple):
    """What a parser made of a job."""

    node: Any
    outputs: dict[str, Any]
    exit_status: int
    exit_message: str | None


@pytest.fixture
def code(aiida_localhost, aiida_code_installed) -> Callable[..., Any]:
    """Return a factory of codes on localhost: ``code('seimlip.mlip3.train')``.

    The executable does nothing unless another is named; a name without a slash is looked for beside Python, where the
    package's own programs are installed: ``code('seimlip.mlip3.train', 'seimlip-mlp')``.
    """

    def factory(entry_point: str, executable: str = '/bin/true', **kwargs: Any) -> Any:
        if '/' not in executable:
            executable = str(Path(sys.executable).parent / executable)
        # A code of the same label would be taken as it is, whatever program it names.
        what = repr((executable, sorted(kwargs.items()))).encode()
        label = f'{entry_point}-{Path(executable).name}-{hashlib.sha256(what).hexdigest()[:8]}'.replace('.', '-')
        return aiida_code_installed(
            label=label, computer=aiida_localhost, filepath_executable=executable,
            default_calc_job_plugin=entry_point, **kwargs,
        )  # fmt: skip

    return factory


@pytest.fixture
def generate_calc_job(tmp_path) -> Callable[..., PreparedJob]:
    """Return a function that validates the inputs of a CalcJob and writes its files: ``(entry_point, inputs)``.

    :raises ValueError: if the inputs are refused.
    """

    def factory(entry_point: str, inputs: Mapping[str, Any]) -> PreparedJob:
        from aiida.common.folders import Folder
        from aiida.engine.utils import instantiate_process
        from aiida.manage import get_manager
        from aiida.plugins import CalculationFactory

        process = instantiate_process(get_manager().get_runner(), CalculationFactory(entry_point), **inputs)
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        return PreparedJob(folder, process.prepare_for_submission(Folder(str(folder))))

    return factory


@pytest.fixture
def parse_recording(aiida_localhost, tmp_path) -> Callable[..., ParsedJob]:
    """Return a function that runs a parser on the files of a recorded job.

    Its arguments are the entry point of CalcJob and parser; ``files``: a folder (of `tests/fixtures`, or a path), or a
    mapping of file names to paths or contents; ``inputs`` of the job, flat, with ``__`` between namespace and key;
    ``temporary``: files that are retrieved temporarily, as a mapping; ``options`` of the job beyond the defaults.
    """

    def factory(
        entry_point: str,
        files: str | Path | Mapping[str, Path | str | bytes],
        inputs: Mapping[str, Any] | None = None,
        *,
        temporary: Mapping[str, Path | str | bytes] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> ParsedJob:
        from aiida import orm
        from aiida.common.links import LinkType
        from aiida.plugins import CalculationFactory, ParserFactory

        node = orm.CalcJobNode(computer=aiida_localhost, process_type=f'aiida.calculations:{entry_point}')
        for name, port in CalculationFactory(entry_point).spec_options.items():
            if port.has_default():
                default = port.default() if callable(port.default) else port.default
                node.set_option(name, default)
        node.set_option('resources', {'num_machines': 1, 'num_mpiprocs_per_machine': 1})
        for name, value in (options or {}).items():
            node.set_option(name, value)
        for name, value in (inputs or {}).items():
            node.base.links.add_incoming(value.store(), link_type=LinkType.INPUT_CALC, link_label=name)
        node.store()
        retrieved = orm.FolderData()
        for name, content in _contents(files).items():
            retrieved.base.repository.put_object_from_bytes(content, name)
        retrieved.base.links.add_incoming(node, link_type=LinkType.CREATE, link_label='retrieved')
        retrieved.store()
        kwargs = {}
        if temporary is not None:
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            for name, content in _contents(temporary).items():
                (folder / name).write_bytes(content)
            kwargs['retrieved_temporary_folder'] = str(folder)
        outputs, process = ParserFactory(entry_point).parse_from_node(node, store_provenance=False, **kwargs)
        return ParsedJob(node, outputs, process.exit_status, process.exit_message)

    return factory


def _contents(files: str | Path | Mapping[str, Path | str | bytes]) -> dict[str, bytes]:
    """Read files into memory."""
    if not isinstance(files, Mapping):
        folder = FIXTURES / files
        files = {path.name: path for path in folder.iterdir()}
    read = {Path: Path.read_bytes, str: str.encode, bytes: bytes}
    return {
        name: next(function(value) for kind, function in read.items() if isinstance(value, kind))
        for name, value in files.items()
    }
