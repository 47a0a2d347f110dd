"""What ``aiida-seimlip demo`` does, once AiiDA uses the home of the demo."""

from __future__ import annotations

import json
import math
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.cli.home import Home
from aiida_seimlip.cli.progress import CAMPAIGN, Progress
from aiida_seimlip.cli.run_process import last_process, run_process
from aiida_seimlip.report.campaign import CampaignReport, union_seconds

POLL_SECONDS = 0.1
SPECIES = ('Li', 'C', 'O')
EXPANSION = 1.02
"""The second start of the explorations is the crystal with all lengths of the cell multiplied by this."""
INTERRUPTED = 'The demo was interrupted: nothing drives this process any more.'


class Clock:
    """Wall time of the parts of the demo."""

    def __init__(self) -> None:
        self.began = time.time()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time spent in the block to a part."""
        start = time.time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.time() - start

    @property
    def total(self) -> float:
        """Seconds since the beginning."""
        return time.time() - self.began


def run_demo(home: Home, directory: Path, *, fresh: bool = False) -> bool:
    """Run a campaign and write what came of it.

    :param home: whose lock is held, and which AiiDA uses.
    :param directory: where the results go.
    :param fresh: begin anew even if an earlier campaign was interrupted.
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
        if earlier is not None:
            progress.say(f'The campaign {earlier.pk} was interrupted: going on where it stopped.')
        builder = build_campaign(codes) if earlier is None else restart_campaign(earlier)
    try:
        node = run_campaign(builder, progress, reuse=earlier is not None)
    finally:
        home.end_unfinished(INTERRUPTED)
    if node.is_killed:
        raise KeyboardInterrupt
    return write_results(node, home, directory, clock, progress)


def tidy_up(home: Home, progress: Progress) -> orm.WorkChainNode | None:
    """End what an interrupted demo has left, and return its campaign if it was the last one.

    :param home: of the demo.
    :param progress: is told what was found.
    """
    ended = home.end_unfinished(INTERRUPTED)
    if ended:
        progress.say(f'An earlier demo was interrupted: ended what it had left ({len(ended)} unfinished processes).')
    last = last_campaign()
    return last if last is not None and last.is_killed else None


def build_campaign(codes: Mapping[str, orm.AbstractCode]) -> ProcessBuilder:
    """Return the inputs of the campaign: protocol `demo` for Li2CO3.

    :param codes: of the embedded programs, by label.
    """
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.science.structures.crystals import li2co3
    from aiida_seimlip.workflows.active_learning import ActiveLearningWorkChain

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


def run_campaign(builder: ProcessBuilder, progress: Progress, *, reuse: bool) -> orm.WorkChainNode:
    """Run a campaign in this process, without a daemon or a broker.

    An interrupted campaign is not taken up where it stopped but run again with the results of its jobs.

    :param builder: its inputs.
    :param progress: is told what happens.
    :param reuse: take over the results of jobs with the same inputs that ended before.
    :return: the campaign, which may have failed in any way.
    """
    return run_process(builder, progress, reuse=reuse, poll_seconds=POLL_SECONDS)


def last_campaign() -> orm.WorkChainNode | None:
    """Return the newest campaign in the profile, None if there is none."""
    return last_process(CAMPAIGN)


def write_results(node: orm.WorkChainNode, home: Home, directory: Path, clock: Clock, progress: Progress) -> bool:
    """Write the report, the archive and the summary, and say how to look further.

    :param node: the campaign.
    :param home: of the demo.
    :param directory: where to write.
    :param clock: of the demo.
    :param progress: is told what was written.
    :return: whether the campaign has converged.
    """
    from aiida_seimlip.archive.contents import survey
    from aiida_seimlip.archive.writer import write_archive
    from aiida_seimlip.report.collect import collect
    from aiida_seimlip.report.html import render

    with clock.measure('report'):
        report = collect(node)
        (directory / 'report.html').write_text(render(report), encoding='utf-8')
    with clock.measure('archive'):
        write_archive(survey(node), directory / 'campaign.aiida', overwrite=True)
    summary = summarise(report, clock)
    (directory / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n', encoding='utf-8')
    progress.say(f'Wrote report.html, campaign.aiida and summary.json to {directory}.')
    click.echo(describe_result(report, summary))
    click.echo(describe_next_steps(node, home))
    return report.is_converged


def summarise(report: CampaignReport, clock: Clock) -> dict[str, Any]:
    """Return the content of ``summary.json``.

    The share outside programs is 1 less the time in which at least one program was running, by the time stamps in the
    job scripts, over the wall time of the whole demo; `null` if the programs left no time stamps.

    :param report: on the campaign.
    :param clock: of the demo.
    """
    total = clock.total
    errors = report.held_out
    inside = union_seconds((interval.start, interval.stop) for interval in report.intervals)
    return {
        'converged': report.is_converged,
        'iterations': report.n_iterations,
        'labels': report.n_labels,
        'held_out': None if errors is None else {
            'n_frames': errors.n_frames,
            'rmse_energy_mev_per_atom': _number(errors.energy),
            'rmse_force_ev_per_angstrom': _number(errors.force),
            'rmse_stress_gpa': _number(errors.stress),
        },
        'seconds': {
            **{name: round(seconds, 2) for name, seconds in {**report.seconds_by_stage, **clock.seconds}.items()},
            'total': round(total, 2),
        },
        'share_outside_programs': round(1.0 - inside / total, 4) if report.is_measured else None,
        'reused_jobs': report.n_reused,
        'status': report.status,
        'message': report.message,
        'potential_uuid': report.pointers.get('potential'),
        'campaign_uuid': report.uuid,
    }  # fmt: skip


def describe_result(report: CampaignReport, summary: Mapping[str, Any]) -> str:
    """Say in a few lines what came out."""
    lines = [
        '',
        f'{report.title}: {report.status} after {report.n_iterations} iterations and {report.n_labels} labels.',
    ]
    if report.message:
        lines.append(report.message)
    if report.held_out is not None:
        errors = report.held_out
        lines.append(
            f'On {errors.n_frames} held-out frames: {errors.energy:.3g} meV/atom, {errors.force:.3g} eV/Å, '
            f'{errors.stress:.3g} GPa (RMSE).'
        )
    share = summary['share_outside_programs']
    outside = '' if share is None else f', {100 * share:.0f} % of it outside the programs'
    lines.append(f'It took {summary["seconds"]["total"] / 60:.1f} min{outside}.')
    return '\n'.join(lines)


def describe_next_steps(node: orm.WorkChainNode, home: Home) -> str:
    """Say how to look further."""
    folder = Path(sys.executable).parent
    query = (
        'from aiida import load_profile, orm; load_profile(); '
        "print(orm.QueryBuilder().append(orm.Node, filters={'node_type': {'like': '%PotentialData.'}, "
        "'attributes.is_trained': True}, project=['id', 'uuid', 'attributes.level']).all())"
    )
    return '\n'.join([
        '', 'To look further:',
        f'  AIIDA_PATH={shlex.quote(str(home.path))} {shlex.quote(str(folder / "verdi"))} process status {node.pk}',
        f'  AIIDA_PATH={shlex.quote(str(home.path))} {shlex.quote(str(folder / "python"))} -c "{query}"',
    ])  # fmt: skip


def _number(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
