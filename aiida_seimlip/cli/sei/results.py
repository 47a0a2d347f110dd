"""What ``aiida-seimlip sei`` writes and says in the end."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import click
from aiida import orm

from aiida_seimlip.cli.clock import Clock
from aiida_seimlip.cli.profile.home import Home
from aiida_seimlip.cli.progress import Progress
from aiida_seimlip.options.sei.results import SeiResults
from aiida_seimlip.report.sei.sections import describe_ending, results_of, sei_sections, to_text
from aiida_seimlip.report.sei.tables import sei_tables
from aiida_seimlip.report.tables import write_files

CAMPAIGN = 'campaign'


def write_results(
    node: orm.WorkChainNode, *, home: Home, directory: Path, clock: Clock, progress: Progress
) -> bool:  # fmt: skip
    """Write the potentials, the tables, the report, the archive and the summary, and print the tables.

    :param node: the workflow, however it ended.
    :param home: of the profile.
    :param directory: where to write.
    :param clock: of the command.
    :param progress: is told what was written.
    :return: whether the workflow ended well.
    """
    from aiida_seimlip.exchange.archive.contents import survey
    from aiida_seimlip.exchange.archive.writer import write_archive

    results = results_of(node)
    with clock.measure('report'):
        write_potentials(node, directory)
        _write_report(node, directory / 'report.html')
        if results is not None:
            write_files(sei_tables(results), directory / 'tables')
    with clock.measure('archive'):
        write_archive(survey(node), directory / 'sei.aiida', overwrite=True)
    summary = summarise(node, results, clock)
    (directory / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n', encoding='utf-8')
    progress.say(f'Wrote the potentials, report.html, tables, sei.aiida and summary.json to {directory}.')
    if results is not None:
        for table in sei_tables(results):
            click.echo(f'\n{table.caption}\n\n{to_text(table)}')
        click.echo('')
        for line in describe_ending(results):
            click.echo(line)
    elif node.exit_message:
        click.echo(node.exit_message)
    click.echo(f'It took {clock.total / 60:.1f} min.')
    click.echo(describe_next_steps(node, home))
    return bool(node.is_finished_ok)


def write_potentials(node: orm.WorkChainNode, directory: Path) -> None:
    """Write the file of each potential, under its name.

    :param node: the workflow, however it ended.
    :param directory: where to write.
    """
    folder = directory / 'potentials'
    folder.mkdir(parents=True, exist_ok=True)
    for name, potential in potentials_of(node).items():
        (folder / f'{name}{Path(potential.filename).suffix}').write_bytes(potential.get_content(mode='rb'))


def potentials_of(node: orm.WorkChainNode) -> dict[str, Any]:
    """Return the potentials that there are, by name.

    :param node: the workflow, however it ended.
    """
    outputs: Any = node.outputs
    found = dict(outputs.potentials) if 'potentials' in outputs else {}
    if CAMPAIGN in outputs and 'potential' in outputs[CAMPAIGN]:
        found[CAMPAIGN] = outputs[CAMPAIGN]['potential']
    return found


def summarise(node: orm.WorkChainNode, results: SeiResults | None, clock: Clock) -> dict[str, Any]:
    """Return the content of ``summary.json``.

    :param node: the workflow.
    :param results: what it found, None if it did not come to that.
    :param clock: of the command.
    """
    return {
        'exit_status': node.exit_status, 'message': node.exit_message, 'uuid': node.uuid,
        'species': next((list(potential.species) for potential in potentials_of(node).values()), None),
        'results': None if results is None else results.model_dump(mode='json'),
        'seconds': {**{name: round(value, 2) for name, value in clock.seconds.items()}, 'total': round(clock.total, 2)},
    }  # fmt: skip


def describe_next_steps(node: orm.WorkChainNode, home: Home) -> str:
    """Say how to look further, and in which order the files of the potentials number the elements."""
    verdi = Path(sys.executable).parent / 'verdi'
    place = f'AIIDA_PATH={shlex.quote(str(home.path))}'
    lines = ['', 'To look further:', f'  {place} {shlex.quote(str(verdi))} process status {node.pk}']
    species = [','.join(potential.species) for potential in potentials_of(node).values()]
    if species:
        lines += ['To use a potential elsewhere:', f'  aiida-seimlip potential import FILE --species {species[0]}']
    return '\n'.join(lines)


def _write_report(node: orm.WorkChainNode, path: Path) -> None:
    """Write the page: the campaign, with what was judged as a chapter; without a campaign there is none."""
    from aiida_seimlip.report.campaign.collect import collect
    from aiida_seimlip.report.campaign.page import render
    from aiida_seimlip.report.citations.collect import citations_section

    campaigns: list[Any] = [child for child in node.called if child.process_label == 'ActiveLearningWorkChain']
    if campaigns:
        further = [*sei_sections(node), citations_section([campaigns[-1]])]
        path.write_text(render(collect(campaigns[-1]), further), encoding='utf-8')
