"""Labelled frames from an `OUTCAR`: each calculation in it that is a label is one.

A calculation goes from its electronic iterations over the stress, the cell, and the positions and forces to the line
with the free energy, which VASP 4 writes before all but the iterations. Positions have five decimals; a `vasprun.xml`
has more.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.numerals import to_number
from aiida_seimlip.science.formats.vasp.found import (
    NO_ENERGY,
    NO_FORCES,
    PREDICTED,
    Calculation,
    Collected,
    VaspFrames,
    band_refusal,
    not_converged,
    open_maybe_compressed,
    refuse_band,
)
from aiida_seimlip.science.formats.vasp.method import method_label
from aiida_seimlip.science.formats.vasp.output import COUNTS, VaspOutputError, read_outcar_species
from aiida_seimlip.science.formats.vasp.vasprun import NO_SHEAR

VERSION = re.compile(r'\s*vasp\.(\d+)')
SETTING = re.compile(r'\s+(NELM|ISIF|IMAGES|METAGGA|GGA|LHFCALC|AEXX|HFSCREEN|LDAU|IVDW|LVDW|LUSE_VDW)\s*=\s*([^;\s]+)')
TITLE = re.compile(r' POTCAR:\s+(\S.*)')
ITERATION = re.compile(r'-+ Iteration\s+(\d+)\(\s*(\d+)\)')
LATTICE = 'direct lattice vectors'
STRESS = '  in kB '
FORCES = ' POSITION '
ENERGY = re.compile(r'  free  energy (ML|\s) TOTEN  =\s*(\S+) eV')
BAND = re.compile(r'\s*(NEB: |CHAIN \+ TOTAL)')
REACHED = 'EDIFF is reached'
END = 'General timing and accounting'

ASE_ORDER = [0, 1, 2, 4, 5, 3]
"""Where in VASP's order XX YY ZZ XY YZ ZX the components xx yy zz yz xz xy stand."""

EXACT_MESSAGE = 6
"""From this version on VASP says whether EDIFF was reached; before, it says so after NELM steps as well. It also
repeats the INCAR in the OUTCAR, which tells all of the method."""

DEFAULT_NELM = '60'
NOT_ALL_TOLD = 'An OUTCAR before VASP 6 tells the GGA, but neither a meta-GGA nor a correction for dispersion.'


def read_outcar(path: str | Path) -> VaspFrames:
    """Read single points, relaxations or molecular dynamics with VASP 4.6, 5 or 6.

    What VASP's own force field predicted is no label. A file that is cut off gives its complete calculations.

    :param path: of the file, which may be compressed by gzip.
    :raises FormatError: if it is no OUTCAR, or ends before its first calculation.
    """
    name = str(path)
    with open_maybe_compressed(path) as handle:
        lines = (line.decode('latin-1') for line in handle)
        try:
            return _Reader(lines, name).read()
        except VaspOutputError as exception:
            raise FormatError(f'This is no OUTCAR that can be read: {exception}.', name=name) from exception
        except (OSError, EOFError) as exception:
            raise FormatError(f'The file cannot be decompressed: {exception}.', name=name) from exception


