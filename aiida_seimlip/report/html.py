"""One self-contained HTML page that tells about a campaign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from aiida_seimlip.report import plots
from aiida_seimlip.report.campaign import CampaignReport, Errors

STATUS_WORDS = {
    'converged': 'converged', 'not converged': 'not converged', 'failed': 'failed', 'running': 'still running',
    'stopped': 'stopped',
}  # fmt: skip


FEW_ITERATIONS = 8
"""Up to so many, the figures of explorations and of grades stand side by side."""


@dataclass(frozen=True)
class NumberTile:
    """One number at the top of the page.

    :param value: as it is shown.
    :param unit: behind the value, smaller.
    :param label: what it is.
    :param note: a few more words, smaller.
    :param mood: ``good``, ``bad`` or nothing: the colour of the value.
    """

    value: str
    unit: str
    label: str
    note: str = ''
    mood: str = ''


@dataclass(frozen=True)
class Section:
    """One part of the page.

    :param anchor: its id.
    :param title: what the part shows, in a few words.
    :param lead: one or two sentences on how to read the figure.
    :param figure: SVG text, empty if there is none.
    :param description: what a reader who cannot see the figure should know.
    :param reason: why there is no figure.
    :param legend: colours and words.
    """

    anchor: str
    title: str
    lead: str
    figure: str = ''
    description: str = ''
    reason: str = ''
    legend: tuple[tuple[str, str], ...] = ()


def render(report: CampaignReport) -> str:
    """Return the page.

    :param report: what to tell.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(svg=Markup)
    template = environment.from_string(files(__package__).joinpath('template.html.j2').read_text('utf-8'))
    return template.render(
        report=report,
        status=STATUS_WORDS.get(report.status, report.status),
        summary=_summary(report),
        tiles=_tiles(report),
        sections=[
            _learning(report), _survival(report), _grades(report), _parity(report), _time(report),
        ],
        has_few_iterations=report.n_iterations <= FEW_ITERATIONS,
        fonts=Markup(plots.FONTS),
    )  # fmt: skip


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
    note = f'RMSE on {_count(errors.n_frames, "frame")}' if report.held_out else 'no held-out frames'
    survivors = '{} of {} explorations survived'.format(*_survivors(report)) if report.explorations else ''
    share = report.share_outside_programs
    time, unit = plots.duration(report.wall_seconds).rsplit(' ', 1)
    return [
        NumberTile(
            'yes' if report.is_converged else 'no', '', 'converged',
            survivors, 'good' if report.is_converged else 'bad',
        ),
        NumberTile(str(report.n_iterations), '', 'iterations', 'after the bootstrap'),
        NumberTile(str(report.n_labels), '', 'labels', 'reference calculations learned from'),
        NumberTile(plots.number(errors.energy), 'meV/atom', 'held-out energy', note),
        NumberTile(plots.number(errors.force), 'eV/Å', 'held-out force', 'per component'),
        NumberTile(plots.number(errors.stress), 'GPa', 'held-out stress', 'per component'),
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
        'Root-mean-square errors against the number of labels. Training: all frames learned from. New frames: those '
        'that the explorations brought back, before they were learned. Held-out: fresh dynamics with the last '
        'potential.',
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
    texts = [f'{curve.name}: {plots.number(curve.energies[-1])} meV/atom at the end' for curve in curves]
    legend = tuple((plots.SET_COLOURS[curve.name], curve.name) for curve in curves)
    return replace(
        section, legend=legend, figure=plots.learning_curves(curves),
        description=f'Learning curves. {"; ".join(texts)}.',
    )  # fmt: skip


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
        'extrapolation grade met. A dot: not run in that iteration.',
        reason='No exploration has ended yet.',
        legend=tuple((plots.tile_colour(outcome), plots.OUTCOME_WORDS[outcome]) for outcome in outcomes),
    )  # fmt: skip
    if not report.explorations:
        return section
    tiles = [plots.Tile(e.name, e.iteration, e.outcome, e.survival, e.highest_grade) for e in report.explorations]
    return replace(
        section, figure=plots.survival_tiles(tiles, report.thresholds.get('save')), description=_summary(report)
    )


def _grades(report: CampaignReport) -> Section:
    section = Section(
        'grades', 'How far out the candidates were',
        'Extrapolation grades of the frames that the explorations saved, and their median. At the break threshold a '
        'run is stopped.',
        reason='No exploration has saved a frame.',
    )  # fmt: skip
    grades = {key: values for key, values in report.grades.items() if np.isfinite(values).any()}
    if not grades:
        return section
    text = '; '.join(f'iteration {key}: median {np.nanmedian(values):.1f}' for key, values in grades.items())
    return replace(
        section,
        figure=plots.grade_distribution(grades, report.thresholds),
        description=f'Extrapolation grades. {text}.',
    )


def _parity(report: CampaignReport) -> Section:
    section = Section(
        'parity', 'How well it predicts',
        'The last potential against the reference, and the differences. Labels give root-mean-square errors.',
        reason='There is no trained potential, or no labelled frame, to compare.',
    )  # fmt: skip
    if not report.parities:
        return section
    clouds = [plots.Cloud(item.name, item.energies, item.forces, item.stresses) for item in report.parities]
    texts = [f'{item.name}: {plots.number(item.errors.energy)} meV/atom' for item in report.parities]
    return replace(section, figure=plots.parity(clouds), description=f'Parity plots. {"; ".join(texts)}.')


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
    texts = [f'{plots.word(stage)} {plots.duration(length)}' for stage, length in seconds.items()]
    return replace(section, figure=figure, description=f'Time by stage: {", ".join(texts)}.')
