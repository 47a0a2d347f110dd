"""Calculations for the stand-in for VASP, in folders, without AiiDA."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write

from .potcars import potcar

INCAR = {'ENCUT': 520, 'ISMEAR': 0, 'SIGMA': 0.05, 'EDIFF': 1e-6, 'NELM': 60, 'LWAVE': '.FALSE.', 'LCHARG': '.FALSE.'}

KPOINTS = 'a mesh\n0\nGamma\n2 2 1\n0 0 0\n'

AIMD = {'IBRION': 0, 'NSW': 6, 'POTIM': 4.0, 'TEBEG': 80}


class VaspRun(NamedTuple):
    """What a run left."""

    folder: Path
    exit_code: int
    stdout: str

    def read(self, name: str) -> str:
        """Return the text of a file."""
        return (self.folder / name).read_text(encoding='utf-8')


@pytest.fixture
def atoms() -> Atoms:
    """Return a displaced monoclinic cell of neon and argon, sorted by element."""
    atoms = bulk('Ar', a=5.3, cubic=True) * (2, 1, 1)
    atoms.symbols[:2] = 'Ne'
    cell = atoms.cell.array
    cell[2, 0] = 1.0
    atoms.set_cell(cell, scale_atoms=True)
    atoms.positions += np.random.default_rng(3).normal(scale=0.15, size=(8, 3))
    return atoms


@pytest.fixture
def run_vasp(vasp_stand_in, vasp_faults, atoms, tmp_path_factory) -> Callable[..., VaspRun]:
    """Return a function that runs the stand-in for VASP: ``run_vasp(incar=None, atoms=None, without=(), **files)``.

    ``incar`` holds tags to add, none as the value takes one away; ``files`` replace the texts of the input files.
    """

    def factory(
        incar: dict[str, Any] | None = None, atoms: Atoms = atoms, without: tuple[str, ...] = (), **files: str
    ) -> VaspRun:
        folder = tmp_path_factory.mktemp('vasp')
        write(folder / 'POSCAR', atoms, format='vasp', direct=True)
        tags = {name: value for name, value in {**INCAR, **(incar or {})}.items() if value is not None}
        texts = {
            'INCAR': ''.join(f'{name} = {value}\n' for name, value in tags.items()), 'KPOINTS': KPOINTS,
            'POTCAR': ''.join(potcar(symbol) for symbol in dict.fromkeys(atoms.get_chemical_symbols())), **files,
        }  # fmt: skip
        for name, text in texts.items():
            (folder / name).write_text(text, encoding='utf-8')
        for name in without:
            (folder / name).unlink()
        done = subprocess.run(
            [vasp_stand_in], cwd=folder, env={**os.environ, **vasp_faults.environment}, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
        )  # fmt: skip
        return VaspRun(folder, done.returncode, done.stdout)

    return factory
