"""The page that ``aiida-seimlip check`` prints."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import click
from aiida import orm
from aiida.cmdline.utils import echo

from aiida_seimlip.options.check.report import CheckRecord, CheckReport, Status

LOOKS: Mapping[Status, tuple[str, str | None]] = {
    'passed': ('passed', 'green'), 'warning': ('warning', 'yellow'), 'failed': ('FAILED', 'red'),
    'skipped': ('skipped', 'yellow'), 'not applicable': ('-', None),
}  # fmt: skip
FACTS = {
    'version': 'version', 'dialects': 'dialects', 'dialect': 'checked with', 'machine_learning_styles': 'pair styles',
    'build': 'build', 'potential': 'potential', 'cell': 'cell',
    'precision': 'precision',
}  # fmt: skip
"""Title of each fact, in the order of the page."""

STATUS_WIDTH = 9
MAX_WIDTH = 130


def show_check(node: orm.WorkChainNode) -> bool:
    """Print what a check has found, and return whether all is green.

    :param node: a check in any state.
    """
    if 'report' not in node.outputs:
        state = 'is not done yet' if not node.is_terminated else f'gave no report: {_last_words(node)}'
        echo.echo_error(f'The check {node.pk} {state} (`verdi process report {node.pk}`).')
        return False
    report = CheckReport.model_validate(node.outputs.report.get_dict())
    for line in describe(report, node.pk or 0, jobs_of(node)):
        click.echo(line)
    return not report.failed


def jobs_of(node: orm.WorkChainNode) -> dict[str, int]:
    """Return the pk of each process of a check by its UUID."""
    return {process.uuid: process.pk or 0 for process in node.called}


def describe(report: CheckReport, pk: int, jobs: Mapping[str, int]) -> Iterator[str]:
    """Yield the lines of the page.

    :param report: what was found.
    :param pk: of the check.
    :param jobs: pk of each job by its UUID.
    """
    width = min(shutil.get_terminal_size((100, 24)).columns, MAX_WIDTH)
    title = f'Check {pk}: {report.code} ({report.kind})'
    yield ''
    yield click.style(title, bold=True)
    yield from _facts(report.facts, width)
    yield ''
    yield from _table(report.checks, width)
    yield from _remedies(report.amiss, jobs, width)
    yield ''
    yield _summary(report, pk)


def _facts(facts: Mapping[str, Any], width: int) -> Iterator[str]:
    known = [(title, facts[name]) for name, title in FACTS.items() if facts.get(name)]
    indent = max((len(title) for title, _ in known), default=0) + 4
    for title, value in known:
        text = ', '.join(value) if isinstance(value, list) else str(value)
        yield from _hang(f'  {title}', text, indent, width)


def _table(checks: list[CheckRecord], width: int) -> Iterator[str]:
    """Yield the lines of the checks; those that were skipped for one reason share a line."""
    shown = [check for check in checks if check.status != 'skipped']
    names = max((len(check.name) for check in shown), default=0) + 2
    numbers = max((len(_measured(check)) for check in shown), default=0) + 2
    for (is_skipped, message), group in groupby(checks, lambda check: (check.status == 'skipped', check.message)):
        if is_skipped:
            head = f'  {_status("skipped")}'
            text = f'{", ".join(check.name for check in group)}: {message}'
            yield from _hang(head, text, 2 + STATUS_WIDTH, width)
            continue
        for check in group:
            indent = 2 + STATUS_WIDTH + names + numbers
            head = f'{check.name:<{names}}{_measured(check):<{numbers}}'
            first, *rest = textwrap.wrap(message, max(width - indent, 30)) or ['']
            yield f'  {_status(check.status)}{head}{first}'.rstrip()
            yield from (f'{"":<{indent}}{line}' for line in rest)


def _status(status: Status) -> str:
    word, colour = LOOKS[status]
    return click.style(f'{word:<{STATUS_WIDTH}}', fg=colour, bold=status == 'failed')


def _measured(check: CheckRecord) -> str:
    """Return what was measured, how it compares with the limit, and the unit."""
    if check.value is None:
        return ''
    value = f'{check.value:,.0f}' if check.value >= 1e4 else f'{check.value:.2g}'
    limit = '' if check.limit is None else f' {"≤" if check.value <= check.limit else ">"} {check.limit:g}'
    return f'{value}{limit} {check.unit}'.rstrip()


def _remedies(amiss: list[CheckRecord], jobs: Mapping[str, int], width: int) -> Iterator[str]:
    if not amiss:
        return
    yield ''
    yield click.style('What to do', bold=True)
    by_remedy: dict[str, list[CheckRecord]] = {}
    for check in amiss:
        by_remedy.setdefault(check.remedy or '', []).append(check)
    for remedy, checks in by_remedy.items():
        places = sorted({jobs[uuid] for check in checks if (uuid := check.process_uuid) and uuid in jobs})
        where = f' (see {" and ".join(f"process {place}" for place in places)})' if places else ''
        colour = 'red' if any(check.status == 'failed' for check in checks) else 'yellow'
        yield click.style(f'  {", ".join(check.name for check in checks)}', fg=colour) + where
        yield from _hang('', remedy, 4, width)


def _hang(head: str, text: str, indent: int, width: int) -> Iterator[str]:
    lines = textwrap.wrap(text, max(width - indent, 30), break_on_hyphens=False) or ['']
    yield f'{head:<{indent}}{lines[0]}'
    yield from (f'{"":<{indent}}{line}' for line in lines[1:])


def _summary(report: CheckReport, pk: int) -> str:
    n_passed, n_failed, n_skipped, n_warnings = (
        report.count(status) for status in ('passed', 'failed', 'skipped', 'warning')
    )
    warnings = f', {n_warnings} warning{"s" if n_warnings > 1 else ""}' if n_warnings else ''
    if not n_failed:
        words = f'{n_passed} checks passed{warnings}.' if n_warnings else f'All {n_passed} checks passed.'
        return click.style(words, fg='yellow' if n_warnings else 'green', bold=True)
    skipped = f', {n_skipped} skipped' if n_skipped else ''
    words = click.style(f'{n_failed} failed{warnings}, {n_passed} passed{skipped}.', fg='red', bold=True)
    return f'{words} To look further: `verdi process status {pk}`.'


def _last_words(node: orm.WorkChainNode) -> str:
    from aiida_seimlip.workflows.failures import explain_failure

    return explain_failure(node)
