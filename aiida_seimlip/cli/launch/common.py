"""What all commands of ``aiida-seimlip launch`` have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from aiida.cmdline.utils import decorators

from aiida_seimlip.cli.check.command import MappingParam
from aiida_seimlip.cli.file_params import take_potential
from aiida_seimlip.cli.launch.types import SocketCodeParam
from aiida_seimlip.cli.structure_param import SPECIES_KEY

COMMON = (
    click.option(
        '--overrides', type=MappingParam(), help='Values that replace those of the protocol, in its sections.'
    ),
    click.option(
        '--code', 'codes', multiple=True, type=SocketCodeParam(),
        help='Code for one of the jobs of the workflow, by label, PK or UUID; once for each job.',
    ),
    click.option(
        '--options', 'scheduler_options', type=MappingParam(),
        help='Settings of the scheduler for all jobs, as `metadata.options` of a CalcJob; those in the overrides have '
        'precedence.',
    ),
    click.option('--label', help='Label of the workflow.'),
    click.option(
        '--submit/--run', 'is_submitted', default=None,
        help='Leave it to the daemon, or run it in this process.  [default: submit where the profile has a broker]',
    ),
    click.option(
        '-n', '--dry-run', is_flag=True, help='Print what would run, what it costs and the disk it takes; run nothing.'
    ),
)  # fmt: skip
"""Options of every workflow."""

SEED = click.option('--seed', type=click.IntRange(min=0), help='That all random numbers are derived from.')
"""Option of the workflows that draw random numbers."""


PROTOCOL = click.option('--protocol', metavar='NAME', help='`demo`, `balanced` or `paper`.  [default: balanced]')


def common_options(
    function: Callable[..., None], protocol: Callable[[Callable[..., None]], Callable[..., None]] = PROTOCOL
) -> Callable[..., None]:
    """Add the options that all workflows have, and load the profile.

    :param function: of the command.
    :param protocol: the option that names a protocol.
    """
    for option in reversed((protocol, *COMMON)):
        function = option(function)
    return decorators.with_dbenv()(function)


def begin(entry_point: str, given: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """Build the workflow, and run, submit or describe it.

    :param entry_point: of the WorkChain.
    :param given: arguments of `get_builder_from_protocol` that only this workflow has.
    :param request: values of the common options, by name.
    """
    from aiida_seimlip.cli.launch.request import Request, launch

    if 'potential' in given:
        species = click.get_current_context().meta.get(SPECIES_KEY) or ()
        given = {**given, 'potential': take_potential(given['potential'], species)}
    launch(entry_point, given, Request(**request))
