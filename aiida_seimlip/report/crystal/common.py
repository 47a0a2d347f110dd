"""What the reports on properties of crystals have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from aiida_seimlip.options.crystal.results import ModelRecord, PropertyComparison
from aiida_seimlip.report.expected import EXPECTED, describe_expected, expected_cells, is_known
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Section
from aiida_seimlip.report.tables import Cell, Column, Table

Comparison = TypeVar('Comparison', bound=PropertyComparison)

WHO = (Column('crystal', 'crystal', is_number=False), Column('model', 'model', is_number=False))
"""First columns of all tables."""
GRADE = Column('highest_grade', 'highest grade', digits=2)


def chapter_of(facts: PropertyFacts, title: str, comparison: PropertyComparison | None) -> Section:
    """Return the section that opens the chapter: what was compared with what.

    :param facts: on the process.
    :param title: of the chapter.
    :param comparison: what was found, None if nothing was.
    """
    said = ' '.join(facts.doubts())
    if comparison is not None:
        models = '; '.join(f'{name}: {method}' for name, method in comparison.methods.items() if method)
        against = '' if comparison.reference is None else f' Deviations are from {comparison.reference}.'
        said = f'{said} Models: {models}.{against}'.strip()
    return Section(facts.anchor('chapter'), title, said, is_chapter=True, tiles=(facts.time_tile(),))


def sections_with(facts: PropertyFacts, tables: Sequence[Table], crystals: Sequence[Any]) -> list[Section]:
    """Return a section for each table that has rows, one on doubts, and those on what was run.

    :param facts: on the process.
    :param tables: whose captions become titles.
    :param crystals: records with a ``name`` and ``models``.
    """
    sections = [
        Section(facts.anchor(table.name), table.caption.split(',')[0], tables=(table,))
        for table in tables if table.rows
    ]  # fmt: skip
    expected = expected_table(crystals)
    if expected.rows:
        lead = 'Of the force on the atom with the highest grade on the frames used, by its calibration.'
        sections.append(Section(facts.anchor('expected'), expected.caption, lead, tables=(expected,)))
    points = tuple(doubts_of(crystals))
    if points:
        sections.append(Section(facts.anchor('doubts'), 'What to distrust', points=points))
    return [*sections, *facts.runs()]


def doubts_of(crystals: Sequence[Any]) -> Iterator[str]:
    """Yield what is missing of the models of each crystal, and what to distrust.

    :param crystals: records with a ``name`` and ``models``.
    """
    for crystal in crystals:
        models: Mapping[str, ModelRecord] = crystal.models
        for name, record in models.items():
            if record.failure is not None:
                yield f'{crystal.name}, {name}: {record.failure}'
            for doubt in record.doubts:
                yield f'{crystal.name}, {name}: {doubt}'
    unknown: dict[str, None] = {}
    for crystal in crystals:
        for name, record in crystal.models.items():
            expected = record.expected_force_error
            if record.highest_grade is not None and not is_known(expected):
                is_calibrated = expected is not None and expected.largest_grade is not None
                whose = f'{crystal.name}, {name}' if is_calibrated else name
                unknown[f'{whose}: {describe_expected(expected)}.'] = None
    yield from unknown


def expected_table(crystals: Sequence[Any]) -> Table:
    """Return the errors of forces that are to be expected of models that know grades.

    :param crystals: records with a ``name`` and ``models``.
    """
    columns = (*WHO, GRADE, *EXPECTED, Column('remark', 'remark', is_number=False, in_paper=False))
    rows = [
        [*who(crystal.name, name), Cell(record.highest_grade), *expected_cells(record.expected_force_error),
         Cell(describe_expected(record.expected_force_error))]
        for crystal in crystals for name, record in crystal.models.items() if is_known(record.expected_force_error)
    ]  # fmt: skip
    return Table('expected_errors', 'Errors of forces that are to be expected', columns, rows)


def who(crystal: str, model: str) -> list[Cell]:
    """Return the first cells of a row.

    :param crystal: its name.
    :param model: its name.
    """
    return [Cell(crystal), Cell(model)]
