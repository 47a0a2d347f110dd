"""What LAMMPS prints: the thermodynamic output, how far a run got, and why it ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.numerals import to_number

_VERSION = re.compile(r'^LAMMPS \((.+)\)\s*$')
_TABLE = re.compile(r'^Per MPI rank memory allocation')
_OTHER_STYLE = re.compile(r'^(-+ Step\s|---\s*$)')
_LOOP = re.compile(r'^Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms')
_ERROR = re.compile(r'^ERROR(?: on proc \d+)?: (.+?)(?: \(\S+:\d+\))?\s*$')
_LOST = re.compile(r'Lost atoms: original (\d+) current (\d+)')
_ATOMS = re.compile(r'^\s+(\d+) atoms\s*$')
_TIMEOUT = re.compile(r'^(?:WARNING: )?Wall time limit reached')
_WARNING = re.compile(r'^WARNING: (.+?)(?: \(\S+:\d+\))?\s*$')
_TOTAL = re.compile(r'^Total wall time: (\d+):(\d\d):(\d\d)')


@dataclass(frozen=True)
class LammpsRun:
    """One finished ``run`` or ``minimize``.

    :param n_steps: number of steps that were done.
    :param n_atoms: number of atoms.
    :param seconds: wall time of the loop.
    """

    n_steps: int
    n_atoms: int
    seconds: float


@dataclass(frozen=True, eq=False)
class LammpsLog:
    """The content of a log file or of what LAMMPS printed.

    A log that ends in mid-air, as it does when MLIP-3 breaks a run or the job is killed, is no error: it has neither
    `error` nor `completed`.

    :param thermo: thermodynamic output by column name (as printed, ``Step`` included), all runs one after the other,
        NaN where a run did not print that column; each of shape (n_rows,).
    :param run_indices: which run each row belongs to, from 0; shape (n_rows,).
    :param completed: whether LAMMPS ended by itself and without an error (``Total wall time`` is there).
    :param timed_out: whether LAMMPS stopped a run at the limit of ``timer timeout``.
    :param error: LAMMPS' own error message, without the place in its source, or None.
    :param warnings: LAMMPS' warnings.
    :param n_atoms: number of atoms read or created, or None if the log does not say.
    :param n_atoms_lost: how many atoms were lost, from the error message, else 0.
    :param runs: the runs that were finished.
    :param version: LAMMPS' version, or None if the log does not say.
    :param wall_time: in s, as LAMMPS counted it, or None if it did not end by itself.
    :param truncated: whether the last row of a table was cut; it is left out.
    :param n_other_rows: number of lines of numbers that stand in a table and are no rows of it, such as ``fix print``
        writes them.
    """

    thermo: dict[str, np.ndarray] = field(default_factory=dict)
    run_indices: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    completed: bool = False
    timed_out: bool = False
    error: str | None = None
    warnings: tuple[str, ...] = ()
    n_atoms: int | None = None
    n_atoms_lost: int = 0
    runs: tuple[LammpsRun, ...] = ()
    version: str | None = None
    wall_time: float | None = None
    truncated: bool = False
    n_other_rows: int = 0

    @property
    def steps(self) -> np.ndarray:
        """MD steps of the rows; shape (n_rows,)."""
        return self.thermo.get('Step', np.empty(0)).astype(np.int64)

    def at_steps(self, column: str, steps: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return a column at some MD steps, NaN where it was not printed.

        :param column: name of the column as printed, for example ``PotEng``.
        :param steps: MD steps; shape (n_steps,).
        """
        known = dict(zip(self.steps.tolist(), self.thermo.get(column, np.empty(0)).tolist(), strict=False))
        return np.array([known.get(int(step), np.nan) for step in steps])


