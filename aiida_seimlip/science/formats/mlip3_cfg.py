"""MLIP-3's configuration files (``.cfg``), read and written.

A file is a sequence of configurations between ``BEGIN_CFG`` and ``END_CFG``. Energies are in eV, lengths in Å, forces
in eV/Å. ``PlusStress`` is the virial in eV, that is −σ·V with the stress σ in ASE's sign, in the order xx yy zz yz
xz xy. ``type`` counts from 0 in the order of the species list.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from ase.data import atomic_numbers
from ase.geometry import complete_cell

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.frames import Frames, FramesError

MLIP3_DECIMALS = 6
"""Decimals with which MLIP-3 itself writes lengths and forces."""

MV_GRADE = 'MV_grade'
"""Feature under which MLIP-3 keeps the extrapolation grade of a configuration."""

_CARTESIAN = ('cartes_x', 'cartes_y', 'cartes_z')
_DIRECT = ('direct_x', 'direct_y', 'direct_z')
_FORCES = ('fx', 'fy', 'fz')
_COLUMNS = {'id', 'type', *_CARTESIAN, *_DIRECT, *_FORCES, 'site_en', 'charge', 'ghost', 'nbh_grades'}
_VOIGT = ('xx', 'yy', 'zz', 'yz', 'xz', 'xy')
_SMALLEST = 1e-6

_TOKEN = re.compile(rb'\S+')
_SECTION = re.compile(rb'\n[ \t]*[A-Z]')
_GHOST = {b'true': b'1', b'false': b'0'}
_ESCAPED = {' ': r'\_', '\t': r'\t', '\n': r'\n', '\r': r'\r'}


@dataclass(frozen=True, eq=False)
class CfgFile:
    """What a ``.cfg`` file holds.

    :param frames: the configurations; `grades` come from the feature ``MV_grade``. The stress of a configuration that
        is not periodic in all directions is unknown, whatever its ``PlusStress`` says, because it has no volume.
    :param features: key and value of all features of each configuration.
    :param nbh_grades: extrapolation grades of the atoms, NaN where unknown; shape (n_atoms,), or None.
    :param site_energies: in eV, NaN where unknown; shape (n_atoms,), or None.
    :param charges: in e, NaN where unknown; shape (n_atoms,), or None.
    :param is_ghost: whether an atom is an image from a neighbouring MPI domain; shape (n_atoms,), or None.
    :param fragments: whether a configuration is only the part that one MPI rank saw of a larger one: it holds ghost
        atoms, or names them and has no cell. Fragments are no periodic configurations; shape (n_frames,).
    :param is_truncated: whether the file ends inside a configuration, which is left out.
    """

    frames: Frames
    features: list[dict[str, str]]
    fragments: np.ndarray
    nbh_grades: np.ndarray | None = None
    site_energies: np.ndarray | None = None
    charges: np.ndarray | None = None
    is_ghost: np.ndarray | None = None
    is_truncated: bool = False

    def take(self, indices: np.ndarray) -> CfgFile:
        """Return some of the configurations, with all that belongs to them.

        :param indices: numbers of the configurations from 0; shape (n_selected,).
        """
        chosen = np.asarray(indices, dtype=int)
        ptr = self.frames.ptr
        atoms = np.concatenate([np.arange(0), *(np.arange(ptr[index], ptr[index + 1]) for index in chosen)])

        def of_chosen(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[atoms]

        return dataclasses.replace(
            self,
            frames=self.frames[chosen],
            features=[self.features[index] for index in chosen],
            fragments=self.fragments[chosen],
            nbh_grades=of_chosen(self.nbh_grades),
            site_energies=of_chosen(self.site_energies),
            charges=of_chosen(self.charges),
            is_ghost=of_chosen(self.is_ghost),
        )


def read_cfg(
    source: str | Path | BinaryIO | bytes,
    species: Sequence[str],
    *,
    name: str | None = None,
    allow_truncated: bool = False,
) -> CfgFile:
    """Read configurations.

    Like MLIP-3, this takes ``direct_x`` for ``cartes_x``, divides ``Virial`` by the volume and refuses ``Stress``,
    whose sign is ambiguous. Unlike MLIP-3, it refuses a field that is given twice.

    :param source: path, open binary file, or content.
    :param species: chemical symbols in type order.
    :param name: name of the file for messages; by default its path.
    :param allow_truncated: leave out a last configuration without ``END_CFG``, as a killed program leaves it.
    :raises FormatError: if the content is not sound, or a type number is not in the species list.
    """
    data, name = load_source(source, name)
    numbers = np.array([atomic_numbers[symbol] for symbol in species], dtype=np.int32)
    configurations: list[_Configuration] = []
    is_truncated = False
    try:
        configurations.extend(_Reader(data, name, species).configurations())
    except _TruncatedError:
        if not allow_truncated:
            raise
        is_truncated = True
    return _pack(configurations, numbers, name, is_truncated)


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
    layout = _LOSSLESS if decimals is None else _fixed_layout(decimals)
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


def load_source(source: str | Path | BinaryIO | bytes, name: str | None = None) -> tuple[bytes, str]:
    """Return the content of a file and its name for messages.

    :param source: path, open binary file, or content.
    :param name: name for messages; by default the path.
    """
    if isinstance(source, bytes):
        return source, name or 'content'
    if isinstance(source, str | Path):
        return Path(source).read_bytes(), name or str(source)
    return source.read(), name or str(getattr(source, 'name', 'content'))


class _TruncatedError(FormatError):
    """The file ends inside a configuration."""


@dataclass
class _Configuration:
    """One configuration as it stands in the file."""

    line: int
    size: int = 0
    cell: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    energy: float = np.nan
    plus_stress: np.ndarray | None = None
    is_virial: bool = False
    features: dict[str, str] = field(default_factory=dict)


class _Reader:
    """Reads one file from front to back."""

    def __init__(self, data: bytes, name: str, species: Sequence[str]):
        self.data = data
        self.name = name
        self.species = species
        self.position = 0

    # -- errors and tokens --------------------------------------------------------------------------------------------

    def error(self, message: str, position: int) -> FormatError:
        return FormatError(message, name=self.name, line=self.data.count(b'\n', 0, position) + 1)

    def token(self) -> tuple[bytes, int]:
        """Return the next word and where it begins; an empty word at the end of the file."""
        match = _TOKEN.search(self.data, self.position)
        if match is None:
            self.position = len(self.data)
            return b'', self.position
        self.position = match.end()
        return match.group(), match.start()

    def nth_token(self, index: int, start: int) -> tuple[bytes, int]:
        """Return the word number `index` (from 0) after `start` and where it begins."""
        match = next(itertools.islice(_TOKEN.finditer(self.data, start), index, None))
        return match.group(), match.start()

    def rest_of_line(self) -> bytes:
        start, end = self.position, self.data.find(b'\n', self.position)
        self.position = len(self.data) if end < 0 else end
        return self.data[start : self.position].strip()

    def decode(self, raw: bytes, position: int) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError as exception:
            raise self.error('This is not UTF-8 text.', position) from exception

    def number(self, name: str) -> float:
        raw, position = self.token()
        value = _to_float(raw)
        if not np.isfinite(value):
            raise self.error(f'`{name}` holds `{_show(raw)}`, which is not a finite number.', position)
        return value

    # -- configurations -----------------------------------------------------------------------------------------------

    def configurations(self) -> Iterator[_Configuration]:
        line, counted = 1, 0
        while True:
            word, position = self.token()
            if not word:
                return
            line += self.data.count(b'\n', counted, position)
            counted = position
            if word != b'BEGIN_CFG':
                if self.position == len(self.data) and b'BEGIN_CFG'.startswith(word):
                    raise _TruncatedError('The file ends inside BEGIN_CFG.', name=self.name, line=line)
                raise self.error(f'`{_show(word)}` stands where BEGIN_CFG is expected.', position)
            try:
                yield self.configuration(_Configuration(line))
            except FormatError as exception:
                if self.data.find(b'END_CFG', position) >= 0:
                    raise
                message = f'The file ends inside the configuration that begins in line {line}: {exception.reason}'
                raise _TruncatedError(message, name=self.name, line=exception.line) from exception

    def configuration(self, configuration: _Configuration) -> _Configuration:
        begin = self.position
        seen: set[str] = set()
        while True:
            word, position = self.token()
            if word == b'END_CFG':
                break
            if word in (b'', b'BEGIN_CFG'):
                raise self.error('END_CFG is missing.', position)
            if word not in _FIELDS:
                raise self.error(f'`{_show(word)}` is not a field of a configuration.', position)
            kind, method = _FIELDS[word]
            if kind in seen and kind != 'feature':
                raise self.error(f'`{_show(word)}` is given twice.', position)
            seen.add(kind)
            method(self, configuration, position)
        if 'atoms' not in seen:
            raise self.error('The configuration has no AtomData.', begin)
        self.finish(configuration, begin)
        return configuration

    def finish(self, configuration: _Configuration, position: int) -> None:
        """Do what needs the cell, which may stand anywhere in the configuration."""
        has_volume = len(configuration.cell) == 3
        if configuration.is_virial:
            if not has_volume or configuration.plus_stress is None:
                raise self.error('`Virial:` needs a Supercell of three vectors.', position)
            configuration.plus_stress /= np.abs(np.linalg.det(configuration.cell))
        if 'direct_x' in configuration.columns:
            if not has_volume:
                raise self.error('Direct coordinates need a Supercell of three vectors.', position)
            direct = np.column_stack([configuration.columns.pop(name) for name in _DIRECT])
            configuration.columns.update(zip(_CARTESIAN, (direct @ configuration.cell).T, strict=True))

    def read_size(self, configuration: _Configuration, position: int) -> None:
        raw, position = self.token()
        if not re.fullmatch(rb'0*[1-9][0-9]{0,11}', raw):
            raise self.error(f'`Size` holds `{_show(raw)}`, which is not a number of atoms.', position)
        configuration.size = int(raw)

    def read_supercell(self, configuration: _Configuration, position: int) -> None:
        end = _SECTION.search(self.data, self.position)
        words = self.data[self.position : end.start() if end else None].split()
        if len(words) not in (3, 6, 9):
            raise self.error(f'`Supercell` holds {len(words)} numbers, not 3 for each cell vector.', position)
        configuration.cell = np.array([self.number('Supercell') for _ in words]).reshape(-1, 3)
        if np.linalg.matrix_rank(configuration.cell, tol=_SMALLEST) < len(configuration.cell):
            raise self.error('The vectors of `Supercell` are not independent.', position)

    def read_energy(self, configuration: _Configuration, position: int) -> None:
        configuration.energy = self.number('Energy')

    def read_stress(self, configuration: _Configuration, position: int) -> None:
        names = self.decode(self.rest_of_line(), position).split()
        if sorted(names) != sorted(_VOIGT):
            raise self.error(f'The components of the stress are {names}, not {list(_VOIGT)}.', position)
        values = {name: self.number('PlusStress') for name in names}
        configuration.plus_stress = np.array([values[name] for name in _VOIGT])

    def read_virial(self, configuration: _Configuration, position: int) -> None:
        self.read_stress(configuration, position)
        configuration.is_virial = True

    def refuse_stress(self, configuration: _Configuration, position: int) -> None:
        raise self.error(
            '`Stress:` is refused, because its sign is ambiguous: give the virial as PlusStress.', position
        )

    def read_feature(self, configuration: _Configuration, position: int) -> None:
        words = self.rest_of_line().split(maxsplit=1)
        if not words:
            raise self.error('A feature has no name.', position)
        key = self.decode(words[0], position)
        for character, escaped in _ESCAPED.items():
            key = key.replace(escaped, character)
        self.add_feature(configuration, key, self.decode(words[1], position) if len(words) > 1 else '', position)

    def read_features(self, configuration: _Configuration, position: int) -> None:
        for key in self.decode(self.rest_of_line(), position).split():
            raw, start = self.token()
            self.add_feature(configuration, key, self.decode(raw, start), start)

    def add_feature(self, configuration: _Configuration, key: str, value: str, position: int) -> None:
        known = configuration.features.get(key)
        if key == MV_GRADE and (known is not None or np.isnan(_to_float(value.encode()))):
            raise self.error(f'The feature {MV_GRADE} holds `{value}`, which is not one number.', position)
        configuration.features[key] = value if known is None else f'{known}\n{value}'

    # -- atoms --------------------------------------------------------------------------------------------------------

    def read_atoms(self, configuration: _Configuration, position: int) -> None:
        if not configuration.size:
            raise self.error('AtomData stands before Size.', position)
        names = self.column_names(position)
        start = self.position
        end = _SECTION.search(self.data, start)
        self.position = end.start() if end else len(self.data)
        words = self.data[start : self.position].split()
        self.check_count(words, configuration.size, len(names), start)
        if 'ghost' in names:
            column = slice(names.index('ghost'), None, len(names))
            words[column] = [_GHOST.get(word, b'nan') for word in words[column]]
        table = self.finite_numbers(words, start).reshape(configuration.size, len(names))
        configuration.columns = dict(zip(names, table.T, strict=True))
        configuration.columns.setdefault('type', np.zeros(configuration.size))
        self.check_ids(configuration.columns.pop('id', None), names, start)
        self.check_types(configuration.columns['type'], names, start)

    def column_names(self, position: int) -> list[str]:
        names = self.decode(self.rest_of_line(), position).split()
        for name in names:
            if name not in _COLUMNS:
                raise self.error(f'The column `{name}` of AtomData is not known.', position)
        if len(set(names)) < len(names):
            raise self.error('A column of AtomData is given twice.', position)
        if {*names} & {*_CARTESIAN, *_DIRECT} not in ({*_CARTESIAN}, {*_DIRECT}):
            raise self.error('AtomData must have x, y and z of either Cartesian or direct coordinates.', position)
        if len({*names} & {*_FORCES}) not in (0, 3):
            raise self.error('AtomData must have all of fx, fy and fz, or none.', position)
        if 'type' not in names and len(self.species) > 1:
            raise self.error(f'AtomData has no column `type`, but there are {len(self.species)} species.', position)
        return names

    def check_count(self, words: list[bytes], size: int, n_columns: int, start: int) -> None:
        expected = f'Size announces {size} rows of {n_columns} values'
        if len(words) > size * n_columns:
            _, excess = self.nth_token(size * n_columns, start)
            raise self.error(f'AtomData goes on here, but {expected}.', excess)
        if len(words) < size * n_columns:
            raise self.error(f'AtomData ends here after {len(words)} values, but {expected}.', self.position)

    def finite_numbers(self, words: list[bytes], start: int) -> np.ndarray:
        try:
            values = np.array(list(map(float, words)))
        except ValueError:
            values = np.array(list(map(_to_float, words)))
        if b'_' in self.data[start : self.position]:  # Python's float takes 1_000
            values = np.array(list(map(_to_float, words)))
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            raw, position = self.nth_token(int(wrong[0]), start)
            raise self.error(f'AtomData holds `{_show(raw)}`, which is not a valid value.', position)
        return values

    def check_ids(self, ids: np.ndarray | None, names: list[str], start: int) -> None:
        if ids is None:
            return
        wrong = np.flatnonzero(ids != np.arange(1, len(ids) + 1))
        if wrong.size:
            raw, position = self.nth_token(int(wrong[0]) * len(names) + names.index('id'), start)
            raise self.error(f'The ids are not 1 to {len(ids)} in order: `{_show(raw)}` is out of turn.', position)

    def check_types(self, types: np.ndarray, names: list[str], start: int) -> None:
        wrong = np.flatnonzero((types < 0) | (types >= len(self.species)) | (types != np.rint(types)))
        if wrong.size:
            raw, position = self.nth_token(int(wrong[0]) * len(names) + names.index('type'), start)
            known = ', '.join(f'{index} = {symbol}' for index, symbol in enumerate(self.species))
            raise self.error(f'Type `{_show(raw)}` is not in the species list ({known}).', position)


_FIELDS = {
    b'Size': ('size', _Reader.read_size),
    b'Supercell': ('cell', _Reader.read_supercell),
    b'SuperCell': ('cell', _Reader.read_supercell),
    b'AtomData:': ('atoms', _Reader.read_atoms),
    b'Atomic_data:': ('atoms', _Reader.read_atoms),
    b'Energy': ('energy', _Reader.read_energy),
    b'PlusStress:': ('stress', _Reader.read_stress),
    b'Virial:': ('stress', _Reader.read_virial),
    b'Stress:': ('stress', _Reader.refuse_stress),
    b'Feature': ('feature', _Reader.read_feature),
    b'Features:': ('feature', _Reader.read_features),
}


def _to_float(raw: bytes) -> float:
    """Return the number, or NaN if it is none."""
    if b'_' in raw:
        return np.nan
    try:
        return float(raw)
    except ValueError:
        return np.nan


def _show(raw: bytes) -> str:
    """Return a word of a file in a form that can be printed."""
    return ascii(raw[:40].decode('latin-1'))[1:-1]


def _pack(configurations: list[_Configuration], numbers: np.ndarray, name: str, is_truncated: bool) -> CfgFile:
    sizes = np.array([configuration.size for configuration in configurations], dtype=int)

    def column(key: str) -> np.ndarray:
        unknown = [np.full(c.size, np.nan) if key not in c.columns else c.columns[key] for c in configurations]
        return np.concatenate(unknown) if unknown else np.empty(0)

    def column_or_none(key: str) -> np.ndarray | None:
        return column(key) if any(key in c.columns for c in configurations) else None

    pbc = np.array([np.arange(3) < len(c.cell) for c in configurations], dtype=bool).reshape(-1, 3)
    cells = np.array([_complete(c.cell) for c in configurations]).reshape(-1, 3, 3)
    ghost = column_or_none('ghost')
    has_forces = any('fx' in c.columns for c in configurations)
    try:
        frames = Frames(
            numbers=numbers[column('type').astype(int)],
            positions=np.column_stack([column(key) for key in _CARTESIAN]),
            ptr=np.concatenate([[0], np.cumsum(sizes)]),
            cells=cells,
            pbc=pbc,
            energies=_known([c.energy for c in configurations]),
            forces=np.column_stack([column(key) for key in _FORCES]) if has_forces else None,
            stresses=_stresses(configurations, cells, pbc),
            grades=_known([float(c.features.get(MV_GRADE, 'nan')) for c in configurations]),
        )
    except FramesError as exception:
        raise FormatError(str(exception), name=name) from exception
    return CfgFile(
        frames=frames,
        features=[c.features for c in configurations],
        fragments=np.array([_is_fragment(c) for c in configurations], dtype=bool),
        nbh_grades=column_or_none('nbh_grades'),
        site_energies=column_or_none('site_en'),
        charges=column_or_none('charge'),
        is_ghost=None if ghost is None else ghost == 1,
        is_truncated=is_truncated,
    )


def _known(values: list[float]) -> np.ndarray | None:
    array = np.array(values, dtype=float)
    return None if np.isnan(array).all() else array


def _complete(cell: np.ndarray) -> np.ndarray:
    """Add unit vectors, normal to the others, for directions that are not periodic; none if none is periodic."""
    full = np.zeros((3, 3))
    full[: len(cell)] = cell
    return complete_cell(full) if 0 < len(cell) < 3 else full


def _is_fragment(configuration: _Configuration) -> bool:
    ghost = configuration.columns.get('ghost')
    return ghost is not None and (bool(ghost.any()) or not len(configuration.cell))


def _stresses(configurations: list[_Configuration], cells: np.ndarray, pbc: np.ndarray) -> np.ndarray | None:
    """Convert the virials to stresses in eV/Å³ of ASE's sign."""
    if all(configuration.plus_stress is None for configuration in configurations):
        return None
    unknown = np.full(6, np.nan)
    virials = np.array([unknown if c.plus_stress is None else c.plus_stress for c in configurations])
    volumes = np.where(pbc.all(axis=1), np.abs(np.linalg.det(cells)), np.nan)
    return -virials / volumes[:, None]


