"""The sections of a campaign's page on its starts: which ones survive, and where the errors come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiida_seimlip.report import words
from aiida_seimlip.report.campaign import plots, start_plots
from aiida_seimlip.report.campaign.facts import CampaignReport, Start
from aiida_seimlip.report.sections import Figure, Section
from aiida_seimlip.report.tables import Cell, Column, Table

MOST_ROWS = 60
"""Starts in the figure at most: those that fared worst; the table has all."""


def sections_of_starts(report: CampaignReport) -> Iterator[Section]:
    """Yield what is told about starts, where there is more than one, and about compositions and elements.

    :param report: what to tell.
    """
    if len(report.starts) > 1:
        yield _survival(report)
    if report.parts:
        yield _errors(report)


def order_of_trouble(starts: Sequence[Start]) -> list[Start]:
    """Return the starts, those that fare worst first."""
    return sorted(starts, key=lambda start: (not start.quarantined, -start.n_broken, start.n_survived, start.name))


def _survival(report: CampaignReport) -> Section:
    starts = order_of_trouble(report.starts)
    shown = starts[:MOST_ROWS]
    n_survivors = sum(start.n_survived == len(start.last) for start in starts)
    summary = (
        f'The last explorations under all conditions came to their end from {n_survivors} of {len(starts)} starts.'
    )
    outcomes = {run.exploration.outcome for start in shown for run in start.last.values()}
    legend = tuple(
        (plots.tile_colour(outcome), text) for outcome, text in plots.OUTCOME_WORDS.items() if outcome in outcomes
    )
    rest = '' if len(shown) == len(starts) else f' The {len(shown)} starts that fared worst; the table has all.'
    return Section(
        'starts', 'How each start fares',
        'Left: the last exploration under each condition, filled as far as it came; the number is the iteration in '
        f'which it was run. Right: how many explorations survived in each iteration.{rest}',
        figures=(Figure(start_plots.survival_matrix(shown), summary, legend),), tables=(_table(starts),),
    )  # fmt: skip


def _table(starts: Sequence[Start]) -> Table:
    columns = (
        Column('start', 'Start', is_number=False), Column('formula', 'Composition', is_number=False),
        Column('survived', 'Survived', is_number=False), Column('broken', 'Broken in a row'),
        Column('grade', 'Highest grade'), Column('worst', 'Last break', is_number=False),
        Column('quarantined', 'Quarantined', is_number=False, in_paper=False),
    )  # fmt: skip
    rows = [
        (
            Cell(start.name), Cell(start.formula), Cell(f'{start.n_survived} of {len(start.last)}'),
            Cell(start.n_broken), Cell(start.highest_grade), Cell(_last_break(start)), Cell(start.quarantined),
        )
        for start in starts
    ]  # fmt: skip
    return Table('starts', '', columns, rows)


def _last_break(start: Start) -> str:
    broken = [run for run in start.runs if run.exploration.outcome != 'completed']
    if not broken:
        return ''
    last = broken[-1].exploration
    return f'{broken[-1].condition}, iteration {last.iteration}, {words.share(last.survival)} of its steps'


def _errors(report: CampaignReport) -> Section:
    names = [part.name for part in report.parts]
    formulas = sorted({formula for part in report.parts for formula in part.by_formula})
    elements = sorted({symbol for part in report.parts for symbol in part.force_by_element})
    worst = max(
        ((errors.force, formula, part.name) for part in report.parts for formula, errors in part.by_formula.items()),
        default=None,
    )
    columns = [Column('composition', 'Composition', is_number=False)]
    for name in names:
        key = name.replace('-', '_')
        columns += [
            Column(f'{key}_frames', f'Frames, {name}'), Column(f'{key}_energy', f'Energy, {name}', 'meV/atom'),
            Column(f'{key}_force', f'Force, {name}', 'eV/Å'), Column(f'{key}_stress', f'Stress, {name}', 'GPa'),
        ]  # fmt: skip
    rows = []
    for formula in formulas:
        row = [Cell(formula)]
        for part in report.parts:
            found = part.by_formula.get(formula)
            values = (found.n_frames, found.energy, found.force, found.stress) if found is not None else (None,) * 4
            row += [Cell(value) for value in values]
        rows.append(tuple(row))
    by_element = [
        (Cell(symbol), *(Cell(part.force_by_element.get(symbol)) for part in report.parts)) for symbol in elements
    ]
    head = (Column('element', 'Element', is_number=False),)
    figure = start_plots.errors_by_part(report.parts)
    text = '' if worst is None else f'Largest force error: {words.number(worst[0])} eV/Å, {worst[1]} ({worst[2]}).'
    return Section(
        'parts', 'Where the errors come from',
        'Root-mean-square errors of the last potential by composition, and of the forces by element; forces and '
        'stresses per component.',
        figures=(Figure(figure, text),),
        tables=(
            Table('errors_by_composition', 'By composition', tuple(columns), rows),
            Table(
                'errors_by_element', 'Forces by element',
                (*head, *(Column(f'{name.replace("-", "_")}_force', name.capitalize(), 'eV/Å') for name in names)),
                by_element,
            ),
        ),
    )  # fmt: skip