class _Reader:
    """Reads one file from front to back."""

    def __init__(self, lines: Iterator[str], name: str):
        self.lines = lines
        self.collected = Collected(name)
        self.tags: dict[str, str] = {}
        self.titles: list[str] = []
        self.version = 0
        self.n_atoms = 0
        self.is_prediction_pending = False
        self.cell: np.ndarray | str | None = None
        self.begin()

    def begin(self) -> None:
        """Forget the calculation that has ended; the cell stays until there is a new one."""
        self.n_electronic, self.is_reached = 0, False
        self.pressures: np.ndarray | str | None = None
        self.table: np.ndarray | str | None = None
        self.energy: str | None = None

    def read(self) -> VaspFrames:
        head = self.head()
        numbers = read_outcar_species(head)
        self.n_atoms = len(numbers)
        refuse_band(self.tags, self.collected.name)
        is_complete = False
        for line in self.lines:
            is_complete = is_complete or END in line
            self.take(line)
        if is_complete:
            self.close()
        self.leave_out_prediction()
        if not len(self.collected):
            raise VaspOutputError('it ends before its first calculation has ended')
        may_be_more = self.version < EXACT_MESSAGE
        notes = [NO_SHEAR] if self.tags.get('ISIF') == '1' else []
        notes += [NOT_ALL_TOLD] if may_be_more else []
        found = self.collected.pack(numbers, method_label(self.tags, self.titles), is_complete, notes)
        return replace(found, may_be_more=may_be_more)

    def head(self) -> list[str]:
        """Return the lines up to the first calculation, and keep what they say of the method."""
        head = []
        for line in self.lines:
            if ITERATION.match(line) or ENERGY.match(line):
                self.take(line)
                break
            head.append(line)
            if match := VERSION.match(line):
                self.version = self.version or int(match.group(1))
            elif match := SETTING.match(line):
                self.take_setting(match.group(1), match.group(2))
            elif match := TITLE.match(line):
                self.titles.append(match.group(1).strip())
            elif LATTICE in line:
                self.cell = _rows(self.lines, 3, 6, 3)
        if not any(COUNTS in line for line in head):
            raise VaspOutputError('it does not tell how many atoms of each element there are')
        return head

    def take_setting(self, name: str, value: str) -> None:
        """Keep a setting; what VASP calls METAGGA behind the INCAR tells of something else."""
        if name != 'METAGGA' or value not in ('T', 'F'):
            self.tags[name] = value

    def take(self, line: str) -> None:
        """Take what one line says."""
        if match := ITERATION.match(line):
            if match.group(2) == '1':
                self.close()
            self.n_electronic = int(match.group(2))
            self.is_prediction_pending = False  # the same step is computed as well
        elif REACHED in line:
            self.is_reached = True
        elif LATTICE in line:
            self.cell = _rows(self.lines, 3, 6, 3)
        elif line.startswith(STRESS):
            self.pressures = _numbers(line[len(STRESS) :], 6, 6)
        elif line.startswith(FORCES) and 'TOTAL-FORCE' in line and '(ML)' not in line:
            next(self.lines, '')
            self.table = _rows(self.lines, self.n_atoms, 9 if 'vdW' in line else 6, 6)
            self.end()
        elif match := ENERGY.match(line):
            self.take_energy(match.group(2), is_predicted=match.group(1) == 'ML')
        elif BAND.match(line):
            raise band_refusal(line.split(maxsplit=1)[0].rstrip(':'), self.collected.name)

    def take_energy(self, energy: str, *, is_predicted: bool) -> None:
        """Take a free energy, or note that a force field predicted it."""
        if not is_predicted:
            self.leave_out_prediction()
            self.energy = energy
            self.end()
            return
        self.close()
        self.leave_out_prediction()
        self.is_prediction_pending = True

    def end(self) -> None:
        """Take the calculation if it has forces and energy, whichever comes last: VASP 4 writes the energy first."""
        if self.table is not None and self.energy is not None:
            self.collected.add(self.calculation(self.energy), self.n_atoms)
            self.begin()

    def close(self) -> None:
        """Leave out a calculation that has not ended before the next one begins."""
        if self.table is not None or self.energy is not None:
            self.collected.add(NO_FORCES if self.table is None else NO_ENERGY, self.n_atoms)
        self.begin()

    def leave_out_prediction(self) -> None:
        """Count a step of which there is nothing but what a force field predicted."""
        if self.is_prediction_pending:
            self.collected.add(PREDICTED, self.n_atoms)
        self.is_prediction_pending = False

    def calculation(self, energy: str) -> Calculation | str:
        """Return the calculation, or why it is left out."""
        nelm = int(_whole(self.tags.get('NELM', DEFAULT_NELM)))
        if not self.is_reached or (self.n_electronic >= nelm and self.version < EXACT_MESSAGE):
            return not_converged(self.n_electronic, nelm)
        if self.cell is None:
            return 'It holds no cell.'
        pressures = None if self.tags.get('ISIF') == '1' else self.pressures
        number = _numbers(energy, 1, 1)
        for part in (self.table, self.cell, pressures, number):
            if isinstance(part, str):
                return part
        assert isinstance(self.table, np.ndarray)
        assert not isinstance(self.cell, str)
        assert not isinstance(pressures, str)
        ordered = None if pressures is None else pressures[ASE_ORDER]
        return Calculation(self.cell, self.table[:, :3], float(number[0]), self.table[:, 3:], ordered)


def _rows(lines: Iterator[str], n_rows: int, n_columns: int, n_wanted: int) -> np.ndarray | str:
    """Return the first numbers of the next lines, or why they cannot be read."""
    rows = [_numbers(line, n_columns, n_wanted) for line in itertools.islice(lines, n_rows)]
    for row in rows:
        if isinstance(row, str):
            return row
    return np.array(rows) if len(rows) == n_rows else 'It is not complete.'


def _numbers(text: str, n_columns: int, n_wanted: int) -> np.ndarray | str:
    """Return the first numbers of a line, which may touch each other where one is negative, or what is wrong."""
    words = re.sub(r'(?<=[0-9])-', ' -', text).split()
    try:
        values = [to_number(word) for word in words[:n_wanted]]
    except ValueError:
        values = []
    if len(words) != n_columns or not values:
        return f'A number in it cannot be read: `{text.strip()[:60]}`.'
    return np.array(values)


def _whole(text: str) -> str:
    if not re.fullmatch(r'[0-9]{1,9}', text):
        raise VaspOutputError(f'NELM is `{text[:20]}`, which is no number')
    return text
