"""The figures of comparisons of models: functions from arrays to SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from aiida_seimlip.report.crystal.plots import COLOURS, MARKERS
from aiida_seimlip.report.style import FAINT, GREY, STYLE, new_figure, to_svg

MANY = 500
"""From so many points on, clouds are drawn as pixels."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Values of one quantity by the reference and by a model, in groups of a colour.

    :param title: of the panel.
    :param unit: of the values.
    :param groups: names, and arrays of shape (2, n): reference and model.
    """

    title: str
    unit: str
    groups: Sequence[tuple[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class SizeCurve:
    """Errors of a model by the number of atoms.

    :param name: of the model.
    :param n_atoms: shape (n_sizes,).
    :param values: of the error; shape (n_sizes,).
    :param low: lower limits of the intervals, nan where unknown; shape (n_sizes,).
    :param high: upper limits; shape (n_sizes,).
    """

    name: str
    n_atoms: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray


def parity(clouds: Sequence[Cloud], name: str, reference: str, salt: str) -> str:
    """Draw values by a model against those by the reference.

    :param clouds: a panel each.
    :param name: of the model.
    :param reference: its name.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        figure, axes = new_figure(4.2 * len(clouds), 4.0, columns=len(clouds))
        for column, cloud in enumerate(clouds):
            _draw_cloud(axes[0][column], cloud)
            axes[0][column].set(
                title=cloud.title, xlabel=f'{reference} ({cloud.unit})', ylabel=f'{name} ({cloud.unit})'
            )
        return to_svg(figure, salt)


def _draw_cloud(ax: Axes, cloud: Cloud) -> None:
    every = np.concatenate([values.ravel() for _, values in cloud.groups])
    margin = 0.05 * (every.max() - every.min()) or 1.0
    limits = (every.min() - margin, every.max() + margin)
    ax.plot(limits, limits, color=FAINT, lw=1, zorder=1)
    for number, (label, values) in enumerate(cloud.groups):
        many = values.shape[1] > MANY
        ax.plot(
            *values, 'o', color=COLOURS[number % len(COLOURS)], mew=0, ms=2.0 if many else 4.0,
            alpha=0.4 if many else 0.75, rasterized=many, label=label, zorder=2 + number,
        )  # fmt: skip
    ax.set(xlim=limits, ylim=limits, box_aspect=1)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    if len(cloud.groups) > 1:
        ax.legend(markerscale=2.0 if every.size > MANY else 1.0)


def errors_by_size(panels: Sequence[tuple[str, Sequence[SizeCurve]]], salt: str) -> str:
    """Draw errors by the number of atoms, with their intervals.

    :param panels: label of the axis, and the curves of all models.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        figure, axes = new_figure(4.6 * len(panels), 3.6, columns=len(panels))
        for column, (label, curves) in enumerate(panels):
            ax = axes[0][column]
            for number, curve in enumerate(curves):
                _draw_curve(ax, curve, number)
            ax.set(xlabel='atoms in the cell', ylabel=label, xscale='log')
            ticks = sorted({int(n) for curve in curves for n in curve.n_atoms})
            ax.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
            ax.set_xticks([], minor=True)
            ax.axhline(0.0, color=GREY, lw=0.8, zorder=0)
        axes[0][0].legend()
        return to_svg(figure, salt)


def _draw_curve(ax: Axes, curve: SizeCurve, number: int) -> None:
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    ax.plot(curve.n_atoms, curve.values, color=colour, marker=marker, lw=1.2, label=curve.name)
    known = np.isfinite(curve.low) & np.isfinite(curve.high)
    ax.vlines(curve.n_atoms[known], curve.low[known], curve.high[known], color=colour, lw=1.2)