def parse_log(text: str | bytes, *, name: str = 'log.lammps') -> LammpsLog:
    """Read a log file, or the standard output, of a run that ended in whatever way.

    :param text: its content.
    :param name: name of the file for messages.
    :raises FormatError: if it is not UTF-8, or the thermodynamic output is in another style than one line a step.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise FormatError('The content is not UTF-8 text.', name=name, byte=error.start) from error
    return _LogParser(text, name).log()


class _LogParser:
    """Walks through the lines once."""

    def __init__(self, text: str, name: str):
        self.name = name
        self.lines = text.split('\n')
        self.cut = self.lines.pop() != ''  # a line without a newline at its end may lack digits
        if self.cut:
            self.cut_line = text.rsplit('\n', 1)[-1]
        self.tables: list[tuple[list[str], list[list[float]]]] = []
        self.in_table = False
        self.n_other_rows = 0
        self.found: dict[str, object] = {}
        self.warnings: list[str] = []
        self.runs: list[LammpsRun] = []

    def log(self) -> LammpsLog:
        expect_header = False
        for number, line in enumerate(self.lines, start=1):
            if expect_header:
                self._header(line, number)
                expect_header = False
            elif _TABLE.match(line):
                expect_header = True
            elif not (self.in_table and self._row(line)):
                self._message(line)
        truncated = self.cut and self.in_table
        if self.cut:
            self._message(self.cut_line)
        thermo, run_indices = self._join()
        return LammpsLog(
            thermo=thermo, run_indices=run_indices, warnings=tuple(self.warnings), runs=tuple(self.runs),
            truncated=truncated, n_other_rows=self.n_other_rows, **self.found,  # type: ignore[arg-type]
        )  # fmt: skip

    def _header(self, line: str, number: int) -> None:
        columns = line.split()
        if _OTHER_STYLE.match(line):
            raise FormatError(
                'Thermodynamic output in style multi or yaml is not supported.', name=self.name, line=number
            )
        if not columns or len(set(columns)) != len(columns):
            raise FormatError(f'`{line.strip()}` is not a header of a table.', name=self.name, line=number)
        self.tables.append((columns, []))
        self.in_table = True

    def _row(self, line: str) -> bool:
        """Add a row to the present table, if it is one; return whether the line holds numbers alone."""
        columns, rows = self.tables[-1]
        tokens = line.split()
        values = _floats(tokens)
        if values is None or not tokens:
            return False
        fits = len(values) == len(columns)
        if not fits or ('Step' in columns and not values[columns.index('Step')].is_integer()):
            self.n_other_rows += 1  # `fix print` writes into the table
        else:
            rows.append(values)
        return True

    def _message(self, line: str) -> None:
        if match := _LOOP.match(line):
            self.in_table = False
            seconds = (_floats([match[1]]) or [np.nan])[0]
            self.runs.append(LammpsRun(n_steps=int(match[2]), n_atoms=int(match[3]), seconds=seconds))
        elif match := _ERROR.match(line):
            self.in_table = False
            self.found.setdefault('error', match[1])
            if lost := _LOST.search(line):
                self.found['n_atoms_lost'] = int(lost[1]) - int(lost[2])
        elif _TIMEOUT.match(line):
            self.found['timed_out'] = True
        elif match := _WARNING.match(line):
            self.warnings.append(match[1])
        elif match := _TOTAL.match(line):
            self.found['wall_time'] = 3600.0 * int(match[1]) + 60.0 * int(match[2]) + float(match[3])
            self.found['completed'] = 'error' not in self.found
        elif match := _VERSION.match(line):
            self.found.setdefault('version', match[1])
        elif match := _ATOMS.match(line):
            self.found['n_atoms'] = int(match[1])

    def _join(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Put the tables of all runs one after the other."""
        sizes = [len(rows) for _, rows in self.tables]
        run_indices = np.repeat(np.arange(len(sizes)), sizes)
        thermo: dict[str, np.ndarray] = {}
        for index, (columns, rows) in enumerate(self.tables):
            values = np.array(rows).reshape(-1, len(columns))
            for column, numbers in zip(columns, values.T, strict=True):
                target = thermo.setdefault(column, np.full(run_indices.size, np.nan))
                target[run_indices == index] = numbers
        return thermo, run_indices


def _floats(tokens: Sequence[str]) -> list[float] | None:
    """Return the tokens as numbers, or None if one of them is none."""
    try:
        return [to_number(token) for token in tokens]
    except ValueError:
        return None
