"""Writing of configurations in MLIP-3's layout."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from aiida_seimlip.science.formats.mlip3_cfg.configuration import ESCAPED, MV_GRADE
from aiida_seimlip.science.formats.mlip3_cfg.layout import LOSSLESS, STRESS_HEADING, Layout, fixed_layout
from aiida_seimlip.science.frames import Frames


def write_cfg(
    target: str | Path | BinaryIO,
    frames: Frames,
    species: Sequence[str],
    *,
    features: Sequence[Mapping[str, str]] | None = None,
    nbh_grades: np.ndarray | None = None,
    site_energies: np.ndarray | None = None,
    charges: np.ndarray | None = None,
    is_ghost: np.ndarray | None = None,
    decimals: int | None = 16,
) -> None:
    """Write configurations in MLIP-3's layout.

    With ``decimals=6`` the bytes are those that MLIP-3 writes. The default keeps positions to 1e-16 Å, so that the
    content hash of a frame survives. What is unknown (NaN) in a frame is left out of that frame.

    :param target: path or open binary file.
    :param frames: grades go into the feature ``MV_grade`` and take precedence over one in `features`.
    :param species: chemical symbols in type order.
    :param features: key and value of the features of each frame; written in the order of the keys.
    :param nbh_grades: extrapolation grades of the atoms; shape (n_atoms,).
    :param site_energies: in eV; shape (n_atoms,).
    :param charges: in e; shape (n_atoms,).
    :param is_ghost: whether an atom is an image from a neighbouring MPI domain; shape (n_atoms,).
    :param decimals: of lengths and forces; stress and grades of atoms have one less. None stands for full precision in
        scientific notation, the layout of the configurations inside a potential file.
    :raises ValueError: if an array does not fit the frames, a quantity is known for some atoms of a frame only, or a
        frame is periodic along a later cell vector but not along an earlier one.
    """
    layout = LOSSLESS if decimals is None else fixed_layout(decimals)
    columns = [
        _Column('positions', '       cartes_x      cartes_y      cartes_z', layout.positions, frames.positions),
        _Column('site_energies', '            site_en', layout.site_energies, site_energies),
        _Column('forces', '           fx          fy          fz', layout.forces, frames.forces),
        _Column('charges', '      charge', layout.charges, charges),
        _Column('is_ghost', '     ghost', '', is_ghost),
        _Column('nbh_grades', '       nbh_grades', layout.nbh_grades, nbh_grades),
    ]
    columns = [column for column in columns if column.values is not None]
    writer = _Writer(frames, frames.types(species), columns, features, layout)
    if isinstance(target, str | Path):
        with Path(target).open('wb') as handle:
            writer.write(handle)
    else:
        writer.write(target)


class _Column(NamedTuple):
    """A quantity of the atoms, which takes one or three columns of the table."""

    name: str
    heading: str
    layout: str
    values: np.ndarray | None


class _Writer:
    """Writes frames, with one format string for all frames of equal composition and equal columns."""

    def __init__(
        self,
        frames: Frames,
        types: np.ndarray,
        columns: list[_Column],
        features: Sequence[Mapping[str, str]] | None,
        layout: Layout,
    ):
        if features is not None and len(features) != len(frames):
            raise ValueError(f'`features` has {len(features)} entries for {len(frames)} frames.')
        self.frames = frames
        self.types = types
        self.columns = columns
        self.features = features
        self.layout = layout
        self.known = np.array([self.is_known(column) for column in columns]).reshape(len(columns), len(frames))
        self.templates: dict[tuple, str] = {}

    def is_known(self, column: _Column) -> np.ndarray:
        """Return in which frames a quantity of the atoms stands; shape (n_frames,)."""
        values = np.asarray(column.values)
        if len(values) != len(self.types):
            raise ValueError(f'`{column.name}` has {len(values)} entries for {len(self.types)} atoms.')
        if not len(self.frames):
            return np.zeros(0, dtype=bool)
        if column.name == 'is_ghost':
            return np.logical_or.reduceat(values.astype(bool), self.frames.ptr[:-1])
        finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        everywhere = np.logical_and.reduceat(finite, self.frames.ptr[:-1])
        partly = np.logical_or.reduceat(finite, self.frames.ptr[:-1]) & ~everywhere
        if partly.any():
            raise ValueError(f'`{column.name}` is known for some atoms of frame {np.argmax(partly)} only.')
        return everywhere

    def write(self, handle: BinaryIO) -> None:
        for index in range(len(self.frames)):
            handle.write(self.frame(index).encode())

    def frame(self, index: int) -> str:
        parts = [f'BEGIN_CFG\n Size\n    {self.frames.sizes[index]}\n']
        parts += [self.cell(index), self.atoms(index), self.labels(index)]
        parts += [*self.feature_lines(index), 'END_CFG\n\n']
        return ''.join(parts)

    def cell(self, index: int) -> str:
        pbc = self.frames.pbc[index]
        count = int(pbc.sum())
        if not pbc[:count].all():
            raise ValueError(f'Frame {index} is periodic along a later cell vector but not along the first: {pbc}.')
        rows = self.layout.cell * count % tuple(self.frames.cells[index, :count].ravel().tolist())
        return f' Supercell\n{rows}' if count else ''

    def atoms(self, index: int) -> str:
        atoms = slice(self.frames.ptr[index], self.frames.ptr[index + 1])
        columns = list(itertools.compress(self.columns, self.known[:, index]))
        numbers = [column.values[atoms] for column in columns if column.name != 'is_ghost']  # type: ignore[index]
        return self.template(atoms, columns) % tuple(np.column_stack(numbers).ravel().tolist())

    def template(self, atoms: slice, columns: list[_Column]) -> str:
        """Return the table of atoms with all filled in but the numbers of the columns."""
        ghost = next((c.values[atoms] for c in columns if c.name == 'is_ghost' and c.values is not None), None)
        names = tuple(column.name for column in columns)
        key = (names, self.types[atoms].tobytes(), None if ghost is None else np.asarray(ghost, dtype=bool).tobytes())
        if key not in self.templates:
            heading = ' AtomData:  id type' + ''.join(column.heading for column in columns) + '\n'
            rows = []
            for index, number in enumerate(self.types[atoms]):
                flag = '' if ghost is None else '     true ' if ghost[index] else '     false'
                places = ''.join(flag if column.name == 'is_ghost' else column.layout for column in columns)
                rows.append(f'{self.layout.atom % (index + 1, number)}{places}\n')
            self.templates[key] = heading + ''.join(rows)
        return self.templates[key]

    def labels(self, index: int) -> str:
        frames = self.frames
        text = ''
        if frames.energies is not None and np.isfinite(frames.energies[index]):
            text += self.layout.energy % frames.energies[index]
        if frames.stresses is not None and np.isfinite(frames.stresses[index]).all() and frames.pbc[index].all():
            virial = -frames.stresses[index] * np.abs(np.linalg.det(frames.cells[index]))
            text += STRESS_HEADING + self.layout.stress % tuple(virial.tolist())
        return text

    def feature_lines(self, index: int) -> Iterator[str]:
        features = dict(self.features[index]) if self.features is not None else {}
        if self.frames.grades is not None and not np.isnan(self.frames.grades[index]):
            features[MV_GRADE] = self.layout.grade % float(self.frames.grades[index])
        for key, value in sorted(features.items()):
            name = ''.join(ESCAPED.get(character, character) for character in key)
            yield from (f' Feature   {name}\t{line}\n' for line in value.split('\n'))
