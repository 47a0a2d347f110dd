"""MLIP-3's potential files (``.almtp``, ``.mtp``), read and written, active set included.

A file is text up to ``#MVS_v1.1``. Behind it stand the weights of the selection, the matrices A and A⁻¹ in binary
(little-endian float64, row by row), the configuration and equation that each row stems from, and the active
configurations as text in full precision.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from ase.data import chemical_symbols

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg, write_cfg
from aiida_seimlip.science.formats.source import load_source
from aiida_seimlip.science.mtp.potential import ActiveSet, MomentTensorPotential

ACTIVE_SET_MARK = b'\n#MVS_v1.1\n'
"""Begin of the active set. A file without it is a checkpoint or an untrained potential and cannot grade."""

RADIAL_BASIS_TYPES = ('RBChebyshev',)
"""The radial bases that this package can evaluate."""

SELECTED_EQUATIONS = 'selected_eqn_inds'
"""Feature with the numbers of the equations that a configuration contributes to an active set."""

_WEIGHTS = ('energy_weight', 'force_weight', 'stress_weight', 'site_en_weight', 'weight_scaling')
_LARGEST = 10**6
_ROW = r'\{\s*\d{1,7}(?:\s*,\s*\d{1,7}){3}\s*\}'


def read_almtp(
    source: str | Path | BinaryIO | bytes, species: Sequence[str] | None = None, *, name: str | None = None
) -> MomentTensorPotential:
    """Read a potential: a template, a checkpoint, or a trained one with its active set.

    :param source: path, open binary file, or content.
    :param species: chemical symbols in type order; None stands for the first elements (H, He, ...). A template takes
        any number of species, whatever its ``species_count``.
    :param name: name of the file for messages; by default its path.
    :raises FormatError: if the content is not sound, or the potential has another number of species.
    """
    data, name = load_source(source, name)
    mark = data.find(ACTIVE_SET_MARK)
    other = re.search(rb'\n#[^\n]{0,40}', data if mark < 0 else data[:mark])
    if other:
        version = other.group().strip().decode('ascii', 'backslashreplace')
        message = f'`{version}` begins an active set of an unknown version.'
        raise FormatError(message, name=name, byte=other.start() + 1)
    potential = _TextReader(data if mark < 0 else data[:mark], name).potential(species)
    if mark < 0:
        return potential
    if not potential.is_trained:
        raise FormatError('There is an active set, but no coefficients.', name=name, byte=mark + 1)
    return potential.replace(active_set=_ActiveSetReader(data, mark + len(ACTIVE_SET_MARK), name, potential).read())


# -- text part --------------------------------------------------------------------------------------------------------


class _TextReader:
    """Reads the text of a potential line by line."""

    def __init__(self, data: bytes, name: str):
        self.name = name
        try:
            self.lines = data.decode('ascii').splitlines()
        except UnicodeDecodeError as exception:
            raise FormatError('This is not ASCII text.', name=name, byte=exception.start) from exception
        self.fields: dict[str, tuple[str, int]] = {}
        self.radial: list[list[list[float]]] = []
        self.labels: list[str] = []
        self.radial_line = 0

    def error(self, message: str, line: int | None = None) -> FormatError:
        return FormatError(message, name=self.name, line=len(self.lines) if line is None else line)

    def potential(self, species: Sequence[str] | None) -> MomentTensorPotential:
        self.split()
        count = self.integer('species_count')
        is_template = not self.radial
        if species is None:
            species = chemical_symbols[1 : count + 1]
        if len(species) != count and not is_template:
            symbols = ', '.join(species)
            message = f'The potential has {count} species, but the species list has {len(species)} ({symbols}).'
            raise self.error(message, self.fields['species_count'][1])
        arrays = self.moments()
        arrays |= {} if is_template else self.coefficients(count, arrays)
        return MomentTensorPotential(
            species=tuple(species),
            scaling=self.number('scaling') if 'scaling' in self.fields else 1.0,
            potential_name=self.text('potential_name'),
            potential_tag=self.text('potential_tag'),
            version=self.text('version'),
            **arrays,
        )

    # -- lines --------------------------------------------------------------------------------------------------------

    def split(self) -> None:
        """Split the text into fields and the block of radial coefficients."""
        if not self.lines or self.lines[0].strip() != 'MTP':
            raise self.error('The first line is not `MTP`.', 1)
        index = 1
        while index < len(self.lines):
            line = self.lines[index].strip()
            index += 1
            if line == 'radial_coeffs':
                self.radial_line = index
                index = self.split_radial(index)
            elif '=' in line:
                key, value = (part.strip() for part in line.split('=', 1))
                if key not in _FIELDS:
                    raise self.error(f'`{key}` is not a field of a potential.', index)
                if key in self.fields:
                    raise self.error(f'`{key}` is given twice.', index)
                self.fields[key] = value, index
            elif line:
                raise self.error(f'`{line[:40]}` is not understood.', index)
        missing = [key for key in _FIELDS if key not in self.fields and key not in _OPTIONAL]
        if missing:
            raise self.error(f'The file ends without `{missing[0]}`.')

    def split_radial(self, index: int) -> int:
        """Read the radial coefficients that begin with line `index` (from 0); return the first line behind them."""
        while index < len(self.lines):
            line = self.lines[index].strip()
            if re.fullmatch(r'\d+-\d+', line):
                self.labels.append(line)
                self.radial.append([])
            elif line.startswith('{') and self.radial:
                self.radial[-1].append(self.numbers(line, index + 1))
            else:
                break
            index += 1
        return index

    # -- values -------------------------------------------------------------------------------------------------------

    def text(self, key: str) -> str:
        return self.fields[key][0]

    def number(self, key: str) -> float:
        value, line = self.fields[key]
        return self.to_float(value, line)

    def integer(self, key: str) -> int:
        value, line = self.fields[key]
        if not re.fullmatch(r'\d{1,7}', value) or not 0 < int(value) <= _LARGEST:
            raise self.error(f'`{key}` is `{value[:40]}`, which is not a sensible number.', line)
        return int(value)

    def to_float(self, value: str, line: int) -> float:
        try:
            number = float(value) if '_' not in value else np.nan
        except ValueError:
            number = np.nan
        if not np.isfinite(number):
            raise self.error(f'`{value.strip()[:40]}` is not a finite number.', line)
        return number

    def numbers(self, value: str, line: int) -> list[float]:
        """Read ``{1.0, 2.0}``."""
        if not (value.startswith('{') and value.endswith('}')):
            raise self.error('The braces of a list are not closed.', line)
        return [self.to_float(item, line) for item in value[1:-1].split(',')] if value[1:-1].strip() else []

    def vector(self, key: str, length: int) -> np.ndarray:
        value, line = self.fields[key]
        vector = np.array(self.numbers(value, line))
        if vector.size != length:
            raise self.error(f'`{key}` holds {vector.size} numbers, expected {length}.', line)
        return vector

    def table(self, key: str, length: int) -> np.ndarray:
        """Read rows of four integers, ``{{0, 1, 0, 0}, {0, 0, 1, 0}}``."""
        value, line = self.fields[key]
        if not re.fullmatch(rf'\{{\s*(?:{_ROW}(?:\s*,\s*{_ROW})*)?\s*\}}', value):
            raise self.error(f'`{key}` is not a list of rows of four integers.', line)
        table = np.array(re.findall(r'\d+', value), dtype=int).reshape(-1, 4)
        if len(table) != length:
            raise self.error(f'`{key}` holds {len(table)} rows, expected {length}.', line)
        return table

    # -- parts of the potential ---------------------------------------------------------------------------------------

    def moments(self) -> dict[str, Any]:
        """Read the radial basis and the moments, and check that every index points to what exists."""
        basis = self.text('radial_basis_type')
        if basis not in RADIAL_BASIS_TYPES:
            known = ', '.join(RADIAL_BASIS_TYPES)
            message = f'The radial basis `{basis[:40]}` is not supported, only {known}.'
            raise self.error(message, self.fields['radial_basis_type'][1])
        min_dist, max_dist = self.number('min_dist'), self.number('max_dist')
        if not 0 <= min_dist < max_dist:
            raise self.error('`max_dist` is not above `min_dist`.', self.fields['max_dist'][1])
        n_radial, n_moments = self.integer('radial_funcs_count'), self.integer('alpha_moments_count')
        basic = self.table('alpha_index_basic', self.integer('alpha_index_basic_count'))
        self.check('alpha_index_basic', bool((basic[:, 0] < n_radial).all()) and len(basic) <= n_moments)
        times = self.table('alpha_index_times', self.count('alpha_index_times_count'))
        factors, products = times[:, :2], times[:, 3]
        ready = (factors < np.maximum(len(basic), products[:, None])).all() and (products >= len(basic)).all()
        self.check('alpha_index_times', bool(ready) and bool((times[:, [0, 1, 3]] < n_moments).all()))
        mapping = self.vector('alpha_moment_mapping', self.integer('alpha_scalar_moments'))
        whole = (mapping == np.rint(mapping)) & (mapping >= 0) & (mapping < n_moments)
        self.check('alpha_moment_mapping', bool(whole.all()))
        return {
            'min_dist': min_dist, 'max_dist': max_dist, 'radial_basis_type': basis,
            'radial_basis_size': self.integer('radial_basis_size'), 'radial_funcs_count': n_radial,
            'alpha_moments_count': n_moments, 'alpha_index_basic': basic, 'alpha_index_times': times,
            'alpha_moment_mapping': mapping.astype(int),
        }  # fmt: skip

    def count(self, key: str) -> int:
        """Read a number that may be zero."""
        return 0 if self.text(key) == '0' else self.integer(key)

    def check(self, key: str, is_sound: bool) -> None:
        if not is_sound:
            raise self.error(f'`{key}` points to moments or radial functions that do not exist.', self.fields[key][1])

    def coefficients(self, n_species: int, sizes: dict[str, Any]) -> dict[str, np.ndarray]:
        expected = [f'{i}-{j}' for i in range(n_species) for j in range(n_species)]
        if self.labels != expected:
            labels = f'{self.labels[0]} to {self.labels[-1]}' if self.labels else 'none'
            message = f'The radial coefficients are for the types {labels}, expected {expected[0]} to {expected[-1]}.'
            raise self.error(message, self.radial_line)
        shape = (sizes['radial_funcs_count'], sizes['radial_basis_size'])
        if any(len(block) != shape[0] or any(len(row) != shape[1] for row in block) for block in self.radial):
            raise self.error(f'The radial coefficients are not {shape[0]} rows of {shape[1]} each.', self.radial_line)
        coefficients = {'radial_coeffs': np.array(self.radial).reshape(n_species, n_species, *shape)}
        lengths = {'species_coeffs': n_species, 'moment_coeffs': len(sizes['alpha_moment_mapping'])}
        known = {key: self.vector(key, length) for key, length in lengths.items() if key in self.fields}
        return coefficients | known


_FIELDS = (
    'version', 'potential_name', 'scaling', 'species_count', 'potential_tag', 'radial_basis_type', 'min_dist',
    'max_dist', 'radial_basis_size', 'radial_funcs_count', 'alpha_moments_count', 'alpha_index_basic_count',
    'alpha_index_basic', 'alpha_index_times_count', 'alpha_index_times', 'alpha_scalar_moments',
    'alpha_moment_mapping', 'species_coeffs', 'moment_coeffs',
)  # fmt: skip
_OPTIONAL = ('scaling', 'species_coeffs', 'moment_coeffs')


# -- active set -------------------------------------------------------------------------------------------------------


class _ActiveSetReader:
    """Reads what stands behind the mark of the active set."""

    def __init__(self, data: bytes, position: int, name: str, potential: MomentTensorPotential):
        self.data = data
        self.position = position
        self.name = name
        self.potential = potential

    def error(self, message: str) -> FormatError:
        return FormatError(message, name=self.name, byte=self.position)

    def read(self) -> ActiveSet:
        n = self.potential.n_parameters
        weights = {key: self.weight(key) for key in _WEIGHTS}
        self.mark(b'#')
        matrix, inverse = self.matrix(n, 'A'), self.matrix(n, 'A⁻¹')
        self.mark(b'\n#\n')
        origins = np.array([self.origin() for _ in range(n)], dtype=int).reshape(n, 2)
        self.mark(b'#\n')
        begin = self.position
        try:
            cfg = read_cfg(self.data[begin:], self.potential.species, name=self.name)
        except FormatError as exception:
            message = f'The active configurations are not sound (line {exception.line} of them): {exception.reason}'
            raise self.error(message) from exception
        if origins[:, 0].max() >= len(cfg.frames):
            raise self.error(f'The active set refers to more than its {len(cfg.frames)} configurations.')
        return ActiveSet(matrix, inverse, origins, cfg.frames, weights, tuple(cfg.features))

    def line(self) -> bytes:
        end = self.data.find(b'\n', self.position)
        if end < 0:
            raise self.error('The file ends inside the active set.')
        return self.data[self.position : end]

    def mark(self, mark: bytes) -> None:
        if not self.data.startswith(mark, self.position):
            raise self.error(f'The mark {mark.decode()!r} of the active set is missing.')
        self.position += len(mark)

    def weight(self, key: str) -> float:
        line = self.line()
        words = line.split()
        try:
            value = float(words[1]) if len(words) == 2 and words[0] == key.encode() else np.nan
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise self.error(f'`{key}` of the active set is missing or no number.')
        self.position += len(line) + 1
        return value

    def matrix(self, n: int, label: str) -> np.ndarray:
        size = 8 * n * n
        if len(self.data) < self.position + size:
            raise self.error(f'The file ends inside the matrix {label} of the active set.')
        matrix = np.frombuffer(self.data, '<f8', n * n, self.position).reshape(n, n).astype(float)
        wrong = np.flatnonzero(~np.isfinite(matrix))
        if wrong.size:
            self.position += 8 * int(wrong[0])
            raise self.error(f'The matrix {label} of the active set holds a value that is not finite.')
        self.position += size
        return matrix

    def origin(self) -> tuple[int, int]:
        line = self.line()
        if not re.fullmatch(rb'(-1|\d{1,9}) (-1|\d{1,9})', line):
            raise self.error('A row of the active set lacks its configuration and equation.')
        self.position += len(line) + 1
        configuration, equation = line.split()
        return int(configuration), int(equation)


# -- writing ----------------------------------------------------------------------------------------------------------


def write_almtp(potential: MomentTensorPotential) -> bytes:
    """Return the content of a file that MLIP-3 reads; for a trained potential, in the very layout of MLIP-3.

    :param potential: untrained potentials become templates.
    """
    content = '\n'.join(_text(potential)).encode()
    if potential.radial_coeffs is None:
        return content + b'\n'
    return content if potential.active_set is None else content + _active_set(potential, potential.active_set)


def _text(potential: MomentTensorPotential) -> list[str]:
    is_template = potential.radial_coeffs is None
    number: Callable[[float], str] = '{:g}'.format if is_template else '{:.15e}'.format

    def rows(table: np.ndarray) -> str:
        return '{' + ', '.join(_braces(row, str) for row in table.tolist()) + '}'

    lines = ['MTP', f'version = {potential.version}', f'potential_name = {potential.potential_name}']
    lines += [] if is_template else [f'scaling = {number(potential.scaling)}']
    lines += [
        f'species_count = {potential.n_species}',
        f'potential_tag = {potential.potential_tag}',
        f'radial_basis_type = {potential.radial_basis_type}',
        f'\tmin_dist = {number(potential.min_dist)}',
        f'\tmax_dist = {number(potential.max_dist)}',
        f'\tradial_basis_size = {potential.radial_basis_size}',
        f'\tradial_funcs_count = {potential.radial_funcs_count}',
    ]
    if potential.radial_coeffs is not None:
        lines.append('\tradial_coeffs')
        for i, j in np.ndindex(potential.n_species, potential.n_species):
            lines.append(f'\t\t{i}-{j}')
            lines += [f'\t\t\t{_braces(row, number)}' for row in potential.radial_coeffs[i, j].tolist()]
    lines += [
        f'alpha_moments_count = {potential.alpha_moments_count}',
        f'alpha_index_basic_count = {len(potential.alpha_index_basic)}',
        f'alpha_index_basic = {rows(potential.alpha_index_basic)}',
        f'alpha_index_times_count = {len(potential.alpha_index_times)}',
        f'alpha_index_times = {rows(potential.alpha_index_times)}',
        f'alpha_scalar_moments = {potential.n_moments}',
        f'alpha_moment_mapping = {_braces(potential.alpha_moment_mapping.tolist(), str)}',
    ]
    if potential.species_coeffs is not None:
        lines.append(f'species_coeffs = {_braces(potential.species_coeffs.tolist(), number)}')
    if potential.moment_coeffs is not None:
        lines.append(f'moment_coeffs = {_braces(potential.moment_coeffs.tolist(), number)}')
    return lines


def _braces(values: list[Any], form: Callable[[Any], str]) -> str:
    return '{' + ', '.join(map(form, values)) + '}'


def _active_set(potential: MomentTensorPotential, active_set: ActiveSet) -> bytes:
    weights = [f'{key} {active_set.weights.get(key, 0.0):.16e}\n' for key in _WEIGHTS[:-1]]
    weights.append(f'{_WEIGHTS[-1]} {active_set.weights.get(_WEIGHTS[-1], 2.0):g}\n#')
    origins = ''.join(f'{configuration} {equation}\n' for configuration, equation in active_set.origins.tolist())
    configurations = io.BytesIO()
    features = _with_equations(active_set)
    write_cfg(configurations, active_set.frames, potential.species, features=features, decimals=None)
    return b''.join((
        ACTIVE_SET_MARK, *(weight.encode() for weight in weights),
        active_set.matrix.astype('<f8').tobytes(), active_set.inverse.astype('<f8').tobytes(),
        b'\n#\n', origins.encode(), b'#\n', configurations.getvalue(),
    ))  # fmt: skip


def _with_equations(active_set: ActiveSet) -> list[dict[str, str]]:
    """Return the features of the active configurations, with the equations that each contributes."""
    features = [dict(item) for item in active_set.features] or [{} for _ in range(len(active_set.frames))]
    for index, item in enumerate(features):
        equations = np.unique(active_set.origins[active_set.origins[:, 0] == index, 1])
        item[SELECTED_EQUATIONS] = ','.join(map(str, equations.tolist()))
    return features
