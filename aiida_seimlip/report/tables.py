r"""Tables of a report: for the page, as CSV with all digits, and as LaTeX for a paper.

The LaTeX needs the package ``booktabs`` and nothing else.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiida_seimlip.report import words

Content = float | int | str | bool | tuple[float, float] | None
"""What a cell holds; a pair of numbers is an interval."""

LATEX_SPECIAL = {
    '\\': r'\textbackslash{}', '&': r'\&', '%': r'\%', '$': r'\$', '#': r'\#', '_': r'\_', '{': r'\{', '}': r'\}',
    '~': r'\textasciitilde{}', '^': r'\textasciicircum{}', '<': r'$<$', '>': r'$>$', 'Å': r'\AA{}', '–': '--',
    '−': '$-$', '·': r'$\cdot$', '×': r'$\times$', '→': r'$\to$', 'γ': r'$\gamma$', 'σ': r'$\sigma$', 'Δ': r'$\Delta$',
    '…': r'\dots{}', '°': r'$^\circ$', '±': r'$\pm$', '\u202f': r'\,', '≥': r'$\geq$', '≤': r'$\leq$',
}  # fmt: skip
RAISED = dict(zip('⁰¹²³⁴⁵⁶⁷⁸⁹⁻', '0123456789-', strict=True))
LOWERED = dict(zip('₀₁₂₃₄₅₆₇₈₉ₐ', '0123456789a', strict=True))


@dataclass(frozen=True)
class Cell:
    """One entry of a table.

    :param value: a number, a text, an interval, or None where there is nothing.
    :param uncertainty: standard uncertainty of a number, in the same unit.
    :param is_best: whether it is the best of its row, which stands out on the page.
    """

    value: Content = None
    uncertainty: float | None = None
    is_best: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a table.

    :param key: its name in CSV, with the unit, such as ``D_m2_per_s``.
    :param title: its name on the page and in LaTeX.
    :param unit: of all numbers in it.
    :param digits: significant digits of numbers without uncertainty; the ends of intervals have one less.
    :param decimals: digits behind the point instead, where what is smaller means nothing.
    :param is_exact: whether numbers are written as they are, such as a temperature that was asked for.
    :param is_share: whether numbers are shares from 0 to 1, to be written in percent.
    :param is_number: whether it holds numbers or intervals, which are aligned to the right.
    :param in_paper: whether it is part of the table in LaTeX.
    :param on_page: whether it is part of the table on a page.
    """

    key: str
    title: str
    unit: str = ''
    digits: int = 3
    decimals: int | None = None
    is_exact: bool = False
    is_share: bool = False
    is_number: bool = True
    in_paper: bool = True
    on_page: bool = True

    def write(self, cell: Cell) -> str:
        """Return a cell as plain text, numbers in the notation of computers.

        :param cell: of this column.
        """
        value = cell.value
        if value is None or value == '':
            return words.UNKNOWN
        if isinstance(value, bool):
            return 'yes' if value else 'no'
        if isinstance(value, tuple):
            return words.interval(*value, digits=self.digits - 1)
        return value if isinstance(value, str) else self._write_number(value, cell.uncertainty)

    def _write_number(self, value: float, uncertainty: float | None) -> str:
        if self.is_share:
            return words.share(value)
        if math.isfinite(value) and (isinstance(value, int) or self.is_exact):
            return f'{value:.12g}'
        if math.isfinite(value) and self.decimals is not None and uncertainty is None:
            return f'{round(value, self.decimals) + 0.0:.{self.decimals}f}'
        return words.with_uncertainty(value, uncertainty, digits=self.digits)

    def show(self, cell: Cell) -> str:
        """Return a cell as it stands on the page.

        :param cell: of this column.
        """
        if isinstance(cell.value, tuple):
            low, high = self.write(cell).split(' to ')
            return f'{words.typeset(low)} to {words.typeset(high)}'
        return self.write(cell) if isinstance(cell.value, str) else words.typeset(self.write(cell))


