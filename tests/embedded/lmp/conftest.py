"""``seimlip-lmp``, started as a user would: a process of its own, without a terminal and without any variable set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.formats.lammps_input import LammpsFiles, LammpsMdSettings, write_input
from aiida_seimlip.science.formats.lammps_log import LammpsLog, parse_log
from aiida_seimlip.science.frames import Frames

FIXTURES = Path(__file__).parents[2] / 'fixtures'
LAMMPS = FIXTURES / 'lammps'
MLIP3 = FIXTURES / 'mlip3'
SPECIES = ('Li', 'C', 'O')
POTENTIAL = MLIP3 / 'shared/l08_nbh_30.almtp'
DATA = LAMMPS / 'shared/li2co3_96.data'

HEAD = """\
units metal
atom_style atomic
boundary p p p
read_data s.data
pair_style mlip load_from=pot.almtp
pair_coeff * *
"""
THERMO = """\
thermo 1
thermo_style custom step temp pe ke etotal press vol
thermo_modify format float %.12g
"""


class Program:
    """Runs ``seimlip-lmp`` in a folder that holds a potential and a structure."""

    command = (sys.executable, '-m', 'aiida_seimlip.embedded.lmp')

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {
            name: value for name, value in os.environ.items() if name not in ('LD_LIBRARY_PATH', 'OMP_NUM_THREADS')
        }
        self.copy(POTENTIAL, 'pot.almtp')
        self.copy(DATA, 's.data')

    def copy(self, source: Path, name: str) -> None:
        shutil.copy(source, self.folder / name)

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments], cwd=self.folder, env=self.environment | environment, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
        )  # fmt: skip

    def script(self, text: str) -> subprocess.CompletedProcess[str]:
        (self.folder / 'in.lmp').write_text(text)
        return self('-in', 'in.lmp')

    def recording(self, case: str) -> subprocess.CompletedProcess[str]:
        return self.script((LAMMPS / case / 'in.lmp').read_text())

    @property
    def log(self) -> LammpsLog:
        return parse_log((self.folder / 'log.lammps').read_text())


@pytest.fixture
def lmp(tmp_path) -> Program:
    return Program(tmp_path)


def recorded_log(case: str) -> LammpsLog:
    return parse_log((LAMMPS / case / 'log.lammps').read_text())


def assert_same_table(ours: LammpsLog, theirs: LammpsLog) -> None:
    """All printed digits of all columns are the same."""
    assert list(ours.thermo) == list(theirs.thermo)
    for column, values in theirs.thermo.items():
        np.testing.assert_array_equal(ours.thermo[column], values, err_msg=column)


def md_script(lmp: Program, frame: Frames, **changes: object) -> tuple[str, np.ndarray]:
    """Write the structure for molecular dynamics; return the script and the rotation into LAMMPS' frame."""
    text, rotation = write_data(frame, SPECIES)
    (lmp.folder / 's.data').write_text(text)
    changes.setdefault('seed', 5)
    files = LammpsFiles('pot.almtp', 's.data', 'trajectory.dump', 'final.dump', 'preselected.cfg')
    return write_input(LammpsMdSettings(**changes), SPECIES, files=files), rotation


def md(lmp: Program, frame: Frames, **changes: object) -> tuple[subprocess.CompletedProcess[str], np.ndarray]:
    """Run molecular dynamics from a frame; return the process and the rotation into LAMMPS' frame."""
    script, rotation = md_script(lmp, frame, **changes)
    return lmp.script(script), rotation


def rattled(li2co3) -> Frames:
    """Return a crystal, its atoms displaced at random."""
    atoms = li2co3.copy()
    atoms.rattle(0.03, seed=3)
    return Frames.from_atoms([atoms])
