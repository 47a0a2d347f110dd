"""LAMMPS data files (``units metal``) of any periodic cell.

LAMMPS wants the first cell vector along x and the second in the xy plane. Every cell can be brought there by an
orthogonal matrix, which is a reflection if the cell is left-handed; the energy does not change, so a run in LAMMPS'
frame and its mirror image in the original frame are the same physics.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_data_file import DataFile
from aiida_seimlip.science.formats.source import load_source
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.cells import heights
from aiida_seimlip.science.units import tensor_to_voigt, voigt_to_tensor

SKEWED = 0.8
"""Vectors between whose planes there is less than this share of the distance of those of LAMMPS are skewed."""


def lammps_frame(cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring a cell into LAMMPS' frame: a = (lx, 0, 0), b = (xy, ly, 0), c = (xz, yz, lz), with lx, ly, lz > 0.

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :return: the cell in LAMMPS' frame, and the orthogonal matrix R that brings row vectors there: x_lammps = x @ R,
        x = x_lammps @ R.T. Its determinant is -1 if the cell is left-handed. A cell that is already in LAMMPS' frame is
        returned as it is, with the unit matrix.
    :raises ValueError: if the cell has no volume.
    """
    cell = np.asarray(cell, dtype=float)
    if not abs(np.linalg.det(cell)) > 1e-6:
        raise ValueError('The cell has no volume: LAMMPS cannot hold it.')
    if not np.any(np.triu(cell, 1)) and np.all(np.diag(cell) > 0):
        return cell.copy(), np.eye(3)
    orthogonal, upper = np.linalg.qr(cell.T)
    signs = np.sign(np.diag(upper))
    return np.tril((upper.T) * signs), orthogonal * signs


def reduce_tilt(cell: np.ndarray) -> np.ndarray:
    """Return the cell of the same lattice whose tilts are at most half the lengths: no slower in LAMMPS than need be.

    LAMMPS' barostat refuses cells that are tilted by more than 1.5 of the lengths, and its lists of ghost atoms grow
    with the tilt.

    :param cell: cell vectors in LAMMPS' frame in rows, in Å; shape (3, 3).
    """
    a, b, c = np.array(cell, dtype=float)
    b = b - _excess(b[0] / a[0]) * a
    c = c - _excess(c[1] / b[1]) * b
    c = c - _excess(c[0] / a[0]) * a
    return np.array([a, b, c])


def _excess(ratio: float) -> float:
    """Return the integer that brings a tilt to at most one half, 0 if it is there already."""
    return 0.0 if abs(ratio) <= 0.5 + 1e-9 else float(np.rint(ratio))


