"""The figures on the starts of a campaign: functions from facts to SVG text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from aiida_seimlip.report.campaign.facts import ErrorsByPart, Start
from aiida_seimlip.report.campaign.plots import OUTCOME_COLOURS, SET_COLOURS, SOFT
from aiida_seimlip.report.style import FAINT, GREEN, GREY, INK, STYLE, VERMILION, canvas, tint, to_svg

ROW = 0.27
"""Height of a row in inches."""


def survival_matrix(starts: Sequence[Start]) -> str:
    """Draw a row for each start: its last exploration under each condition, and its survivors in each iteration.

    :param starts: in the order of the rows.
    """
    conditions = sorted({(run.temperature, run.condition) for start in starts for run in start.runs})
    names = [condition for _, condition in conditions]
    iterations = sorted({run.exploration.iteration for start in starts for run in start.runs})
    with rc_context({**STYLE, 'axes.grid': False}):
        width = 2.2 + 0.62 * len(names) + 0.45 * len(iterations)
        figure = canvas(min(10.4, max(5.0, width)), 1.35 + ROW * len(starts))
        ratios = (0.62 * len(names), 0.45 * len(iterations))
        last, over_time = figure.subplots(1, 2, sharey=True, width_ratios=ratios)
        for row, start in enumerate(starts):
            for column, name in enumerate(names):
                _draw_last(last, start, name, column, row)
            for column, iteration in enumerate(iterations):
                _draw_iteration(over_time, start, iteration, column, row)
        last.set_xticks(range(len(names)), names, rotation=35, ha='right')
        over_time.set_xticks(range(len(iterations)), [str(number) for number in iterations])
        last.set_yticks(range(len(starts)), [start.name for start in starts])
        for label, start in zip(last.get_yticklabels(), starts, strict=True):
            label.set_color(VERMILION if start.quarantined else INK)
        last.set_title('last, by condition')
        over_time.set_title('survivors, by iteration')
        for ax, n_columns in ((last, len(names)), (over_time, len(iterations))):
            ax.set(xlim=(-0.5, n_columns - 0.5), ylim=(len(starts) - 0.5, -0.5))
            ax.tick_params(length=0)
            for spine in ax.spines.values():
                spine.set_visible(False)
        return to_svg(figure, 'starts')


def errors_by_part(parts: Sequence[ErrorsByPart]) -> str:
    """Draw the errors of the forces by composition and by element, one mark for each set of frames.

    :param parts: one for each set.
    """
    formulas = sorted({formula for part in parts for formula in part.by_formula})
    elements = sorted({symbol for part in parts for symbol in part.force_by_element})
    with rc_context({**STYLE, 'axes.grid.axis': 'x'}):
        figure = canvas(10.4, 1.3 + max(1.2, 0.24 * max(len(formulas), len(elements))))
        energy, force, by_element = figure.subplots(1, 3, width_ratios=(1.0, 1.0, 0.8))
        for part in parts:
            colour = SET_COLOURS.get(part.name, GREY)
            known = [(row, part.by_formula[name]) for row, name in enumerate(formulas) if name in part.by_formula]
            rows = [row for row, _ in known]
            style = {'marker': 'o', 'ls': '', 'color': colour, 'ms': 5.5, 'mec': 'white', 'mew': 0.7, 'clip_on': False}
            energy.plot([errors.energy for _, errors in known], rows, **style)
            force.plot([errors.force for _, errors in known], rows, **style, label=part.name)
            shown = [(row, part.force_by_element.get(symbol, np.nan)) for row, symbol in enumerate(elements)]
            by_element.plot([value for _, value in shown], [row for row, _ in shown], **style)
        for ax, labels, title in (
            (energy, formulas, 'Energy (meV/atom)'), (force, formulas, 'Force (eV/Å)'),
            (by_element, elements, 'Force by element (eV/Å)'),
        ):  # fmt: skip
            ax.set_title(title)
            ax.set_yticks(range(len(labels)), labels if ax is not force else [''] * len(labels))
            ax.tick_params(axis='y', labelcolor=INK, length=0)
            ax.set_ylim(len(labels) - 0.5, -0.5)
            ax.set_xlim(0, 1.08 * (ax.dataLim.x1 or 1.0))
        for position, part in enumerate(parts):
            by_element.annotate(
                part.name, (1, 0), xycoords='axes fraction', xytext=(0, -34 - 13 * position), ha='right',
                textcoords='offset points', color=SET_COLOURS.get(part.name, GREY), size=9.5, weight='bold',
            )  # fmt: skip
        return to_svg(figure, 'parts')


def _draw_last(ax: Axes, start: Start, condition: str, column: int, row: int) -> None:
    """Draw the last exploration under a condition; a dot where there was none."""
    run = start.last.get(condition)
    if run is None:
        ax.plot(column, row, 'o', ms=2.0, color=FAINT)
        return
    exploration = run.exploration
    colour = OUTCOME_COLOURS.get(exploration.outcome, GREY)
    ax.add_patch(Rectangle((column - 0.46, row - 0.42), 0.92, 0.84, color=tint(colour, 0.80), lw=0))
    filled = 0.92 * max(0.0, exploration.survival)
    ax.add_patch(Rectangle((column - 0.46, row - 0.42), filled, 0.84, color=tint(colour, SOFT), lw=0))
    ax.text(column, row, str(exploration.iteration), ha='center', va='center_baseline', color=INK, size=8)


def _draw_iteration(ax: Axes, start: Start, iteration: int, column: int, row: int) -> None:
    """Draw which share of the explorations of an iteration survived; a dot where the start was not explored."""
    runs = [run for run in start.runs if run.exploration.iteration == iteration]
    if not runs:
        ax.plot(column, row, 'o', ms=2.0, color=FAINT)
        return
    n_survivors = sum(run.exploration.outcome == 'completed' for run in runs)
    share = n_survivors / len(runs)
    colour = tint(GREEN, SOFT + 0.55 * (1 - share)) if n_survivors else tint(OUTCOME_COLOURS['broke'], 0.55)
    ax.add_patch(Rectangle((column - 0.46, row - 0.42), 0.92, 0.84, color=colour, lw=0))
    text = f'{n_survivors}/{len(runs)}'
    ax.text(column, row, text, ha='center', va='center_baseline', color=INK, size=7.5)
