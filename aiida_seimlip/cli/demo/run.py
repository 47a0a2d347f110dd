"""What ``aiida-seimlip demo`` does, once AiiDA uses the home of the demo."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.cli.clock import Clock
from aiida_seimlip.cli.demo.properties import LABELS, run_properties
from aiida_seimlip.cli.demo.results import write_results
from aiida_seimlip.cli.profile.home import Home
from aiida_seimlip.cli.progress import CAMPAIGN, Progress
from aiida_seimlip.cli.run_process import last_process, run_process

SPECIES = ('Li', 'C', 'O')
EXPANSION = 1.02
"""The second start of the explorations is the crystal with all lengths of the cell multiplied by this."""
INTERRUPTED = 'The demo was interrupted: nothing drives this process any more.'


def run_demo(home: Home, directory: Path, *, fresh: bool = False, short: bool = False) -> bool:
    """Run a campaign, compute what its potential is for, and write what came of it.

    :param home: whose lock is held, and which AiiDA uses.
    :param directory: where the results go.
    :param fresh: begin anew even if an earlier demo was interrupted.
    :param short: stop after the campaign.
    :return: whether the campaign has converged.
    :raises KeyboardInterrupt: if it was interrupted; all programs have been ended then.
    """
    clock = Clock()
    directory.mkdir(parents=True, exist_ok=True)
    progress = Progress()
    with clock.measure('setup'):
        home.load_profile(progress.say)
        progress.take_over_logging()
        interrupted = tidy_up(home, progress)
        codes = home.setup_codes(progress.say_unless_known)
        earlier = None if fresh else interrupted
    try:
        campaign = grow_potential(codes, earlier, progress)
        properties = {}
        if campaign.is_finished_ok and not short:
            potential = campaign.outputs.potential
            properties = run_properties(codes, potential, progress, clock, reuse=earlier is not None)
    finally:
        home.end_unfinished(INTERRUPTED)
    return write_results(campaign, properties, home=home, directory=directory, clock=clock, progress=progress)


def tidy_up(home: Home, progress: Progress) -> orm.WorkChainNode | None:
    """End what an interrupted demo has left, and return the workflow in which that happened, if it was the last one.

    :param home: of the demo.
    :param progress: is told what was found.
    """
    ended = home.end_unfinished(INTERRUPTED)
    if ended:
        progress.say(f'An earlier demo was interrupted: ended what it had left ({len(ended)} unfinished processes).')
    found = [node for node in map(last_process, (CAMPAIGN, *LABELS)) if node is not None]
    last = max(found, key=lambda node: node.pk or 0, default=None)
    return last if last is not None and last.is_killed else None


def grow_potential(
    codes: Mapping[str, orm.AbstractCode], earlier: orm.WorkChainNode | None, progress: Progress
) -> orm.WorkChainNode:
    """Run the campaign, unless it had ended already when the demo was interrupted.

    :param codes: of the embedded programs, by label.
    :param earlier: workflow in which an earlier demo was interrupted, if it was.
    :param progress: is told what happens.
    :return: the campaign, which may have failed in any way.
    :raises KeyboardInterrupt: if it was interrupted.
    """
    if earlier is None:
        node = run_process(build_campaign(codes), progress)
    else:
        progress.say(f'The {earlier.process_label} {earlier.pk} was interrupted: going on where it stopped.')
        campaign = last_process(CAMPAIGN)
        if earlier.process_label != CAMPAIGN and campaign is not None:
            return campaign
        node = run_process(restart_campaign(earlier), progress, reuse=True)
    if node.is_killed:
        raise KeyboardInterrupt
    return node


def build_campaign(codes: Mapping[str, orm.AbstractCode]) -> ProcessBuilder:
    """Return the inputs of the campaign: protocol `demo` for Li2CO3.

    :param codes: of the embedded programs, by label.
    """
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.science.structures.crystals import li2co3
    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    crystal = li2co3().repeat((1, 2, 1))
    expanded = crystal.copy()
    expanded.set_cell(EXPANSION * crystal.cell.array, scale_atoms=True)
    starts = {'crystal': FramesData.from_atoms([crystal]), 'expanded': FramesData.from_atoms([expanded])}
    sockets = {'reference': 'python', 'training': 'seimlip-mlp', 'exploration': 'seimlip-lmp'}
    return ActiveLearningWorkChain.get_builder_from_protocol(
        {socket: codes[label] for socket, label in sockets.items()}, starts, species=SPECIES, protocol='demo'
    )


def restart_campaign(earlier: orm.WorkChainNode) -> ProcessBuilder:
    """Return the inputs of a campaign that was interrupted, to be run again with the results of its jobs.

    Labels are not looked for one by one: they would come in other nodes, for which no later job is known.

    :param earlier: the campaign.
    """
    builder: Any = earlier.get_builder_restart()
    builder.reference['reuse_labels'] = orm.Bool(False)
    return builder
