"""What the demo writes and says in the end."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from aiida import orm

from aiida_seimlip.cli.clock import Clock
from aiida_seimlip.cli.profile.home import Home
from aiida_seimlip.cli.progress import Progress
from aiida_seimlip.report.campaign.facts import CampaignReport, union_seconds


def write_results(
    node: orm.WorkChainNode,
    properties: Mapping[str, orm.WorkChainNode],
    *,
    home: Home,
    directory: Path,
    clock: Clock,
    progress: Progress,
) -> bool:
    """Write the report, the tables, the archive and the summary, and say how to look further.

    :param node: the campaign.
    :param properties: what was computed with its potential, by name.
    :param home: of the demo.
    :param directory: where to write.
    :param clock: of the demo.
    :param progress: is told what was written.
    :return: whether the campaign has converged.
    """
    from aiida_seimlip.exchange.archive.contents import survey
    from aiida_seimlip.exchange.archive.writer import write_archive
    from aiida_seimlip.report.campaign.collect import collect
    from aiida_seimlip.report.campaign.page import render
    from aiida_seimlip.report.citations.collect import citations_section
    from aiida_seimlip.report.pages import sections_of, write_tables

    with clock.measure('report'):
        report = collect(node)
        further = [section for property_node in properties.values() for section in sections_of(property_node)]
        further.append(citations_section([node, *properties.values()]))
        (directory / 'report.html').write_text(render(report, further), encoding='utf-8')
        for name, property_node in properties.items():
            write_tables(property_node, directory / 'tables' / name)
    with clock.measure('archive'):
        write_archive(survey(node, *properties.values()), directory / 'campaign.aiida', overwrite=True)
    summary = summarise(report, properties, clock)
    (directory / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n', encoding='utf-8')
    tables = ', tables' if properties else ''
    progress.say(f'Wrote report.html, campaign.aiida{tables} and summary.json to {directory}.')
    click.echo(describe_result(report, properties, summary))
    click.echo(describe_next_steps(node, home))
    return report.is_converged


def summarise(
    report: CampaignReport, properties: Mapping[str, orm.WorkChainNode], clock: Clock
) -> dict[str, Any]:  # fmt: skip
    """Return the content of ``summary.json``.

    The share outside programs is 1 less the time in which at least one program was running, by the time stamps in the
    job scripts, over the wall time of the whole demo; `null` if the programs left no time stamps.

    :param report: on the campaign.
    :param properties: what was computed with its potential, by name.
    :param clock: of the demo.
    """
    from aiida_seimlip.cli.demo import properties as demo_properties

    total = clock.total
    errors = report.held_out
    inside = union_seconds((interval.start, interval.stop) for interval in report.intervals)
    inside += union_seconds(_times_of_programs(properties.values()))
    return {
        'converged': report.is_converged,
        'iterations': report.n_iterations,
        'labels': report.n_labels,
        'held_out': None if errors is None else {
            'n_frames': errors.n_frames,
            'against': report.teacher,
            'rmse_energy_mev_per_atom': _number(errors.energy),
            'rmse_force_ev_per_angstrom': _number(errors.force),
            'rmse_stress_gpa': _number(errors.stress),
        },
        'properties': demo_properties.summarise(properties),
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


def _times_of_programs(nodes: Any) -> Iterator[tuple[float, float]]:
    """Yield begin and end of each program that ran for some workflows, in seconds since 1970."""
    from aiida_seimlip.report.campaign.collect import program_times

    for node in nodes:
        for job in node.called_descendants:
            if isinstance(job, orm.CalcJobNode) and not job.base.caching.is_created_from_cache:
                times = program_times(job)
                if times is not None:
                    yield times


def describe_result(
    report: CampaignReport, properties: Mapping[str, orm.WorkChainNode], summary: Mapping[str, Any]
) -> str:
    """Say in a few lines what came out."""
    from aiida_seimlip.cli.demo import properties as demo_properties

    lines = [
        '',
        f'{report.title}: {report.status} after {report.n_iterations} iterations and {report.n_labels} labels.',
    ]
    if report.message:
        lines.append(report.message)
    if report.held_out is not None:
        errors = report.held_out
        lines.append(
            f'On {errors.n_frames} held-out frames, against {report.teacher}: {errors.energy:.3g} meV/atom, '
            f'{errors.force:.3g} eV/Å, {errors.stress:.3g} GPa (RMSE).'
        )
    for name, node in properties.items():
        first, *others = demo_properties.describe(node) or ['nothing was found']
        lines += [f'{name.capitalize() + ":":<14}{first}', *(f'{"":<14}{line}' for line in others)]
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
