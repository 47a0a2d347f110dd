"""``aiida-seimlip demo``: the options; what it does is in `run_demo`, which is imported only then.

This module must not import AiiDA, see `aiida_seimlip.cli`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

INTERRUPTED = 130
NOT_CONVERGED = 1


@click.command('demo')
@click.option(
    '--directory', type=click.Path(file_okay=False, path_type=Path), default=Path('demo'), show_default=True,
    help='Where to write report.html, campaign.aiida and summary.json.',
)  # fmt: skip
@click.option(
    '--home', type=click.Path(file_okay=False, path_type=Path),
    help='Folder of the AiiDA profile of the demo, made if need be.  [default: DIRECTORY/.aiida]',
)  # fmt: skip
@click.option('--fresh', is_flag=True, help='Begin anew even if an earlier demo in this home was interrupted.')
@click.option('--short', is_flag=True, help='Stop after the potential: compute no barriers and no diffusivity with it.')
def cmd_demo(directory: Path, home: Path | None, fresh: bool, short: bool) -> None:
    """Grow a moment tensor potential for Li2CO3 by active learning, from nothing, and compute with it.

    With the potential it finds the barriers of a lithium vacancy and of an interstitial, and the diffusivity at three
    temperatures in a cell with a vacancy.

    The labels are real (GFN1-xTB by tblite), the molecular dynamics is LAMMPS, and all of it ends up in the provenance
    graph of an AiiDA profile of its own, which touches no other. It takes about ten minutes on two cores.

    Called again after it was interrupted, it goes on where it stopped: all jobs that had ended are taken over. Called
    again after it ended, it begins another campaign in the same profile.
    """
    from aiida_seimlip.cli.profile.home import Home, HomeInUseError

    place = Home((home or directory / '.aiida').absolute())
    try:
        with place.lock():
            place.enter()
            from aiida_seimlip.cli.demo.run import run_demo

            converged = run_demo(place, directory.absolute(), fresh=fresh, short=short)
    except HomeInUseError as exception:
        raise click.ClickException(str(exception)) from exception
    except KeyboardInterrupt:
        click.echo('Stopped. No program is left running; start again to go on.')
        sys.exit(INTERRUPTED)
    if not converged:
        sys.exit(NOT_CONVERGED)
