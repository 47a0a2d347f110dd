"""``aiida-seimlip sei``: the options; what it does is in `run_sei`, which is imported only then.

This module must not import AiiDA, see `aiida_seimlip.cli`.
"""

from __future__ import annotations

from pathlib import Path

import click

POLL_SECONDS = 2.0
"""How often a running job is looked at: most take minutes, and each look costs the two cores 0.1 s."""


@click.command('sei')
@click.option(
    '--directory', type=click.Path(file_okay=False, path_type=Path), default=Path('sei'), show_default=True,
    help='Where to write the report, the tables, the potentials and the archive.',
)  # fmt: skip
@click.option(
    '--home', type=click.Path(file_okay=False, path_type=Path),
    help='Folder of the AiiDA profile, made if need be.  [default: DIRECTORY/.aiida]',
)  # fmt: skip
@click.option(
    '--python', type=click.Path(dir_okay=False, path_type=Path), envvar='SEIMLIP_CALCULATORS_PYTHON', show_envvar=True,
    help='Interpreter that has the teacher (sevenn).  [default: that of `make calculators`, or the present one]',
)  # fmt: skip
@click.option('--fresh', is_flag=True, help='Take over nothing of what earlier calls have done.')
@click.option('--short', is_flag=True, help='Try it out: two starts, a small potential, short explorations.')
def cmd_sei(directory: Path, home: Path | None, python: Path | None, **wanted: bool) -> None:
    """Grow one potential for the whole interphase, from recipes of amorphous mixtures, and judge it by crystals.

    The teacher, which condenses the mixtures and makes the labels, is the universal potential 7net-0: all errors are
    against it, and the potential can be no better than it is. It takes about an hour on two cores.

    Called again, it goes on where it stopped: all jobs that had ended are taken over. Called again after it ended, it
    prints the same once more.
    """
    from aiida_seimlip.cli.profile.home import Home
    from aiida_seimlip.cli.profile.work import work_at

    try:
        for folder in (directory, home or directory / '.aiida'):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as exception:
        raise click.UsageError(f'The folder {folder} cannot be made: {exception.strerror}.') from exception
    place = Home((home or directory / '.aiida').absolute(), profile='sei', poll_seconds=POLL_SECONDS)

    def work() -> bool:
        from aiida_seimlip.cli.sei.run import run_sei

        return run_sei(place, directory.absolute(), python=python, **wanted)

    work_at(place, work)
