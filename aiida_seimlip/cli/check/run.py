"""Running a check in this process, or leaving it to the daemon."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import click
from aiida import orm
from aiida.engine import submit

from aiida_seimlip.cli.runner import local_runner
from aiida_seimlip.workflows.check.check import CheckWorkChain

POLL_SECONDS = 1.0


def run_check(inputs: Mapping[str, Any]) -> orm.WorkChainNode:
    """Run a check in this process, without a daemon or a broker.

    :param inputs: of the WorkChain.
    :return: the check, which may have failed in any way.
    :raises ValueError: if the inputs are refused.
    """
    with local_runner(POLL_SECONDS) as runner, progress():
        return cast('orm.WorkChainNode', runner.run_get_node(CheckWorkChain, **inputs)[1])


def submit_check(inputs: Mapping[str, Any]) -> orm.WorkChainNode:
    """Leave a check to the daemon.

    :param inputs: of the WorkChain.
    :raises ValueError: if the inputs are refused.
    """
    return cast('orm.WorkChainNode', submit(CheckWorkChain, **inputs))


class ProgressHandler(logging.Handler):
    """Prints what a check reports, and errors, to the standard error channel."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, if it is for a reader."""
        found = re.match(rf'\[\d+\|{CheckWorkChain.__name__}\|\w+\]: (.*)', record.getMessage(), re.DOTALL)
        if found:
            click.secho(f'... {found[1]}', err=True, dim=True)
        elif record.levelno >= logging.ERROR:
            click.echo(record.getMessage().strip().splitlines()[0], err=True)


@contextmanager
def progress() -> Iterator[None]:
    """Print what the check reports instead of AiiDA's own lines; the database keeps them all the same."""
    places = [logging.getLogger('aiida'), logging.getLogger()]
    removed = [
        (place, handler) for place in places for handler in place.handlers if type(handler).__name__ != 'DBLogHandler'
    ]
    ours = ProgressHandler()
    for place, handler in removed:
        place.removeHandler(handler)
    places[0].addHandler(ours)
    try:
        yield
    finally:
        places[0].removeHandler(ours)
        for place, handler in removed:
            place.addHandler(handler)