class _Layout(NamedTuple):
    """Formats of numbers, each for what stands together in a line."""

    cell: str
    atom: str
    positions: str
    site_energies: str
    forces: str
    charges: str
    nbh_grades: str
    energy: str
    stress: str
    grade: str


def _fixed_layout(decimals: int) -> _Layout:
    """Return MLIP-3's layout, but for `decimals` where it has 6 and one less where it has 5."""
    more = decimals - MLIP3_DECIMALS
    length = f'%{13 + more}.{decimals}f'
    force = f'%{11 + more}.{decimals}f'
    stress = f'%{11 + more}.{decimals - 1}f'
    return _Layout(
        cell=f'    {length} {length} {length}\n',
        atom='    %10d %4d',
        positions=f'  {length} {length} {length}',
        site_energies='  %17.12f',
        forces=f'  {force} {force} {force}',
        charges=f'    %{8 + more}.{decimals - 2}f',
        nbh_grades=f'  %{15 + more}.{decimals - 1}f',
        energy=' Energy\n    %20.12f\n',
        stress='     ' + ' '.join([stress] * 6) + '\n',
        grade='%r' if more > 0 else '%f',
    )


_LOSSLESS = _Layout(
    cell='    %.16e %.16e %.16e\n', atom='    %d %d', positions='  %.16e %.16e %.16e', site_energies='  %.16e',
    forces='  %.16e %.16e %.16e', charges='    %.16e', nbh_grades='  %.16e', energy=' Energy\n    %.16e\n',
    stress='     ' + ' '.join(['%.16e'] * 6) + '\n', grade='%f',
)  # fmt: skip
_STRESS_HEADING = ' PlusStress:  xx          yy          zz          yz          xz          xy\n'


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
        layout: _Layout,
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
            text += _STRESS_HEADING + self.layout.stress % tuple(virial.tolist())
        return text

    def feature_lines(self, index: int) -> Iterator[str]:
        features = dict(self.features[index]) if self.features is not None else {}
        if self.frames.grades is not None and not np.isnan(self.frames.grades[index]):
            features[MV_GRADE] = self.layout.grade % float(self.frames.grades[index])
        for key, value in sorted(features.items()):
            name = ''.join(_ESCAPED.get(character, character) for character in key)
            yield from (f' Feature   {name}\t{line}\n' for line in value.split('\n'))