def follow_cells(cells: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Choose for each cell of a trajectory the vectors of the same lattice that are nearest to those before.

    LAMMPS swaps a cell that a barostat has sheared for a less tilted one, and `write_data` does so at the beginning.
    This takes the swaps back. A cell that differs too much from the one before stays as it is.

    What flows is sheared for ever, and so are the vectors that follow it; see `compact_cells`.

    :param cells: cell vectors in LAMMPS' frame in rows, in the order of time, in Å; shape (n_frames, 3, 3).
    :param start: the cell that the trajectory started from, in LAMMPS' frame; shape (3, 3).
    """
    if not len(cells):
        return cells
    reduced = reduce_tilt(start)
    before = np.concatenate([reduced[None], cells[:-1]])
    swaps = np.rint(before @ np.linalg.inv(cells))
    swaps[np.abs(np.abs(np.linalg.det(swaps)) - 1.0) > 0.5] = np.eye(3)
    followed = np.array(cells)
    total = np.rint(start @ np.linalg.inv(reduced))
    for index in range(len(cells)):
        total = total @ swaps[index]
        followed[index] = total @ cells[index]
    return followed


def compact_cells(followed: np.ndarray, cells: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Take the vectors of LAMMPS where those that follow the cell have become skewed.

    A cell of skewed vectors looks thin, though its lattice is not: programs count more images and k-points in it.

    :param followed: cell vectors as `follow_cells` returns them, in Å; shape (n_frames, 3, 3).
    :param cells: vectors of the same lattices as LAMMPS has them; shape (n_frames, 3, 3).
    :param start: the cell that the trajectory started from; what it is skewed itself counts for nothing. Shape (3, 3).
    """
    allowed = SKEWED * heights(start).min() / heights(reduce_tilt(start)).min()
    ratios = [heights(one).min() / heights(other).min() for one, other in zip(followed, cells, strict=True)]
    is_skewed = np.array(ratios, dtype=float).reshape(-1, 1, 1) < allowed
    return np.where(is_skewed, cells, followed)


def to_lammps_frame(frames: Frames, rotation: np.ndarray) -> Frames:
    """Turn positions, cells, forces, velocities and stresses into LAMMPS' frame; the inverse of `from_lammps_frame`.

    :param frames: frames in the original orientation.
    :param rotation: the matrix that `lammps_frame` or `write_data` returned; shape (3, 3).
    """
    return _rotate(frames, rotation)


def from_lammps_frame(frames: Frames, rotation: np.ndarray, cell: np.ndarray | None = None) -> Frames:
    """Turn positions, cells, forces, velocities and stresses back from LAMMPS' frame.

    LAMMPS keeps its frame while it changes the cell, so the matrix of the first frame serves a whole trajectory.

    :param frames: frames as LAMMPS wrote them, in the order of time.
    :param rotation: the matrix that `write_data` returned for the first frame; shape (3, 3).
    :param cell: the cell that was given to `write_data`: the cells of the frames come back as its continuation, see
        `follow_cells`, as long as that is not skewed. Without it they are of the same lattices, but perhaps made of
        other vectors. Shape (3, 3).
    """
    rotation = np.asarray(rotation, dtype=float)
    if cell is not None and len(frames):
        start = np.asarray(cell, dtype=float) @ rotation
        frames = frames.replace(cells=compact_cells(follow_cells(frames.cells, start), frames.cells, start))
    return _rotate(frames, rotation.T)


def _rotate(frames: Frames, matrix: np.ndarray) -> Frames:
    matrix = np.asarray(matrix, dtype=float)
    if np.array_equal(matrix, np.eye(3)):
        return frames
    vectors = {
        name: None if (value := getattr(frames, name)) is None else value @ matrix
        for name in ('positions', 'cells', 'forces', 'velocities')
    }
    stresses = frames.stresses
    if stresses is not None:
        stresses = tensor_to_voigt(matrix.T @ voigt_to_tensor(stresses) @ matrix)
    return frames.replace(**vectors, stresses=stresses)


def write_data(
    frame: Frames, species: Sequence[str], *, charges: np.ndarray | None = None, types: np.ndarray | None = None
) -> tuple[str, np.ndarray]:
    """Write one frame as a data file for ``atom_style atomic``, or ``charge``, with velocities where all are known.

    Masses are left to the input script. Numbers have 17 digits: what is read back is what was written. A strongly
    tilted cell is replaced by another one of the same lattice (`reduce_tilt`); `from_lammps_frame` takes that back.

    :param frame: exactly one frame, periodic in all directions.
    :param species: chemical symbols in type order; an element may have several types where `types` tells them apart.
    :param charges: of the atoms in elementary charges, for ``atom_style charge``; None for ``atom_style atomic``. Shape
        (n_atoms,).
    :param types: type of each atom, from 0; by default that of its element. Shape (n_atoms,).
    :return: the text, and the matrix that brings row vectors into LAMMPS' frame, see `lammps_frame`.
    :raises ValueError: if there is not exactly one frame, it is not periodic in all directions, charges are not one
        finite number for each atom, or a type is that of another element.
    :raises FramesError: if an element is not among `species`.
    """
    if len(frame) != 1:
        raise ValueError(f'A LAMMPS data file holds exactly one frame, not {len(frame)}.')
    if not frame.pbc.all():
        raise ValueError('The frame is not periodic in all three directions.')
    numbered = _types_of(frame, species, types) + 1
    columns = _charge_column(charges, numbered.size)
    cell, rotation = lammps_frame(frame.cells[0])
    cell = reduce_tilt(cell)
    turned = to_lammps_frame(frame, rotation)
    lines = [
        f'LAMMPS data file, units metal, atom types: {" ".join(species)}',
        '',
        f'{numbered.size} atoms',
        f'{len(species)} atom types',
        '',
        *(f'0.0 {cell[axis, axis]:.17g} {name}lo {name}hi' for axis, name in enumerate('xyz')),
        f'{cell[1, 0]:.17g} {cell[2, 0]:.17g} {cell[2, 1]:.17g} xy xz yz',
        '',
        f'Atoms # {"atomic" if charges is None else "charge"}',
        '',
    ]
    lines += [
        f'{index} {kind}{charge} {x:.17g} {y:.17g} {z:.17g}'
        for index, (kind, charge, (x, y, z)) in enumerate(
            zip(numbered, columns, turned.positions, strict=True), start=1
        )
    ]
    if turned.velocities is not None and np.all(np.isfinite(turned.velocities)):
        lines += ['', 'Velocities', '']
        lines += [f'{i} {x:.17g} {y:.17g} {z:.17g}' for i, (x, y, z) in enumerate(turned.velocities, start=1)]
    return '\n'.join(lines) + '\n', rotation


def _types_of(frame: Frames, species: Sequence[str], types: np.ndarray | None) -> np.ndarray:
    """Return the type of each atom from 0, checked against its element; shape (n_atoms,)."""
    if types is None:
        if len(set(species)) < len(species):
            raise ValueError('An element has several types, but `types` does not say which atoms are of which.')
        return frame.types(species)
    types = np.asarray(types)
    if types.shape != frame.numbers.shape or not np.all((types >= 0) & (types < len(species))):
        raise ValueError(f'`types` must hold a number from 0 to {len(species) - 1} for each of the atoms.')
    numbers = np.array([atomic_numbers[symbol] for symbol in species])[types]
    if np.any(numbers != frame.numbers):
        index = int(np.argmax(numbers != frame.numbers))
        raise ValueError(f'Atom {index} is {chemical_symbols[frame.numbers[index]]}, but its type is another element.')
    return types


def _charge_column(charges: np.ndarray | None, n_atoms: int) -> list[str]:
    """Return what stands between type and position of each atom."""
    if charges is None:
        return [''] * n_atoms
    values = np.asarray(charges, dtype=float)
    if values.shape != (n_atoms,) or not np.all(np.isfinite(values)):
        raise ValueError(f'`charges` must hold a finite number for each of the {n_atoms} atoms.')
    return [f' {value:.17g}' for value in values]


def read_data(source: str | Path | bytes | BinaryIO, species: Sequence[str], *, name: str | None = None) -> Frames:
    """Read a data file of the atom styles atomic, charge, molecular or full; atoms come in the order of their ids.

    The style is the one behind ``Atoms #``, else it is told by the columns where these can mean one only. Image flags
    are honoured: positions are unwrapped. The origin of the box is not subtracted from them. Charges, molecules, bonds
    and coefficients are not read.

    :param source: a path, or the content as bytes or a binary stream.
    :param species: chemical symbols in type order.
    :param name: name of the file for messages; the path by default.
    :return: one periodic frame in LAMMPS' frame, with velocities where the file has them.
    :raises FormatError: if the file is not a data file, or cut, or holds numbers that are not finite.
    """
    text, name = read_text(source, name)
    return DataFile(text, name, species).frame()


def read_text(source: str | Path | bytes | BinaryIO, name: str | None = None) -> tuple[str, str]:
    """Return the content of a text file, and its name for messages.

    :param source: a path, or the content as bytes or a binary stream.
    :param name: name of the file for messages; the path by default.
    :raises FormatError: if the content is not UTF-8.
    """
    content, name = load_source(source, name)
    try:
        return content.decode(), name
    except UnicodeDecodeError as error:
        raise FormatError('The content is not UTF-8 text.', name=name, byte=error.start) from error
