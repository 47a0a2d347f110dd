"""The figures of a campaign: functions from arrays to SVG text, each drawn on a figure of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from aiida_seimlip.report.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
    YELLOW,
    new_figure,
    plain_log,
    tint,
    to_svg,
)
from aiida_seimlip.report.words import duration, grade, number, word

SET_COLOURS = {'training': BLUE, 'new frames': PURPLE, 'held-out': VERMILION}
OUTCOME_COLOURS = {
    'completed': GREEN, 'broke': ORANGE, 'crashed': VERMILION, 'out_of_walltime': PURPLE, 'failed': GREY,
}  # fmt: skip
SOFT = 0.25
"""Share of white in the filled part of a tile, so that the number on it is easy to read."""
OUTCOME_WORDS = {
    'completed': 'ran to its end', 'broke': 'stopped at the break threshold', 'crashed': 'crashed',
    'out_of_walltime': 'out of wall time', 'failed': 'failed',
}  # fmt: skip
STAGE_COLOURS = {
    'explore': SKY, 'select': PURPLE, 'label': ORANGE, 'train': BLUE, 'held_out': GREEN, 'evaluate': YELLOW,
    'outside programs': FAINT,
}  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """Errors of one set of frames along a campaign, NaN where unknown.

    :param name: of the set; decides the colour.
    :param labels: labelled frames that were learned from; shape (n,).
    :param energies: in meV per atom; shape (n,).
    :param forces: in eV/Å per component; shape (n,).
    :param stresses: in GPa per component; shape (n,).
    """

    name: str
    labels: Sequence[float]
    energies: Sequence[float]
    forces: Sequence[float]
    stresses: Sequence[float]


@dataclass(frozen=True)
class Cloud:
    """Reference (first row) against predicted values (second row) of one set of frames; units as in `Curve`."""

    name: str
    energies: np.ndarray
    forces: np.ndarray
    stresses: np.ndarray


@dataclass(frozen=True)
class Tile:
    """One exploration of one iteration.

    :param row: name of the exploration.
    :param column: number of the iteration.
    :param outcome: a key of :data:`OUTCOME_COLOURS`.
    :param survival: share of the planned steps that were done.
    :param grade: highest grade met, NaN if unknown.
    """

    row: str
    column: int
    outcome: str
    survival: float
    grade: float


def learning_curves(curves: Sequence[Curve]) -> str:
    """Draw root-mean-square errors of energy, force and stress against the number of labels.

    :param curves: one for each set of frames.
    """
    panels = (('energies', 'Energy (meV/atom)'), ('forces', 'Force (eV/Å)'), ('stresses', 'Stress (GPa)'))
    with rc_context(STYLE):
        figure, ((*axes,),) = new_figure(10.4, 3.1, columns=3)
        for ax, (quantity, title) in zip(axes, panels, strict=True):
            ends = [_draw_curve(ax, curve, np.asarray(getattr(curve, quantity), dtype=float)) for curve in curves]
            ax.set_title(title)
            ax.set_xlabel('labelled frames learned from')
            ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
            _scale_errors(ax)
            _label_ends(ax, [end for end in ends if end is not None])
            if all(end is None for end in ends):
                ax.text(0.5, 0.5, 'no values', ha='center', va='center', transform=ax.transAxes, color=MUTED)
                ax.set(xticks=[], yticks=[])
        return to_svg(figure, 'learning')


def survival_tiles(tiles: Sequence[Tile], threshold: float | None = None) -> str:
    """Draw a tile for each exploration and iteration: its colour is the outcome, its filled part the steps survived.

    The number in a tile is the highest extrapolation grade met.

    :param tiles: in the order in which rows shall appear.
    :param threshold: grade above which frames are saved: a run that saved none stayed below it.
    """
    rows = list(dict.fromkeys(tile.row for tile in tiles))
    columns = sorted({tile.column for tile in tiles})
    with rc_context({**STYLE, 'axes.grid': False}):
        width = min(10.4, 1.7 + max(4, len(columns)) * 0.72)
        figure, ((ax,),) = new_figure(width, 0.95 + 0.40 * len(rows))
        drawn = {(tile.row, tile.column): tile for tile in tiles}
        for position, column in enumerate(columns):
            for height, row in enumerate(rows):
                _draw_tile(ax, drawn.get((row, column)), position, height, threshold)
        ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.95))
        ax.set_xticks(range(len(columns)), [str(column) for column in columns])
        ax.set_yticks(range(len(rows)), rows)
        ax.tick_params(axis='y', labelcolor=INK)
        ax.set_xlabel('iteration')
        for position, column in enumerate(columns):
            survivors = sum(tile.outcome == 'completed' for tile in tiles if tile.column == column)
            ax.text(position, -0.72, f'{survivors} of {len(rows)}', ha='center', va='center', color=MUTED, size=9)
        ax.text(-0.62, -0.72, 'survived', ha='right', va='center', color=MUTED, size=9)
        for spine in ax.spines.values():
            spine.set_visible(False)
        return to_svg(figure, 'survival')


def grade_distribution(
    grades: Mapping[int, np.ndarray], thresholds: Mapping[str, float], name: str = 'extrapolation grade γ'
) -> str:  # fmt: skip
    """Draw the extrapolation grades of the frames that each iteration's explorations saved.

    :param grades: by iteration; each of shape (n,).
    :param thresholds: lines to draw, by name.
    :param name: what a grade is called.
    """
    random = np.random.default_rng(0)  # moves points sideways only, so that they do not hide each other
    with rc_context({**STYLE, 'axes.grid.axis': 'y'}):
        figure, ((ax,),) = new_figure(4.7, 3.35)
        numbers = sorted(grades)
        for position, number in enumerate(numbers):
            values = grades[number][np.isfinite(grades[number]) & (grades[number] > 0)]
            if not values.size:
                continue
            shift = random.uniform(-0.30, 0.30, values.size)
            ax.plot(position + shift, values, 'o', ms=2.6, mew=0, color=SKY, alpha=0.55, rasterized=True)
            ax.plot([position - 0.36, position + 0.36], [np.median(values)] * 2, color=INK, lw=1.8)
        for limit, value in thresholds.items():
            ax.axhline(value, color=VERMILION if limit == 'break' else MUTED, lw=1, ls=(0, (4, 3)), zorder=0)
            ax.annotate(
                limit, (1.0, value), xycoords=('axes fraction', 'data'), xytext=(4, 0), textcoords='offset points',
                va='center', size=9, color=VERMILION if limit == 'break' else MUTED,
            )  # fmt: skip
        ax.set_yscale('log')
        plain_log(ax.yaxis)
        ax.set_xlim(-0.6, len(numbers) - 0.4)
        ax.set_xticks(range(len(numbers)), [str(number) for number in numbers])
        ax.set(xlabel='iteration', ylabel=name)
        return to_svg(figure, 'grades')


def parity(clouds: Sequence[Cloud], teacher: str = 'reference') -> str:
    """Draw predicted against reference energies, force and stress components.

    :param clouds: one for each set of frames; later ones are drawn on top.
    :param teacher: what made the labels.
    """
    panels = (('energies', 'Energy', 'eV/atom', 1e3, 'meV/atom'), ('forces', 'Force components', 'eV/Å', 1.0, 'eV/Å'),
              ('stresses', 'Stress components', 'GPa', 1.0, 'GPa'))  # fmt: skip
    with rc_context(STYLE):
        figure, axes = new_figure(10.4, 5.0, columns=3, heights=(3.0, 1.0))
        for column, (quantity, title, unit, factor, error_unit) in enumerate(panels):
            above, below = axes[0][column], axes[1][column]
            pairs = [(cloud.name, getattr(cloud, quantity)) for cloud in clouds]
            _draw_parity(above, below, [(name, pair) for name, pair in pairs if pair.size], factor, error_unit)
            above.set_title(title)
            above.set_ylabel(f'potential ({unit})')
            above.tick_params(labelbottom=False)
            below.set(xlabel=f'{teacher.removeprefix("the ")} ({unit})', ylabel=f'error ({error_unit})')
        return to_svg(figure, 'parity')


def time_line(intervals: Sequence[tuple[str, float, float]], seconds: Mapping[str, float], wall_seconds: float) -> str:
    """Draw a bar of the wall time by stage, and below it when each stage was under way.

    :param intervals: stage, start and stop in seconds since the beginning.
    :param seconds: wall time of each stage.
    :param wall_seconds: the length of the bar; what the stages leave of it is shown as time outside programs.
    """
    stages = sorted(seconds, key=lambda stage: list(STAGE_COLOURS).index(stage) if stage in STAGE_COLOURS else 99)
    factor, unit = (1 / 60, 'minutes') if wall_seconds < 3 * 3600 else (1 / 3600, 'hours')
    with rc_context({**STYLE, 'axes.grid.axis': 'x'}):
        heights = (0.8, 0.42 * len(stages) + 0.35)
        figure, ((bar,), (lanes,)) = new_figure(10.4, 1.55 + 0.36 * len(stages), heights=heights)
        _draw_bar(bar, {stage: seconds[stage] for stage in stages}, wall_seconds)
        for stage, start, stop in intervals:
            position, colour = stages.index(stage), STAGE_COLOURS.get(stage, GREY)
            length = max(stop - start, wall_seconds / 1500)
            lanes.add_patch(Rectangle((start * factor, position - 0.3), length * factor, 0.6, color=colour, lw=0))
        lanes.set(xlim=(0, wall_seconds * factor), ylim=(len(stages) - 0.5, -0.5), xlabel=f'{unit} since the beginning')
        lanes.set_yticks(range(len(stages)), [word(stage) for stage in stages])
        lanes.tick_params(axis='y', labelcolor=INK)
        lanes.spines['left'].set_visible(False)
        return to_svg(figure, 'time')


# -- parts ------------------------------------------------------------------------------------------------------------


def _draw_curve(ax: Axes, curve: Curve, values: np.ndarray) -> tuple[float, float, str] | None:
    """Draw a curve and return its last point and its colour; None if no value is known."""
    known = np.isfinite(values)
    if not known.any():
        return None
    colour = SET_COLOURS.get(curve.name, GREY)
    labels = np.asarray(curve.labels, dtype=float)
    marker = 'D' if known.sum() == 1 else 'o'
    ax.plot(labels[known], values[known], marker=marker, color=colour, mec='white', mew=0.9, clip_on=False, zorder=3)
    return labels[known][-1], values[known][-1], colour


def _label_ends(ax: Axes, ends: Sequence[tuple[float, float, str]], *, apart: float = 11.0) -> None:
    """Write the last value of each curve at its end, moved up or down until the numbers are `apart` points apart."""
    ax.figure.canvas.draw()
    ordered = sorted(ends, key=lambda end: end[1])
    heights = [ax.transData.transform((0, value))[1] * 72 / ax.figure.dpi for _, value, _ in ordered]
    placed = list(heights)
    for _ in range(50):
        for low in range(len(placed) - 1):
            lacking = apart - (placed[low + 1] - placed[low])
            if lacking > 0:
                placed[low] -= lacking / 2
                placed[low + 1] += lacking / 2
    for (labels, value, colour), height, place in zip(ordered, heights, placed, strict=True):
        ax.annotate(
            number(value), (labels, value), xytext=(9, place - height), textcoords='offset points', size=9,
            va='center_baseline', color=colour, weight='bold', annotation_clip=False,
        )  # fmt: skip


def _scale_errors(ax: Axes) -> None:
    """Let the axis of errors begin at zero, or make it logarithmic where errors span more than a decade."""
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.get_lines()] or [np.empty(0)])
    values = values[values > 0]
    if values.size and values.max() > 12 * values.min():
        ax.set_yscale('log')
        ax.set_ylim(values.min() / 1.6, values.max() * 1.6)
        plain_log(ax.yaxis)
    elif values.size:
        ax.set_ylim(0, 1.12 * values.max())
    left, right = ax.get_xlim()
    ax.set_xlim(left, right + 0.16 * (right - left))


def _draw_tile(ax: Axes, tile: Tile | None, column: int, row: int, threshold: float | None) -> None:
    """Draw a tile at a place; where nothing was run there is a dot."""
    if tile is None:
        ax.plot(column, row, 'o', ms=2.5, color=FAINT)
        return
    outcome = tile.outcome if tile.outcome in OUTCOME_COLOURS else 'failed'
    colour = OUTCOME_COLOURS[outcome]
    left, bottom, width, height = column - 0.46, row - 0.40, 0.92, 0.80
    ax.add_patch(Rectangle((left, bottom), width, height, color=tint(colour, 0.80), lw=0))
    filled = width * max(0.0, min(1.0, tile.survival))
    ax.add_patch(Rectangle((left, bottom), filled, height, color=tint(colour, SOFT), lw=0))
    mark = {'crashed': '× ', 'failed': '× ', 'out_of_walltime': '… '}.get(outcome, '')
    if np.isfinite(tile.grade):
        text = mark + grade(tile.grade)
    else:
        text = f'< {threshold:g}' if outcome == 'completed' and threshold is not None else mark
    ax.text(column, row, text, ha='center', va='center_baseline', color=INK, size=9.5)


def _draw_parity(
    above: Axes, below: Axes, pairs: Sequence[tuple[str, np.ndarray]], factor: float, error_unit: str
) -> None:
    """Draw predictions against the reference, and below them their differences times `factor`."""
    if not pairs:
        above.text(0.5, 0.5, 'no values', ha='center', va='center', transform=above.transAxes, color=MUTED)
        return
    every = np.concatenate([pair.ravel() for _, pair in pairs])
    low, high = every.min(), every.max()
    margin = 0.05 * (high - low) or 1.0
    limits = (low - margin, high + margin)
    above.plot(limits, limits, color=FAINT, lw=1, zorder=1)
    below.axhline(0, color=FAINT, lw=1, zorder=1)
    for position, (name, pair) in enumerate(pairs):
        colour, many = SET_COLOURS.get(name, GREY), pair.shape[1] > 500
        errors = factor * (pair[1] - pair[0])
        style = {'mew': 0, 'color': colour, 'rasterized': many, 'zorder': 2 + position}
        style |= {'ms': 2.0, 'alpha': 0.35} if many else {'ms': 4.2, 'alpha': 0.75}
        above.plot(*pair, 'o', **style)
        below.plot(pair[0], errors, 'o', **style)
        above.annotate(
            f'{name}: {number(np.sqrt(np.mean(errors**2)))} {error_unit}', (0, 1), xycoords='axes fraction', va='top',
            color=colour, xytext=(7, -5 - 15 * position), textcoords='offset points', size=9.5, weight='bold', zorder=9,
        )  # fmt: skip
    highest = 1.15 * factor * max(np.abs(pair[1] - pair[0]).max() for _, pair in pairs) or 1.0
    above.set(xlim=limits, ylim=limits, box_aspect=1)
    below.set(xlim=limits, ylim=(-highest, highest))
    for axis in (above.xaxis, above.yaxis, below.xaxis):
        axis.set_major_locator(MaxNLocator(5))
    below.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))


def _draw_bar(ax: Axes, seconds: Mapping[str, float], wall_seconds: float) -> None:
    outside = max(0.0, wall_seconds - sum(seconds.values()))
    parts = {**seconds, 'outside programs': outside}
    total, left = sum(parts.values()) or 1.0, 0.0
    for stage, length in parts.items():
        share = length / total
        ax.barh(0, share, left=left, height=0.9, color=STAGE_COLOURS.get(stage, GREY), ec='white', lw=1.5)
        if share > 0.075:
            ax.annotate(
                word(stage), (left, 0.45), xytext=(2, 4), textcoords='offset points', va='bottom', size=9.5, color=INK,
                weight='bold',
            )  # fmt: skip
            ax.text(
                left + share / 2, 0, f'{duration(length)} · {100 * share:.0f} %', ha='center', va='center_baseline',
                size=9, color='white' if stage in ('train', 'held_out') else INK,
            )  # fmt: skip
        left += share
    ax.set(xlim=(0, 1), ylim=(-0.5, 0.85))
    ax.axis('off')


def tile_colour(outcome: str) -> str:
    """Return the colour of a tile as a hexadecimal number."""
    return to_hex(tint(OUTCOME_COLOURS.get(outcome, GREY), SOFT))
