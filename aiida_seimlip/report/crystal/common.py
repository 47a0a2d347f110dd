"""What the reports on properties of crystals have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from aiida_seimlip.options.crystal.results import ModelRecord, PropertyComparison
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


def who(crystal: str, model: str) -> list[Cell]:
    """Return the first cells of a row.

    :param crystal: its name.
    :param model: its name.
    """
    return [Cell(crystal), Cell(model)]
