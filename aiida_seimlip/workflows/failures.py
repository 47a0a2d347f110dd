"""How processes fail, in words."""

from __future__ import annotations

from aiida import orm


def explain_failure(process: orm.ProcessNode) -> str:
    """Say how a process ended that did not end well.

    :param process: a terminated process.
    """
    kind = f'{process.process_label} {process.pk}'
    if process.is_killed:
        return f'{kind} was killed'
    if process.is_excepted:
        return f'{kind} excepted: {(process.exception or "unknown").strip().splitlines()[-1]}'
    return f'{kind} ended with status {process.exit_status}: {process.exit_message}'
