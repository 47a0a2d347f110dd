"""``aiida-seimlip report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from aiida.cmdline.params import arguments, options, types
from aiida.cmdline.utils import decorators, echo

if TYPE_CHECKING:
    from aiida import orm

CAMPAIGN = 'seimlip.active_learning'


@click.command('report')
@arguments.WORKFLOW('campaign', metavar='CAMPAIGN', type=types.WorkflowParamType())
@click.option(
    '-o', '--output-file', type=click.Path(dir_okay=False, path_type=Path), default=Path('report.html'),
    show_default=True, help='File to write.',
)  # fmt: skip
@options.FORCE(help='Overwrite the file if it is there.')
@decorators.with_dbenv()
def cmd_report(campaign: orm.WorkChainNode, output_file: Path, force: bool) -> None:
    """Write a campaign as one self-contained HTML page.

    CAMPAIGN is an ActiveLearningWorkChain in any state: of one that is running, failed or was stopped, the page shows
    what there is.
    """
    from aiida_seimlip.cli.potential import refuse_to_overwrite

    refuse_other_processes(campaign)
    refuse_to_overwrite(output_file, force)
    from aiida_seimlip.report.collect import collect, describe_paused
    from aiida_seimlip.report.html import render

    output_file.write_text(render(collect(campaign)), encoding='utf-8')
    echo.echo_success(f'Wrote {output_file}.')
    for line in describe_paused([campaign, *campaign.called_descendants]):
        echo.echo_warning(line)


def refuse_other_processes(process: orm.ProcessNode) -> None:
    """End the command if a process is no campaign."""
    if (process.process_type or '').split(':')[-1] != CAMPAIGN:
        echo.echo_critical(f'{process.process_label} {process.pk} is no ActiveLearningWorkChain.')