@dataclass(frozen=True)
class Table:
    """A table.

    :param name: of its file, without ending.
    :param caption: a sentence on what it shows.
    :param columns: in order.
    :param rows: cells in the order of the columns.
    """

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def to_csv(self) -> str:
        """Return the table as CSV with all digits.

        A column with uncertainties is followed by one of them (``_std``), a column of intervals becomes two (``_low``
        and ``_high``); what is not known is left empty.
        """
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator='\n')
        columns = [[row[number] for row in self.rows] for number in range(len(self.columns))]
        parts = [_csv_columns(column.key, cells) for column, cells in zip(self.columns, columns, strict=True)]
        flat = [part for group in parts for part in group]
        writer.writerow([name for name, _ in flat])
        writer.writerows(zip(*(values for _, values in flat), strict=True))
        return buffer.getvalue()

    def to_latex(self) -> str:
        r"""Return the table as a LaTeX ``table`` with the rules of ``booktabs``.

        A row ends in ``\\``; columns that are too long for a paper are left out.
        """
        kept = [number for number, column in enumerate(self.columns) if column.in_paper]
        columns = [self.columns[number] for number in kept]
        heads = [latex(column.title) + (f' ({latex(column.unit)})' if column.unit else '') for column in columns]
        lines = [
            r'\begin{table}', r'  \centering', rf'  \caption{{{latex(self.caption)}}}', rf'  \label{{tab:{self.name}}}',
            rf'  \begin{{tabular}}{{{"".join("r" if column.is_number else "l" for column in columns)}}}',
            r'    \toprule', rf'    {" & ".join(heads)} \\', r'    \midrule',
        ]  # fmt: skip
        for row in self.rows:
            entries = [_latex_entry(self.columns[number], row[number]) for number in kept]
            lines.append(rf'    {" & ".join(entries)} \\')
        return '\n'.join([*lines, r'    \bottomrule', r'  \end{tabular}', r'\end{table}', ''])


def write_files(tables: Iterable[Table], folder: Path) -> list[Path]:
    """Write each table as CSV and as LaTeX, and return the paths.

    :param tables: with different names.
    :param folder: is made if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table in tables:
        for ending, text in (('csv', table.to_csv()), ('tex', table.to_latex())):
            path = folder / f'{table.name}.{ending}'
            path.write_text(text, encoding='utf-8')
            paths.append(path)
    return paths


def latex(text: str) -> str:
    """Write plain text for LaTeX, with its special characters, units and indices.

    :param text: such as ``m²/s`` or ``Li₂CO₃``.
    """
    text = ''.join(LATEX_SPECIAL.get(character, character) for character in text)
    text = re.sub(f'[{"".join(RAISED)}]+', lambda found: f'$^{{{_translate(found[0], RAISED)}}}$', text)
    return re.sub(f'[{"".join(LOWERED)}]+', lambda found: f'$_{{{_translate(found[0], LOWERED)}}}$', text)


def _translate(text: str, characters: dict[str, str]) -> str:
    return ''.join(characters[character] for character in text)


def _latex_entry(column: Column, cell: Cell) -> str:
    text = column.write(cell)
    if isinstance(cell.value, tuple):
        return ' to '.join(words.typeset_latex(number) for number in text.split(' to '))
    is_plain = isinstance(cell.value, bool | str | None) or column.is_share or text == words.UNKNOWN
    return latex(text) if is_plain else words.typeset_latex(text)


def _csv_columns(key: str, cells: Sequence[Cell]) -> Iterator[tuple[str, list[Content]]]:
    """Return one or more columns of CSV with their names."""
    if any(isinstance(cell.value, tuple) for cell in cells):
        pairs = [cell.value if isinstance(cell.value, tuple) else (None, None) for cell in cells]
        yield f'{key}_low', [low for low, _ in pairs]
        yield f'{key}_high', [high for _, high in pairs]
        return
    yield key, ['' if cell.value is None else cell.value for cell in cells]
    if any(cell.uncertainty is not None for cell in cells):
        yield f'{key}_std', ['' if cell.uncertainty is None else cell.uncertainty for cell in cells]
