"""The four input files as the stand-in for VASP reads them."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .incar import DEFAULTS, read_incar
from .messages import WARNING, RefusalError, box


@dataclass
class Potential:
    """What the stand-in takes from one data set in POTCAR."""

    title: str
    element: str
    zval: float
    enmax: float
    mass: float


@dataclass
class Inputs:
    """A calculation as it was asked for.

    :ivar symbols: the element of each atom as POTCAR has it.
    :ivar counts: numbers of atoms of each type.
    :ivar cell: (3, 3) in Å. :ivar scaled: (N, 3), fractional. :ivar velocities: (N, 3) in Å/fs, or none.
    :ivar kpoints: (K, 3), fractional. :ivar weights: (K,), their sum is one.
    """

    tags: dict[str, Any]
    incar: dict[str, Any]
    cell: np.ndarray
    scaled: np.ndarray
    symbols: list[str]
    counts: list[int]
    potentials: list[Potential]
    kpoints: np.ndarray
    weights: np.ndarray
    divisions: list[int]
    seed: int
    velocities: np.ndarray | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def volume(self) -> float:
        """Volume in Å³."""
        return abs(float(np.linalg.det(self.cell)))

    @property
    def is_dynamics(self) -> bool:
        """Whether this is molecular dynamics."""
        return self.tags['IBRION'] == 0 and self.tags['NSW'] > 0

    @property
    def nelect(self) -> float:
        """Number of valence electrons."""
        return sum(n * potential.zval for n, potential in zip(self.counts, self.potentials, strict=True))

    @property
    def nbands(self) -> int:
        """Number of bands, by VASP's rule."""
        return int(self.tags.get('NBANDS') or max(math.ceil(self.nelect / 2 + len(self.symbols) / 2), 2))


def read_inputs(folder: Path, poscar: str = 'POSCAR', *, band: bool = False) -> Inputs:
    """Read the files in a folder.

    :param poscar: the file with the configuration.
    :param band: whether it is an image of a band.
    :raises RefusalError: where VASP would stop.
    """
    texts = {name: _read(folder / name) for name in ('INCAR', poscar, 'POTCAR')}
    incar = read_incar(texts['INCAR'], band=band)
    tags = {**DEFAULTS, **incar}
    tags.setdefault('IBRION', -1 if tags['NSW'] in (-1, 0, 1) else 0)
    cell, names, counts, scaled, velocities = read_poscar(texts[poscar])
    potentials = read_potcar(texts['POTCAR'])
    if len(potentials) != len(counts):
        raise RefusalError(
            ' ERROR: number of potentials on File POTCAR incompatible with number\n'
            f'  of species\n INCAR : {len(counts):12d} POTCAR: {len(potentials):12d}'
        )
    warnings = []
    if names is not None and names != [potential.element for potential in potentials]:
        warnings.append(
            box('type information on POSCAR and POTCAR are incompatible POTCAR overwrites the type information in '
                f'POSCAR typ type information: {" ".join(names)} {" ".join(p.element for p in potentials)}', WARNING)
        )  # fmt: skip
    symbols = [p.element for p, n in zip(potentials, counts, strict=True) for _ in range(n)]
    tags.setdefault('ENCUT', max(potential.enmax for potential in potentials))
    kpoints, weights, divisions = _kpoints(folder / 'KPOINTS', tags, cell)
    _check(tags, symbols, counts, kpoints)
    seed = tags.get('RANDOM_SEED') or [int(hashlib.sha256(''.join(texts.values()).encode()).hexdigest()[:8], 16)]
    return Inputs(
        tags, incar, cell, scaled, symbols, counts, potentials, kpoints, weights, divisions,
        seed=int(sum(seed)) % 2**32, velocities=velocities, warnings=warnings,
    )  # fmt: skip


def _read(path: Path) -> str:
    """Return the text of a file that VASP needs."""
    if not path.exists():
        if path.name == 'INCAR':
            raise RefusalError('No INCAR found, STOPPING', boxed=True)
        raise RefusalError(f' forrtl: severe (29): file not found, unit 10, file {path.absolute()}')
    return path.read_text(encoding='utf-8', errors='replace')


def _check(tags: dict[str, Any], symbols: list[str], counts: list[int], kpoints: np.ndarray) -> None:
    """Stop at inputs that do not fit together."""
    if tags['ISMEAR'] <= -4 and len(kpoints) < 4:
        raise RefusalError(f' Tetrahedron method fails (number of k-points < 4). NKPT = {len(kpoints):9d}')
    if 'MAGMOM' in tags and tags['ISPIN'] == 2 and len(tags['MAGMOM']) < len(symbols):
        raise RefusalError(
            f" Error reading item 'MAGMOM' from file INCAR.\n Error code was IERR= 0 ... . "
            f'Found N= {len(tags["MAGMOM"]):4d} data.'
        )
    if tags['MDALGO'] == 3 and tags['IBRION'] == 0 and len(tags.get('LANGEVIN_GAMMA', [])) != len(counts):
        raise RefusalError(" Error reading item 'LANGEVIN_GAMMA' from file INCAR.")
    if tags['ICHARG'] >= 10 and not Path('CHGCAR').exists():
        raise RefusalError(
            'ERROR: charge density could not be read from file CHGCAR for ICHARG>10', boxed=True,
        )  # fmt: skip


