"""What ``aiida-seimlip launch`` does with the inputs that it was given."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
from aiida import orm
from aiida.cmdline.utils import echo
from aiida.common.exceptions import AiidaException
from aiida.engine import ProcessBuilder, submit
from aiida.manage import get_manager
from aiida.plugins import WorkflowFactory

from aiida_seimlip.cli.launch.codes import add_only_codes
from aiida_seimlip.cli.launch.types import SocketCode, by_socket
from aiida_seimlip.cli.progress import Progress
from aiida_seimlip.cli.run_process import explain_inputs, has_broker, run_process
from aiida_seimlip.workflows.protocols import merge

INTERRUPTED, FAILED = 130, 1
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Request:
    """What was asked for, whatever the workflow.

    :param protocol: name of the protocol, None for the default.
    :param overrides: values that replace those of the protocol.
    :param codes: codes of the sockets.
    :param scheduler_options: settings of the scheduler for all jobs.
    :param label: of the workflow.
    :param is_submitted: whether the daemon does the work; None where the profile decides.
    :param dry_run: whether nothing is run.
    :param seed: that all random numbers are derived from, where there are any.
    :param sockets: jobs that the only code in the profile that fits is taken for, unless another is named.
    """

    protocol: str | None = None
    overrides: Mapping[str, Any] | None = None
    codes: tuple[SocketCode, ...] = ()
    scheduler_options: Mapping[str, Any] | None = None
    label: str | None = None
    is_submitted: bool | None = None
    dry_run: bool = False
    seed: int | None = None
    sockets: tuple[str, ...] = ()


def launch(entry_point: str, given: Mapping[str, Any], request: Request) -> None:
    """Run, submit or describe a workflow.

    :param entry_point: of the WorkChain.
    :param given: arguments of `get_builder_from_protocol` that only this workflow has; None for what was left out.
    :param request: all others.
    :raises click.UsageError: if an input is wrong; nothing is stored then.
    """
    builder = build(entry_point, given, request)
    for warning in find_warnings(builder):
        echo.echo_warning(warning)
    if request.dry_run:
        from aiida_seimlip.cli.launch.dry_run import describe

        for line in describe(builder):
            echo.echo(line)
        return
    is_submitted = has_broker() if request.is_submitted is None else request.is_submitted
    if is_submitted:
        _submit(builder)
    else:
        _run(builder)


def build(entry_point: str, given: Mapping[str, Any], request: Request) -> ProcessBuilder:
    """Return the inputs of a workflow, complete and checked.

    :param entry_point: of the WorkChain.
    :param given: arguments of `get_builder_from_protocol` that only this workflow has.
    :param request: all others.
    :raises click.UsageError: if an input is wrong.
    """
    process: Any = WorkflowFactory(entry_point)
    overrides = dict(request.overrides or {})
    if request.seed is not None:
        overrides = merge(overrides, {'options': {'seed': request.seed}})
    known = {name: value for name, value in given.items() if value is not None}
    try:
        engines = process.get_protocol_inputs(request.protocol, overrides).get('engines', {})
        codes = add_only_codes(by_socket(request.codes), engines, request.sockets)
        builder: Any = process.get_builder_from_protocol(
            codes=codes, protocol=request.protocol, overrides=overrides,
            scheduler_options=request.scheduler_options, **known,
        )  # fmt: skip
        if request.label is not None:
            builder.metadata.label = request.label
        fault = explain_inputs(builder)
    except (ValueError, TypeError) as exception:
        raise click.UsageError(_one_sentence(str(exception))) from exception
    if fault is not None:
        raise click.UsageError(_one_sentence(fault))
    return builder


def find_warnings(builder: ProcessBuilder) -> list[str]:
    """Return what a workflow finds likely to go wrong with its inputs.

    :param builder: complete and checked.
    """
    find: Any = getattr(builder.process_class, 'find_warnings', None)
    return [] if find is None else list(find(builder._inputs(prune=True)))


def _one_sentence(text: str) -> str:
    text = ' '.join(text.split()).removeprefix('invalid attribute value ')  # AiiDA's, before the sentence of a port
    return text if text.endswith('.') else f'{text}.'


def _submit(builder: ProcessBuilder) -> None:
    """Leave a workflow to the daemon, and say what it is called."""
    if not has_broker():
        profile = get_manager().get_profile()
        raise click.UsageError(
            f'The profile `{profile.name if profile else ""}` has no broker, without which nothing can be left to a '
            'daemon: use --run.'
        )
    try:
        node = submit(builder)
    except AiidaException as exception:
        echo.echo_critical(f'The {builder.process_class.__name__} could not be submitted: {exception}')
    echo.echo_success(f'Submitted {node.process_label} {node.pk}; see `verdi process status {node.pk}`.')
    if not get_manager().get_daemon_client().is_daemon_running:
        echo.echo_warning('The daemon is not running: `verdi daemon start` lets it begin.')


def _run(builder: ProcessBuilder) -> None:
    """Run a workflow in this process, and say what came of it; the exit status is 1 if it failed."""
    progress = Progress(label=builder.process_class.__name__)
    progress.take_over_logging()
    try:
        node = run_process(builder, progress, poll_seconds=POLL_SECONDS)
    except KeyboardInterrupt:
        echo.echo('Stopped. No program is left running.')
        sys.exit(INTERRUPTED)
    describe_end(node)
    if not node.is_finished_ok:
        sys.exit(FAILED)


def describe_end(node: orm.WorkChainNode) -> None:
    """Say how a workflow ended, and how to look further.

    :param node: that is over.
    """
    profile = get_manager().get_profile()
    name = shlex.quote(profile.name) if profile else ''
    if node.is_finished_ok:
        echo.echo_success(f'{node.process_label} {node.pk} is finished.')
    else:
        ended = f'with status {node.exit_status}' if node.exit_status is not None else 'without a status'
        echo.echo_error(f'{node.process_label} {node.pk} ended {ended}. {node.exit_message or ""}'.rstrip())
    for line in (f'aiida-seimlip -p {name} report {node.pk}', f'verdi -p {name} process status {node.pk}'):
        echo.echo(f'  {line}')
