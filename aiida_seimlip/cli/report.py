"""``aiida-seimlip report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from aiida.cmdline.params import options, types
from aiida.cmdline.utils import decorators, echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiida import orm

    from aiida_seimlip.report.tables import Table

CAMPAIGN = 'seimlip.active_learning'


@click.command('report')
@click.argument('processes', metavar='PROCESS...', nargs=-1, required=True, type=types.ProcessParamType())
@click.option(
    '-o', '--output-file', type=click.Path(dir_okay=False, path_type=Path), default=Path('report.html'),
    show_default=True, help='File to write.',
)  # fmt: skip
@click.option(
    '--tables', 'folder', type=click.Path(file_okay=False, path_type=Path),
    help='Also write the tables of properties into this folder, as CSV and as LaTeX.',
)  # fmt: skip
@options.FORCE(help='Overwrite files that are there.')
@decorators.with_dbenv()
def cmd_report(
    processes: Sequence[orm.ProcessNode], output_file: Path, folder: Path | None, force: bool
) -> None:  # fmt: skip
    """Write campaigns, properties, crystals and migration barriers as one self-contained HTML page.

    PROCESS is a WorkChain in any state: of one that is running, failed or was stopped, the page shows what there is.
    Where several are given, the first one has the title, and the others are chapters of its page.
    """
    from aiida_seimlip.cli.data.potential import refuse_to_write
    from aiida_seimlip.report.pages import NoReportError, page_of, tables_of
    from aiida_seimlip.report.process import describe_paused
    from aiida_seimlip.report.sections import render_page

    refuse_to_write(output_file, force)
    try:
        page = page_of(processes)
    except NoReportError as exception:
        echo.echo_critical(str(exception))
    tables = [tables_of(process) for process in processes] if folder is not None else []
    if folder is not None:
        refuse_tables(processes, tables, folder, force)
    output_file.write_text(render_page(page), encoding='utf-8')
    echo.echo_success(f'Wrote {output_file}.')
    if folder is not None:
        write_tables(processes, tables, folder)
    for process in processes:
        for line in describe_paused([process, *process.called_descendants]):
            echo.echo_warning(line)


def refuse_tables(
    processes: Sequence[orm.ProcessNode], tables: Sequence[Sequence[Table]], folder: Path, force: bool
) -> None:
    """End the command if there is no table to write, or if one is there already."""
    from aiida_seimlip.cli.data.potential import refuse_to_overwrite

    if not any(tables):
        labels = ', '.join(f'{process.process_label} {process.pk}' for process in processes)
        echo.echo_critical(f'There are no tables of {labels} to write into {folder}.')
    for subfolder, found in zip(subfolders(processes, folder), tables, strict=True):
        for table in found:
            for ending in ('csv', 'tex'):
                refuse_to_overwrite(subfolder / f'{table.name}.{ending}', force)


def write_tables(processes: Sequence[orm.ProcessNode], tables: Sequence[Sequence[Table]], folder: Path) -> None:
    """Write the tables of each process and say so."""
    from aiida_seimlip.report.tables import write_files

    for subfolder, found in zip(subfolders(processes, folder), tables, strict=True):
        paths = write_files(found, subfolder)
        if paths:
            names = ', '.join(dict.fromkeys(path.stem for path in paths))
            echo.echo_success(f'Wrote {names} into {subfolder}, as CSV and as LaTeX.')


def subfolders(processes: Sequence[orm.ProcessNode], folder: Path) -> list[Path]:
    """Return where the tables of each process go: the folder itself, or of several one in it for each."""
    if len(processes) == 1:
        return [folder]
    return [folder / f'{process.process_label}_{process.pk}' for process in processes]


def refuse_other_processes(process: orm.ProcessNode) -> None:
    """End the command if a process is no campaign."""
    if (process.process_type or '').split(':')[-1] != CAMPAIGN:
        echo.echo_critical(f'{process.process_label} {process.pk} is no ActiveLearningWorkChain.')
