"""How commands end that do all their work in an AiiDA home of their own.

This module must not import AiiDA, see `aiida_seimlip.cli`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from aiida_seimlip.cli.profile.home import Home, HomeInUseError

INTERRUPTED = 130
NOT_CONVERGED = 1


def work_at(home: Home, work: Callable[[], bool]) -> None:
    """Work in a home that no other process uses; the exit status says if it was interrupted or did not converge.

    :param home: is locked, and entered before the work begins, which may import AiiDA then.
    :param work: returns whether it converged.
    :raises click.ClickException: if another process works there.
    """
    try:
        with home.lock():
            home.enter()
            converged = work()
    except HomeInUseError as exception:
        raise click.ClickException(str(exception)) from exception
    except KeyboardInterrupt:
        click.echo('Stopped. No program is left running; start again to go on.')
        sys.exit(INTERRUPTED)
    if not converged:
        sys.exit(NOT_CONVERGED)
