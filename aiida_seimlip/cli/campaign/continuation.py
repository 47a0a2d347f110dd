"""``aiida-seimlip continue``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.params import arguments, types
from aiida.cmdline.utils import decorators, echo

if TYPE_CHECKING:
    from aiida import orm

POLL_SECONDS = 0.5


@click.command('continue')
@arguments.WORKFLOW('campaign', metavar='CAMPAIGN', type=types.WorkflowParamType())
@click.option('--max-iterations', type=click.IntRange(min=1), help='Number of the last iteration, all told.')
@click.option('--max-labels', type=click.IntRange(min=1), help='Labels at most, all told.')
@click.option(
    '--submit/--run', 'is_submitted', default=True, show_default=True, help='Leave it to the daemon, or run it here.'
)
@click.option('-n', '--dry-run', is_flag=True, help='Only say what would be taken over.')
@decorators.with_dbenv()
def cmd_continue(
    campaign: orm.WorkChainNode, max_iterations: int | None, max_labels: int | None, is_submitted: bool, dry_run: bool
) -> None:
    """Go on where a campaign has ended, with all its labels and its last potential.

    CAMPAIGN is an ActiveLearningWorkChain that is over: at its limit of iterations or labels, by a failure, or killed.
    """
    from aiida_seimlip.cli.report import refuse_other_processes
    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    refuse_other_processes(campaign)
    given = {'max_iterations': max_iterations, 'max_labels': max_labels}
    changes = {name: value for name, value in given.items() if value is not None}
    try:
        builder = ActiveLearningWorkChain.get_builder_to_continue(campaign, **changes)
    except ValueError as exception:
        echo.echo_critical(str(exception))
    for line in describe(builder):
        echo.echo(line)
    if dry_run:
        echo.echo_success('Nothing was submitted.')
        return
    echo.echo_success(f'The campaign is {_launch(builder, is_submitted)}.')


def describe(builder: Any) -> list[str]:
    """Return what a campaign takes over from the one that it continues, line by line.

    :param builder: of the campaign.
    """
    training = builder.initial_training or {}
    options = builder.options.get_dict()
    late, quarantine = builder.initial_late, builder.quarantine or {}
    n_failed = sum(len(batch['failures'].get_dict()) for batch in quarantine.values())
    lines = [
        f'continues  {options["continues"]}',
        f'labels     {sum(node.n_frames for node in training.values())} in {len(training)} sets, '
        f'of at most {options["max_labels"] or "any number"}',
        f'potential  {builder.initial_potential.uuid if builder.initial_potential else "none yet"}'
        f'{", to be trained on the last labels first" if options["train_first"] else ""}',
        f'iterations {options["first_iteration"] + 1} to {options["max_iterations"]}',
    ]
    if n_failed:
        lines.append(f'set aside  {n_failed} frames that could not be labelled')
    if late is not None:
        lines.append(f'late       {late.n_frames} frames whose labels are still out')
    return lines


def _launch(builder: Any, is_submitted: bool) -> str:
    """Begin a campaign, and return what it is called."""
    from aiida.common.exceptions import AiidaException
    from aiida.engine import submit

    from aiida_seimlip.cli.runner import local_runner

    try:
        if is_submitted:
            node = submit(builder)
        else:
            with local_runner(POLL_SECONDS) as runner:
                node = runner.run_get_node(builder)[1]
    except (AiidaException, ValueError) as exception:
        echo.echo_critical(f'The campaign could not be begun: {exception}')
    return f'{node.process_label} {node.pk}'
