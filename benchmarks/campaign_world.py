"""A world for `campaign.py`: a profile on disk, programs that answer at once, and a look at what has been used up."""

import json
import logging
import math
import resource
import stat
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

STARTS, CONDITIONS, ITERATIONS, LABELS = 120, 4, 30, 8686
TEMPERATURES = (300.0, 600.0, 900.0, 1200.0)
PRESSURES = (None, 1.0, 1e5)
SPECIES = ('Ne', 'Ar')


@dataclass(frozen=True)
class Size:
    """How large a campaign is.

    :param n_starts: number of starts.
    :param n_iterations: number of iterations, of which all explorations of the last one survive.
    :param n_labels: labels of each iteration, of the bootstrap as of the others.
    :param n_conditions: conditions of each start: temperatures at constant volume, then at 1 bar, then at 100 kbar.
    :param is_shared: whether the bootstrap chooses among twice as many frames, and starts share the labels.
    """

    n_starts: int
    n_iterations: int
    n_labels: int
    n_conditions: int = CONDITIONS
    is_shared: bool = False

    @classmethod
    def of_scale(cls, scale: float) -> 'Size':
        """Return the size of a campaign whose explorations and labels are so many times those of the paper."""
        n_iterations = max(3, round(ITERATIONS * scale ** (1 / 3)))
        n_starts = max(1, round(STARTS * scale ** (2 / 3)))
        return cls(n_starts, n_iterations, max(1, round(LABELS * scale / n_iterations)))

    @classmethod
    def of_starts(cls, n_starts: int, n_conditions: int, n_iterations: int) -> 'Size':
        """Return the size of a campaign over many materials, with two labels of each start in an iteration."""
        return cls(n_starts, n_iterations, 2 * n_starts, n_conditions, is_shared=True)

    @property
    def n_explorations(self) -> int:
        """Explorations of all iterations."""
        return self.n_starts * self.n_conditions * self.n_iterations

    @property
    def conditions(self) -> list[dict[str, Any]]:
        """Conditions of the explorations."""
        pairs = [(temperature, pressure) for pressure in PRESSURES for temperature in TEMPERATURES]
        found: list[dict[str, Any]] = []
        for temperature, pressure in pairs[: self.n_conditions]:
            cell = {} if pressure is None else {'ensemble': 'npt_tri', 'pressure': pressure}
            found.append({'temperature': temperature, 'n_steps': 1000, 'dump_every': 500, **cell})
        return found


@dataclass(frozen=True)
class Sample:
    """What had been used up at some time: s, bytes and numbers since the begin; memory is the peak of the worker."""

    cpu: float
    wall: float
    memory: int
    nodes: int
    processes: int
    database: int
    repository: int

    def since(self, other: 'Sample') -> 'Sample':
        """Return the difference, but of the memory the present peak."""
        values = {name: value - asdict(other)[name] for name, value in asdict(self).items()}
        return Sample(**{**values, 'memory': self.memory})


class World:
    """A profile on disk with codes and starts.

    :param folder: an empty one.
    :param size: of the campaign, which the programs have to know.
    """

    def __init__(self, folder: Path, size: Size) -> None:
        from aiida_seimlip.cli.profile.home import Home

        self.size = size
        self.home = Home(folder / '.aiida')
        self.home.enter()
        self.home.load_profile(lambda _: None)
        logging.getLogger('aiida').setLevel(logging.ERROR)
        from aiida.manage import get_manager

        manager = get_manager()
        self.storage = Path(manager.get_profile().storage_config['filepath'])
        manager.set_runner(manager.create_runner(with_persistence=True, communicator=None, poll_interval=0.2))
        python = self.home.setup_codes(lambda _: None)['python']
        self.prepare_programs(folder / 'at_once')
        self.codes = {
            'reference': python,
            'empty': self.make_code('bash', 'core.arithmetic.add', Path('/bin/bash'), python.computer),
            'training': self.make_code(
                'mlp', 'seimlip.mlip3.train', self.write_program(folder / 'mlp'), python.computer),
            'exploration': self.make_code(
                'lmp', 'seimlip.lammps', self.write_program(folder / 'lmp'), python.computer),
        }  # fmt: skip
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def prepare_programs(self, folder: Path) -> None:
        """Write what the programs need to know."""
        from aiida_seimlip.science.formats.mlip3_potential import write_almtp
        from aiida_seimlip.science.frames import Frames
        from aiida_seimlip.science.mtp.grade import build_active_set
        from aiida_seimlip.science.mtp.levels import untrained

        size = self.size
        per_iteration = size.n_starts * size.n_conditions
        settings = {
            'n_iterations': size.n_iterations, 'labels': size.n_labels,
            'candidates': 1 + math.ceil(2 * size.n_conditions * size.n_labels / per_iteration),
            'hardness': {f'{value:g}': rank / len(TEMPERATURES) for rank, value in enumerate(TEMPERATURES, start=1)},
        }  # fmt: skip
        folder.mkdir()
        (folder / 'settings.json').write_text(json.dumps(settings))
        (folder / 'trainings').touch()
        empty = untrained(6, SPECIES, min_dist=2.0, max_dist=5.0)
        potential = empty.with_parameters(np.random.default_rng(1).normal(scale=0.01, size=empty.n_parameters))
        potential = build_active_set(potential, Frames.from_atoms([crystal(seed) for seed in range(4)]))
        (folder / 'pot.almtp').write_bytes(write_almtp(potential))

    def write_program(self, path: Path) -> Path:
        """Write a program that answers at once, and return its path."""
        script = Path(__file__).with_name('at_once.py')
        folder = path.with_name('at_once')
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" "{folder}" {path.name} "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def make_code(self, label: str, entry_point: str, path: Path, computer: Any) -> Any:
        """Return a stored code."""
        from aiida import orm

        code = orm.InstalledCode(
            label=label, computer=computer, filepath_executable=str(path), default_calc_job_plugin=entry_point
        )
        return code.store()

    def sample(self) -> Sample:
        """Return what has been used up so far."""
        from aiida import orm

        files = {path: path.stat().st_size for path in self.storage.rglob('*') if path.is_file()}
        database = sum(size for path, size in files.items() if path.parent == self.storage)
        return Sample(
            cpu=time.process_time() - self.cpu, wall=time.perf_counter() - self.wall,
            memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            nodes=orm.QueryBuilder().append(orm.Node).count(),
            processes=orm.QueryBuilder().append(orm.ProcessNode).count(),
            database=database, repository=sum(files.values()) - database,
        )  # fmt: skip


def crystal(seed: int) -> Any:
    """Return 48 atoms of neon and argon, each displaced a little, in a monoclinic cell."""
    from ase.build import bulk

    atoms = bulk('Ar', a=5.3, cubic=True) * (3, 2, 2)
    atoms.symbols[::4] = 'Ne'
    cell = atoms.cell.array
    cell[2, 0] = 1.0
    atoms.set_cell(cell, scale_atoms=True)
    atoms.positions += np.random.default_rng(seed).normal(scale=0.1, size=(48, 3))
    return atoms