def read_poscar(
    text: str,
) -> tuple[np.ndarray, list[str] | None, list[int], np.ndarray, np.ndarray | None]:
    """Return the cell in Å, the names of the types, their numbers, scaled positions, and velocities in Å/fs.

    :raises RefusalError: if the file is not complete.
    """
    lines = text.splitlines()
    try:
        scale = [float(word) for word in lines[1].split()]
        cell = np.array([[float(word) for word in line.split()[:3]] for line in lines[2:5]])
        row = 5
        names = None
        if not lines[row].split()[0].isdigit():
            names = [re.split(r'[_/]', word)[0] for word in lines[row].split()]
            row += 1
        counts = [int(word) for word in lines[row].split()]
        row += 1
        row += lines[row].strip()[:1] in ('S', 's')
        cartesian = lines[row].strip()[:1].lower() in ('c', 'k')
        n_atoms = sum(counts)
        positions = np.array([[float(x) for x in line.split()[:3]] for line in lines[row + 1 : row + 1 + n_atoms]])
    except (IndexError, ValueError):
        raise RefusalError('ERROR: there is something wrong in the file POSCAR', boxed=True) from None
    if len(scale) not in (1, 3):
        raise RefusalError('ERROR: there must be 1 or 3 items on line 2 of POSCAR', boxed=True)
    if positions.shape != (n_atoms, 3) or cell.shape != (3, 3):
        raise RefusalError('No initial positions read in', boxed=True)
    factor = (-scale[0] / abs(np.linalg.det(cell))) ** (1 / 3) if scale[0] < 0 else np.array(scale)
    cell = cell * factor
    scaled = (positions * factor) @ np.linalg.inv(cell) if cartesian else positions
    return cell, names, counts, scaled, _velocities(lines[row + 1 + n_atoms :], n_atoms)


def _velocities(lines: list[str], n_atoms: int) -> np.ndarray | None:
    """Return Cartesian velocities in Å/fs, if there are any behind the positions."""
    block = [line.split() for line in lines[1 : n_atoms + 1]]
    if len(block) < n_atoms or any(len(words) < 3 for words in block):
        return None
    values = np.array([[float(word) for word in words[:3]] for words in block])
    return values if values.any() else None


def read_potcar(text: str) -> list[Potential]:
    """Return the data sets of a POTCAR.

    :raises RefusalError: if one of them is not complete.
    """
    potentials = []
    for block in re.split(r'End of Dataset', text)[:-1]:
        found = {name: re.search(rf'\b{name}\s*=\s*([^;\n]*)', block) for name in ('TITEL', 'ZVAL', 'ENMAX', 'POMASS')}
        if not all(found.values()):
            raise RefusalError('ERROR: there is something wrong in the file POTCAR', boxed=True)
        value = {name: match.group(1).strip() for name, match in found.items() if match}
        potentials.append(
            Potential(
                title=value['TITEL'], element=value['TITEL'].split()[1].split('_')[0],
                zval=float(value['ZVAL'].split()[0]), enmax=float(value['ENMAX'].split()[0]),
                mass=float(value['POMASS'].split()[0]),
            )
        )  # fmt: skip
    return potentials


def _kpoints(path: Path, tags: dict[str, Any], cell: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return k-points, weights and divisions; of KSPACING if there is no file, as VASP does."""
    if not path.exists():
        reciprocal = 2 * np.pi * np.linalg.norm(np.linalg.inv(cell), axis=0)
        return (*mesh([max(1, math.ceil(length / tags.get('KSPACING', 0.5))) for length in reciprocal], np.zeros(3)),)
    lines = path.read_text(encoding='utf-8').splitlines()
    row = 1
    try:
        number = int(lines[1].split()[0])
        row = 2
        mode = lines[2].strip()[:1].lower()
        row = 3
        if number == 0 and mode in 'gm':
            divisions = [int(word) for word in lines[3].split()[:3]]
            shift = np.array([float(word) for word in lines[4].split()[:3]]) if len(lines) > 4 else np.zeros(3)
            if len(divisions) != 3 or min(divisions) < 1:
                raise ValueError(divisions)
            even = np.array([n % 2 == 0 for n in divisions])
            return mesh(divisions, shift + 0.5 * even if mode == 'm' else shift)
        if number > 0 and mode in 'rdck':
            points = []
            for row in range(3, 3 + number):
                points.append([float(word) for word in lines[row].split()[:4]])
            table = np.array(points)
            return table[:, :3], table[:, 3] / table[:, 3].sum(), [number, 1, 1]
        row = 2
        raise ValueError(mode)
    except (IndexError, ValueError, ZeroDivisionError):
        raise RefusalError(f'Error reading KPOINTS file\n the error occurred at line: {row + 1:4d}') from None


def mesh(divisions: list[int], shift: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return the points of a mesh, one of each pair ±k, with their weights."""
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in divisions], indexing='ij'), axis=-1).reshape(-1, 3)
    points = (grid + shift) / divisions
    points -= np.round(points - 1e-9)
    seen: dict[tuple, int] = {}
    for point in points:
        mirrored = tuple(np.round(-point - np.round(-point - 1e-9), 8) + 0.0)
        key = mirrored if mirrored in seen else tuple(np.round(point, 8) + 0.0)
        seen[key] = seen.get(key, 0) + 1
    return np.array(list(seen)), np.array(list(seen.values())) / len(points), list(divisions)
