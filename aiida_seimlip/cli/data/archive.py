"""``aiida-seimlip archive``."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
from aiida.cmdline.params import types
from aiida.cmdline.utils import decorators, echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiida import orm

    from aiida_seimlip.exchange.archive.contents import Contents

MEGABYTE = 1e6
SHOWN_FILES = 10


@click.command('archive')
@click.argument('processes', metavar='PROCESS...', nargs=-1, required=True, type=types.WorkflowParamType())
@click.argument('file', type=click.Path(dir_okay=False, path_type=Path))
@click.option('--slim', is_flag=True, help='Leave out trajectories, and large files that jobs read or wrote.')
@click.option('--dry-run', is_flag=True, help='Say what would go in, and write nothing.')
@click.option(
    '--max-file-size', type=click.FloatRange(min=0), default=100.0, show_default=True, metavar='MB',
    help='Ask before a file goes in that is larger.',
)  # fmt: skip
@click.option('--yes', is_flag=True, help='Do not ask.')
@click.option('--overwrite', is_flag=True, help='Replace the file if it is there.')
@decorators.with_dbenv()
def cmd_archive(
    processes: Sequence[orm.ProcessNode],
    file: Path,
    *,
    slim: bool,
    dry_run: bool,
    max_file_size: float,
    yes: bool,
    overwrite: bool,
) -> None:
    """Write campaigns and properties to a file that others can import, or open as it is.

    Each PROCESS goes in with all that it stands on (inputs, and what they came from) and all that it made, but no other
    process that used the same inputs. VASP potentials never go in. What goes in is listed first.
    """
    from aiida_seimlip.exchange.archive.contents import survey
    from aiida_seimlip.exchange.archive.writer import ArchiveRefusedError, write_archive
    from aiida_seimlip.report.pages import NoReportError, known_workchain

    try:
        roots = [known_workchain(process) for process in processes]
    except NoReportError as exception:
        echo.echo_critical(f'{exception} Of other processes `verdi archive create` makes archives.')
    if file.exists() and not (overwrite or dry_run):
        echo.echo_critical(f'The file {file} is there already: use --overwrite to replace it.')
    contents = survey(*roots, slim=slim)
    for line in describe(contents):
        echo.echo(line)
    doubts = list(find_doubts(contents, int(max_file_size * MEGABYTE)))
    for doubt in doubts:
        echo.echo_warning(doubt)
    if contents.unsealed:
        pks = ' '.join(map(str, contents.unsealed))
        refuse = echo.echo_warning if dry_run else echo.echo_critical
        refuse(f'Processes that have not ended cannot go into an archive: {pks}.')
    if dry_run:
        echo.echo_report('Nothing was written.')
        return
    if doubts and not (yes or click.confirm('Write the archive all the same?')):
        echo.echo_critical('Nothing was written.')
    try:
        write_archive(contents, file, overwrite=overwrite)
    except ArchiveRefusedError as exception:
        echo.echo_critical(str(exception))
    names = ', '.join(f'{process.process_label} {process.uuid}' for process in processes)
    echo.echo_success(f'Wrote {file}: {_megabytes(file.stat().st_size)}, {names}.')
    echo.echo(f'  verdi archive import {shlex.quote(str(file))}')


def describe(contents: Contents) -> list[str]:
    """Say what would go into an archive, and what would not.

    :param contents: as they were found.
    """
    from aiida_seimlip.cli.tables import plain
    from aiida_seimlip.exchange.archive.contents import families_of, total_size

    lines = [
        *(f'{root.process_label} {root.pk} ({root.uuid})' for root in contents.roots),
        f'  processes  {_counts(contents.processes)}',
        f'  data       {_counts(contents.nodes)}',
        f'  files      {len(contents.kept)}, {_megabytes(contents.n_bytes)} before they are compressed',
        *(f'  left out   {_left_out(contents, reason)}' for reason in _reasons(contents)),
        f'  codes      {", ".join(contents.codes) or "none"}',
        f'  computers  {", ".join(contents.computers) or "none"}',
        f'  people     {", ".join(contents.users)}',
    ]
    if contents.n_comments:
        lines.append(f'  comments   {contents.n_comments}')
    if contents.potcars:
        lines.append(
            f'  potentials of VASP: {len(contents.potcars)} are named by the hash of their content; whoever runs jobs '
            'again needs files of their own'
        )
    for (family, licence), count in sorted(families_of(contents.pseudos).items()):
        lines.append(
            f'  pseudopotentials: {count} of {family or "no family in this profile"} go in, '
            f'{f"under {licence}" if licence else "whose files state no licence: see whether you may pass them on"}'
        )
    if contents.licences:
        lines.append(f'  licences   {_counts(contents.licences)}')
    else:
        lines.append('  licences   no node names one: say which holds where you publish the file')
    kept_large = sorted(contents.kept, key=lambda one: -one.size)[:SHOWN_FILES]
    if kept_large and total_size(kept_large) > MEGABYTE:
        lines.append('  largest files')
        lines += [f'    {_megabytes(one.size):>10}  {one.kind} {one.node}: {one.path}' for one in kept_large]
    return [plain(line) for line in lines]


def find_doubts(contents: Contents, max_bytes: int) -> list[str]:
    """Say what somebody should think about before the archive is written.

    :param contents: as they were found.
    :param max_bytes: files that are larger are asked about.
    """
    from aiida_seimlip.cli.tables import plain

    doubts = [
        f'{file.kind} {file.node} holds `{file.path}` of {_megabytes(file.size)}.'
        for file in contents.files_above(max_bytes)
    ]
    doubts += [
        f'PotentialData {pk} holds `{name}`, a model that can run any code on the machine of whoever loads it.'
        for pk, name in contents.models.items()
    ]
    return [plain(doubt) for doubt in doubts]


def _reasons(contents: Contents) -> list[str]:
    return sorted({file.left_out for file in contents.left_out})


def _left_out(contents: Contents, reason: str) -> str:
    from aiida_seimlip.exchange.archive.contents import total_size

    files = [file for file in contents.left_out if file.left_out == reason]
    return f'{len(files)} files, {_megabytes(total_size(files))}: {reason}'


def _counts(counts: Counter[str]) -> str:
    return ', '.join(f'{count} {name}' for name, count in counts.most_common()) or 'none'


def _megabytes(n_bytes: float) -> str:
    return f'{n_bytes / MEGABYTE:.2f} MB'
