"""``aiida-seimlip cite``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from aiida.cmdline.params import options, types
from aiida.cmdline.utils import decorators, echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiida import orm


@click.command('cite')
@click.argument('processes', metavar='PROCESS...', nargs=-1, required=True, type=types.ProcessParamType())
@click.option('--bibtex', 'as_bibtex', is_flag=True, help='Write entries of BibTeX instead of lines of text.')
@click.option(
    '-o', '--output-file', type=click.Path(dir_okay=False, path_type=Path),
    help='File to write, instead of the terminal.',
)  # fmt: skip
@options.FORCE(help='Overwrite the file if it is there.')
@decorators.with_dbenv()
def cmd_cite(
    processes: Sequence[orm.ProcessNode], as_bibtex: bool, output_file: Path | None, force: bool
) -> None:  # fmt: skip
    """Name the programs and papers that processes really used, to be cited with their results.

    They are found from the provenance graph: the process itself, all that it called, and all that its inputs stand on.
    """
    from aiida_seimlip.cli.data.potential import refuse_to_write
    from aiida_seimlip.cli.tables import plain
    from aiida_seimlip.report.citations.collect import citations_of, to_bibtex, to_text

    if output_file is not None:
        refuse_to_write(output_file, force)
    citations = citations_of(*processes)
    text = to_bibtex(citations) if as_bibtex else to_text(citations)
    if output_file is None:
        echo.echo('\n'.join(plain(line) for line in text.splitlines()))
        return
    output_file.write_text(f'{text}\n', encoding='utf-8')
    echo.echo_success(f'Wrote {output_file}.')
