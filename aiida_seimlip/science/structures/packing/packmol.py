"""Molecules packed by packmol, a program of its own (L. Martínez et al., J. Comput. Chem. 30, 2157 (2009))."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.cell import Cell
from scipy.spatial.transform import Rotation

from aiida_seimlip.science.structures.packing.errors import (
    MissingProgramError,
    PackingError,
    PackingTimeoutError,
)

INSTALL = "pip install 'aiida-seimlip[starts]'"

NOT_CONVERGED = 173
"""Packmol's exit code where the molecules do not fit; it writes its output all the same, with contacts of 0.1 Å."""

LOOPS = 20
"""Of packmol's optimisation; dense cells of six Li2EDC and six Li2CO3 take up to eight."""

INPUT, OUTPUT = 'packmol.inp', 'packed.xyz'


def find_packmol() -> Path | None:
    """Return the program: that of the package of the same name, or else the first one in the search path."""
    spec = find_spec('packmol')
    folders = [] if spec is None or spec.submodule_search_locations is None else spec.submodule_search_locations
    inside = [path for folder in folders if (path := Path(folder, 'binaries', 'packmol')).exists()]
    found = inside[0] if inside else shutil.which('packmol')
    return None if found is None else Path(found)


def describe_packmol() -> str:
    """Return its name and version, as far as they are known."""
    try:
        return f'packmol {version("packmol")}'
    except PackageNotFoundError:
        return 'packmol'


def pack_with_packmol(
    molecules: Sequence[Atoms],
    counts: Sequence[int],
    cell: np.ndarray | Sequence[float],
    *,
    tolerance: float = 2.0,
    seed: int,
    time_limit: float | None = None,
) -> Atoms:
    """Put molecules into a periodic cell with right angles, all at once, which goes where one by one does not.

    Whether they do is what the exit code says, not the files. Molecules come whole, with atoms outside of the cell.
    Packmol itself turns the copies of a molecule unevenly (of one along z, ⟨z²⟩ is 0.5), so each molecule is given by
    itself here, turned evenly beforehand.

    :param molecules: one of each kind; their cells are not used.
    :param counts: number of molecules of each kind.
    :param cell: three lengths, six cell parameters or three vectors, in Å.
    :param tolerance: shortest distance between atoms of different molecules in Å, which packmol may miss by 0.01 Å; an
        image of the same molecule may be nearer.
    :param seed: of the random numbers.
    :param time_limit: in s; none for no limit.
    :return: the atoms, sorted by kind as given, periodic along all three vectors.
    :raises MissingProgramError: if packmol is not installed.
    :raises PackingTimeoutError: if it takes too long.
    :raises PackingError: if the molecules do not fit, or the cell has other than right angles.
    """
    program = find_packmol()
    if program is None:
        raise MissingProgramError(f'packmol is not installed ({INSTALL}).')
    vectors = Cell.new(cell).array
    lengths = np.diag(vectors)
    if not np.allclose(vectors, np.diag(lengths), atol=1e-6 * lengths.max()):
        raise PackingError('packmol packs into cells with right angles along x, y and z only.')
    if not sum(counts):
        return Atoms(cell=vectors, pbc=True)
    with tempfile.TemporaryDirectory(prefix='seimlip-packmol-') as name:
        folder = Path(name)
        settings = [
            f'tolerance {tolerance:.6f}', 'filetype xyz', f'output {OUTPUT}', f'seed {seed}', f'nloop {LOOPS}',
            f'nloop0 {LOOPS}', 'pbc ' + ' '.join(f'{length:.8f}' for length in lengths),
        ]  # fmt: skip
        structures = [
            f'structure {_write_molecule(folder, f"m{index}.xyz", molecule)}\n  number {number}\nend structure'
            for index, (molecule, number) in enumerate(_turned(molecules, counts, seed))
        ]
        (folder / INPUT).write_text('\n'.join([*settings, *structures, '']), encoding='ascii')
        try:
            run = subprocess.run(
                [str(program), '-i', INPUT], cwd=folder, capture_output=True, text=True, timeout=time_limit,
                stdin=subprocess.DEVNULL, env={**os.environ, 'OMP_NUM_THREADS': '1'}, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as exception:
            raise PackingTimeoutError(f'packmol took longer than {time_limit:g} s.') from exception
        if run.returncode == NOT_CONVERGED:
            raise PackingError(f'packmol found no way to keep {tolerance:g} Å between the molecules.')
        if run.returncode:
            raise PackingError(f'packmol ended with exit code {run.returncode}: {_last_line(run.stdout, run.stderr)}')
        positions = _read_positions(folder / OUTPUT)
    numbers = np.concatenate([np.tile(each.numbers, count) for each, count in zip(molecules, counts, strict=True)])
    if positions.shape != (numbers.size, 3):
        raise PackingError(f'packmol wrote {len(positions)} atoms instead of {numbers.size}.')
    return Atoms(numbers=numbers, positions=positions, cell=vectors, pbc=True)


def _turned(molecules: Sequence[Atoms], counts: Sequence[int], seed: int) -> Iterator[tuple[Atoms, int]]:
    """Yield what is to be packed, and how often: each molecule by itself, turned at random, single atoms together."""
    rng = np.random.default_rng(seed)
    for molecule, count in zip(molecules, counts, strict=True):
        if len(molecule) == 1 and count:
            yield molecule, count
            continue
        arms = molecule.positions - molecule.positions.mean(axis=0)
        for _ in range(count):
            yield Atoms(molecule.numbers, Rotation.from_quat(rng.normal(size=4)).apply(arms)), 1


def _write_molecule(folder: Path, filename: str, molecule: Atoms) -> str:
    """Write a molecule to a file and return the file's name."""
    rows = [
        f'{symbol} {x:.8f} {y:.8f} {z:.8f}'
        for symbol, (x, y, z) in zip(molecule.symbols, molecule.positions, strict=True)
    ]
    (folder / filename).write_text('\n'.join([str(len(molecule)), '', *rows, '']), encoding='ascii')
    return filename


def _read_positions(path: Path) -> np.ndarray:
    rows = path.read_text(encoding='ascii', errors='replace').splitlines()[2:]
    return np.array([[float(word) for word in row.split()[1:4]] for row in rows if row.strip()])


def _last_line(*texts: str) -> str:
    lines = [line.strip(' -*') for text in texts for line in text.splitlines() if line.strip(' -*')]
    return lines[-1] if lines else 'it said nothing'
