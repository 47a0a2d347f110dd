"""``aiida-seimlip demo``: the options; what it does is in `run_demo`, which is imported only then.

This module must not import AiiDA, see `aiida_seimlip.cli`.
"""

from __future__ import annotations

from pathlib import Path

import click


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
    from aiida_seimlip.cli.profile.home import Home
    from aiida_seimlip.cli.profile.work import work_at

    place = Home((home or directory / '.aiida').absolute())

    def work() -> bool:
        from aiida_seimlip.cli.demo.run import run_demo

        return run_demo(place, directory.absolute(), fresh=fresh, short=short)

    work_at(place, work)
