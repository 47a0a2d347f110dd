"""Fixtures for tests with pw.x of Quantum ESPRESSO itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import pseudos

REQUIRED = 'SEIMLIP_REQUIRE_DFT'
"""Environment variable that turns the skip for what is missing into a failure."""

FAMILY = 'PseudoDojo-0.4-PBE-SR-standard'
SCHEDULER = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}, 'withmpi': False}


ALONE = 'export OMP_NUM_THREADS=1\nexport OMPI_MCA_ess_singleton_isolated=1\n'
"""Before pw.x: without `mpirun`, Open MPI would start a daemon beside each pw.x, which it waits for in the end."""


def miss(what: str) -> Any:
    """Skip a test for what it lacks, or let it fail where that is to be there."""
    if os.environ.get(REQUIRED):
        pytest.fail(f'{what}, but {REQUIRED} is set')
    pytest.skip(what)


@pytest.fixture(scope='session')
def pw_executable() -> Path:
    """Return the path of pw.x."""
    found = shutil.which('pw.x')
    return Path(found) if found else miss('pw.x of Quantum ESPRESSO is not installed (Debian: quantum-espresso)')


@pytest.fixture(scope='session')
def pseudo_folder() -> Path:
    """Return the folder with a pseudopotential for each element."""
    folder = pseudos.home() / FAMILY
    if not folder.is_dir():
        miss(f'there are no pseudopotentials in {pseudos.home()}: fetch them by `python -m tests.espresso.pseudos`')
    return folder


@pytest.fixture
def pseudo_family(pseudo_folder) -> str:
    """Return the name of a family of pseudopotentials for PBE: all elements of the electrolytes and their products."""
    return install_family(pseudo_folder, FAMILY, ('Li', 'F', 'C', 'O', 'H', 'P'))


def install_family(folder: Path, label: str, elements: tuple[str, ...]) -> str:
    """Put pseudopotentials into the profile, if they are not there.

    :param folder: of the files.
    :param label: of the family.
    :param elements: that are taken.
    """
    from aiida_pseudo.data.pseudo.upf import UpfData
    from aiida_pseudo.groups.family import PseudoPotentialFamily

    if not PseudoPotentialFamily.collection.find({'label': label}):
        nodes = [UpfData(folder / f'{element}.upf').store() for element in elements]
        family = PseudoPotentialFamily(label=label)
        family.store()
        family.add_nodes(nodes)
    return label


@pytest.fixture
def pw_code(aiida_localhost, pw_executable) -> Any:
    """Return pw.x on localhost as a code."""
    from aiida import orm

    return orm.InstalledCode(
        label='pw', computer=aiida_localhost, filepath_executable=str(pw_executable), with_mpi=False,
        prepend_text=ALONE, default_calc_job_plugin='quantumespresso.pw',
    ).store()  # fmt: skip


def lif(seed: int, *, cubic: bool = False) -> Any:
    """Return a cell of LiF, rattled and strained so that it has no symmetry.

    :param seed: of the random numbers.
    :param cubic: eight atoms instead of two.
    """
    from ase.build import bulk

    rng = np.random.default_rng(seed)
    atoms = bulk('LiF', 'rocksalt', a=4.06, cubic=cubic)
    strain = rng.normal(scale=0.02, size=(3, 3))
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.5 * (strain + strain.T)), scale_atoms=True)
    atoms.positions += rng.normal(scale=0.05, size=(len(atoms), 3))
    return atoms
