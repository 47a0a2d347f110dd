"""The report on what `SeiWorkChain` has found, as sections of a page and as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from aiida import orm
from tabulate import tabulate

from aiida_seimlip.options.sei.results import SeiResults
from aiida_seimlip.report.sections import Section
from aiida_seimlip.report.sei.tables import sei_tables
from aiida_seimlip.report.tables import Table

LIMIT = 20
"""As many runs that broke are named."""


def results_of(node: orm.WorkChainNode) -> SeiResults | None:
    """Return what a workflow has found, None if it did not come to that.

    :param node: a `SeiWorkChain` in any state.
    """
    return SeiResults.model_validate(node.outputs.results.get_dict()) if 'results' in node.outputs else None


def sei_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report as sections; the first one opens a chapter.

    :param node: a `SeiWorkChain` in any state.
    """
    results = results_of(node)
    if results is None:
        return [
            Section(f'sei-{node.pk}', 'One potential for the interphase', is_chapter=True, lead=node.exit_message or '')
        ]
    chapter = Section(
        f'sei-{node.pk}', 'One potential for the interphase', is_chapter=True,
        lead=f'All errors are against {results.teacher}, which made the labels: no potential can be better than that.',
    )  # fmt: skip
    told = Section(f'sei-{node.pk}-told', 'How it ended', points=tuple(describe_ending(results)))
    return [chapter, told, *[_section(node, table) for table in sei_tables(results)]]


def _section(node: orm.WorkChainNode, table: Table) -> Section:
    titles = {'held_out': 'Errors by composition', 'potentials': 'Potentials', 'lattices': 'Crystals'}
    return Section(f'sei-{node.pk}-{table.name}', titles[table.name], tables=(table,))


def tables_of_node(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables, for a paper or a notebook.

    :param node: a `SeiWorkChain` in any state.
    """
    results = results_of(node)
    return [] if results is None else sei_tables(results)


def describe_ending(results: SeiResults) -> Iterator[str]:
    """Yield sentences on how the campaign ended, and on what still breaks.

    :param results: what was found.
    """
    how = 'converged' if results.is_converged else 'not converged'
    yield f'{how} after {results.n_iterations} iterations and {results.n_labels} labels by {results.teacher}.'
    if results.n_from_condensation:
        yield f'The bootstrap chose among {results.n_from_condensation} frames of the condensation, too.'
    survived = results.n_explorations - len(results.breaks)
    if results.n_explorations:
        later = f', {results.n_postponed} more were not come to' if results.n_postponed else ''
        yield f'{survived} of the {results.n_explorations} explorations of the last iteration came to their end{later}.'
    for run in results.breaks[:LIMIT]:
        grade = '' if run.highest_grade is None else f', highest grade {run.highest_grade:.1f}'
        yield f'{run.start}, {run.condition}: {run.outcome} after {run.n_steps} of {run.n_steps_asked} steps{grade}.'
    if len(results.breaks) > LIMIT:
        yield f'... and {len(results.breaks) - LIMIT} more.'
    for name, reason in results.quarantined.items():
        yield f'The start {name} was given up: {reason}'
    for name, reason in results.starts_dropped.items():
        yield f'The start {name} was left out: {reason}'
    for name, reason in results.lattices_left_out.items():
        yield f'The crystal {name} was left out: {reason}'
    yield from results.messages


def to_text(table: Table) -> str:
    """Return a table as plain text, without columns that are for files only.

    :param table: to print.
    """
    kept = [number for number, column in enumerate(table.columns) if column.in_paper or column.key == 'remark']
    heads = [_head(table.columns[number].title, table.columns[number].unit) for number in kept]
    rows = [
        [table.columns[n].write(row[n]) if row[n].value not in (None, '') else '' for n in kept] for row in table.rows
    ]
    align = ['right' if table.columns[number].is_number else 'left' for number in kept]
    return tabulate(rows, headers=heads, tablefmt='simple', disable_numparse=True, colalign=align)


def _head(title: str, unit: str) -> str:
    return f'{title}\n{unit}' if unit else title
