"""One self-contained HTML page that tells about a campaign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from aiida_seimlip.report import words
from aiida_seimlip.report.campaign import plots
from aiida_seimlip.report.campaign.facts import CampaignReport, Errors
from aiida_seimlip.report.campaign.starts import sections_of_starts
from aiida_seimlip.report.sections import Figure, NumberTile, Page, Section, render_page
from aiida_seimlip.report.tables import Cell, Column, Table

STATUS_WORDS = {
    'converged': 'converged', 'not converged': 'not converged', 'failed': 'failed', 'running': 'still running',
    'stopped': 'stopped',
}  # fmt: skip


FEW_ITERATIONS = 8
"""Up to so many, the figures of explorations and of grades stand side by side."""
MANY_EXPLORATIONS = 40
"""Beyond so many, there is no tile for each exploration and iteration."""


def render(report: CampaignReport, further: Sequence[Section] = ()) -> str:
    """Return the page.

    :param report: what to tell.
    :param further: sections on what was computed with the potential, to be shown below those of the campaign.
    """
    return render_page(campaign_page(report, further))


def campaign_page(report: CampaignReport, further: Sequence[Section] = ()) -> Page:
    """Return what the page is made of.

    :param report: what to tell.
    :param further: sections on what was computed with the potential, to be shown below those of the campaign.
    """
    profile = f' in profile {report.profile}' if report.profile else ''
    own = [
        _learning(report), _survival(report), _grades(report), *sections_of_starts(report), _parity(report),
        _drops(report), _time(report),
    ]  # fmt: skip
    return Page(
        title=report.title,
        kicker=f'{report.started.strftime("%-d %B %Y, %H:%M")} UTC · WorkChain {report.pk}{profile}',
        status=STATUS_WORDS.get(report.status, report.status),
        is_good=report.is_converged,
        summary=_summary(report),
        tiles=_tiles(report),
        sections=[*own, *further],
        settings=report.settings,
        versions=report.versions,
        pointers=report.pointers,
        commands=_commands(report),
        notes=report.notes,
    )


def _commands(report: CampaignReport) -> list[str]:
    """Return commands that show more."""
    commands = [f'verdi process status {report.pk}', f'verdi process report {report.pk}']
    potential = report.pointers.get('potential')
    if potential is not None:
        commands += [
            f'verdi node graph generate {potential}', f'aiida-seimlip potential export {potential} -o potential.almtp'
        ]  # fmt: skip
    return [*commands, f'aiida-seimlip archive {report.uuid} campaign.aiida']


def _summary(report: CampaignReport) -> str:
    """Say in one or two sentences how it went."""
    if not report.explorations:
        return report.message or 'No exploration has ended yet.'
    survivors, number = _survivors(report)
    text = (
        f'After {_count(report.n_iterations, "iteration")} and {_count(report.n_labels, "label")}, '
        f'{survivors} of {_count(number, "exploration")} ran to the end without leaving known ground.'
    )
    return f'{text} {report.message}'.strip()


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'


def _tiles(report: CampaignReport) -> list[NumberTile]:
    errors = report.held_out or Errors(0, *[float('nan')] * 3)
    frames = _count(errors.n_frames, 'frame')
    note = f'RMSE on {frames}, against {report.teacher}' if report.held_out else 'no held-out frames'
    survivors = '{} of {} explorations survived'.format(*_survivors(report)) if report.explorations else ''
    share = report.share_outside_programs
    time, unit = words.duration(report.wall_seconds).rsplit(' ', 1)
    return [
        NumberTile(
            'yes' if report.is_converged else 'no', '', 'converged',
            survivors, 'good' if report.is_converged else 'bad',
        ),
        NumberTile(str(report.n_iterations), '', 'iterations', 'after the bootstrap'),
        NumberTile(str(report.n_labels), '', 'labels', f'by {report.teacher}'),
        NumberTile(words.number(errors.energy), 'meV/atom', 'held-out energy', note),
        NumberTile(words.number(errors.force), 'eV/Å', 'held-out force', 'per component'),
        NumberTile(words.number(errors.stress), 'GPa', 'held-out stress', 'per component'),
        NumberTile(time, unit, 'wall time', f'{100 * share:.0f} % outside programs' if np.isfinite(share) else ''),
    ]  # fmt: skip


def _survivors(report: CampaignReport) -> tuple[int, int]:
    """Return how many explorations survived in the last iteration, and how many there are."""
    last = max(exploration.iteration for exploration in report.explorations)
    survivors = [item for item in report.explorations if item.iteration == last and item.outcome == 'completed']
    return len(survivors), len({item.name for item in report.explorations})


def _learning(report: CampaignReport) -> Section:
    section = Section(
        'learning', 'What it learned',
        f'Root-mean-square errors against {report.teacher}, by the number of labels. Training: all frames learned '
        'from. New frames: those that the explorations brought back, before they were learned. Held-out: fresh '
        'dynamics with the last potential.',
        reason='No potential has been trained yet.',
    )  # fmt: skip
    curves = [
        _curve('training', [(item.n_labels, item.training) for item in report.iterations]),
        _curve('new frames', [(item.n_labels_before, item.new_frames) for item in report.iterations]),
    ]
    curves.append(_curve('held-out', [(report.n_labels, report.held_out)]))
    curves = [curve for curve in curves if len(curve.labels)]
    if not curves:
        return section
    texts = [f'{curve.name}: {words.number(curve.energies[-1])} meV/atom at the end' for curve in curves]
    legend = tuple((plots.SET_COLOURS[curve.name], curve.name) for curve in curves)
    figure = Figure(plots.learning_curves(curves), f'Learning curves. {"; ".join(texts)}.', legend)
    return replace(section, figures=(figure,))


def _curve(name: str, points: Sequence[tuple[int, Errors | None]]) -> plots.Curve:
    known = [(labels, errors) for labels, errors in points if errors is not None]
    return plots.Curve(
        name, [labels for labels, _ in known], [errors.energy for _, errors in known],
        [errors.force for _, errors in known], [errors.stress for _, errors in known],
    )  # fmt: skip


def _survival(report: CampaignReport) -> Section:
    outcomes = [outcome for outcome in plots.OUTCOME_WORDS if any(e.outcome == outcome for e in report.explorations)]
    section = Section(
        'survival', 'Where it was still surprised',
        'Each tile is one molecular dynamics run. It is filled as far as the run came; the number is the highest '
        f'{report.grade_name} met. A dot: not run in that iteration.',
        reason='No exploration has ended yet.', is_half=report.n_iterations <= FEW_ITERATIONS,
    )  # fmt: skip
    names = {exploration.name for exploration in report.explorations}
    if not names:
        return section
    if len(names) > MANY_EXPLORATIONS:
        return replace(section, lead='', reason=f'{len(names)} explorations are too many for this figure: see below.')
    tiles = [plots.Tile(e.name, e.iteration, e.outcome, e.survival, e.highest_grade) for e in report.explorations]
    legend = tuple((plots.tile_colour(outcome), plots.OUTCOME_WORDS[outcome]) for outcome in outcomes)
    svg = plots.survival_tiles(tiles, report.thresholds.get('save'))
    return replace(section, figures=(Figure(svg, _summary(report), legend),))


def _grades(report: CampaignReport) -> Section:
    section = Section(
        'grades', 'How far out the candidates were',
        f'The {report.grade_name} of each frame that the explorations saved, and the median. At the break threshold '
        'a run is stopped.',
        reason='No exploration has saved a frame.', is_half=report.n_iterations <= FEW_ITERATIONS,
    )  # fmt: skip
    grades = {key: values for key, values in report.grades.items() if np.isfinite(values).any()}
    if not grades:
        return section
    text = '; '.join(f'iteration {key}: median {np.nanmedian(values):.1f}' for key, values in grades.items())
    svg = plots.grade_distribution(grades, report.thresholds, report.grade_name)
    figure = Figure(svg, f'Grades of frames. {text}.')
    return replace(section, figures=(figure,))


def _parity(report: CampaignReport) -> Section:
    section = Section(
        'parity', 'How well it predicts',
        f'The last potential against {report.teacher}, and the differences. Labels give root-mean-square errors.',
        reason='There is no trained potential, or no labelled frame, to compare.',
    )  # fmt: skip
    if not report.parities:
        return section
    clouds = [plots.Cloud(item.name, item.energies, item.forces, item.stresses) for item in report.parities]
    texts = [f'{item.name}: {words.number(item.errors.energy)} meV/atom' for item in report.parities]
    figure = Figure(plots.parity(clouds, report.teacher), f'Parity plots. {"; ".join(texts)}.')
    return replace(section, figures=(figure,))


def _drops(report: CampaignReport) -> Section:
    section = Section('drops', 'What was left out, and why', reason='Nothing was left out.')
    if not report.drops:
        return section
    columns = (
        Column('iteration', 'Iteration', is_number=False), Column('stage', 'Stage', is_number=False),
        Column('reason', 'Reason', is_number=False), Column('frames', 'Frames'),
    )  # fmt: skip
    rows = [
        (Cell(drop.iteration if drop.iteration >= 0 else 'held-out'), Cell(drop.stage), Cell(drop.reason),
         Cell(drop.count))
        for drop in report.drops
    ]  # fmt: skip
    return replace(
        section, tables=(Table('drops', '', columns, rows),),
        lead='Frames that did not become training data. Every one is named in the history node of the campaign.',
    )  # fmt: skip


def _time(report: CampaignReport) -> Section:
    lead = (
        'Time in which at least one program of a stage was running, by the time stamps of the jobs themselves.'
        if report.is_measured
        else 'Time from the creation of a job to its end; the jobs left no time stamps of the programs themselves.'
    )
    if report.n_reused:
        lead += f' {_count(report.n_reused, "job")} took over the results of an earlier campaign and took no time.'
    section = Section('time', 'Where the time went', lead, reason='No job has ended yet.')
    if not report.intervals:
        return section
    seconds = report.seconds_by_stage
    figure = plots.time_line(
        [(item.stage, item.start, item.stop) for item in report.intervals], seconds, report.wall_seconds
    )
    texts = [f'{words.word(stage)} {words.duration(length)}' for stage, length in seconds.items()]
    return replace(section, figures=(Figure(figure, f'Time by stage: {", ".join(texts)}.'),))
