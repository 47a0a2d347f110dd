"""The figures of models side by side: functions from numbers to SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.ticker import MaxNLocator

from aiida_seimlip.report.barrier.plots import MARKERS, REFERENCE_COLOUR, colour_of
from aiida_seimlip.report.style import STYLE, new_figure, plain_log, to_svg
from aiida_seimlip.report.transport.structure_plots import smoothed


@dataclass(frozen=True)
class Point:
    """Speed and error of a model.

    :param name: of the model.
    :param speed: in ns/day.
    :param speed_error: standard error of it, nan if not known.
    :param error: of the force components in eV/Å.
    :param low: lower limit of the error, nan if not known.
    :param high: upper limit.
    """

    name: str
    speed: float
    speed_error: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Distribution:
    """Radial distribution of a pair by one model.

    :param name: of the model.
    :param r: in Å; shape (n,).
    :param g: shape (n,).
    :param error: standard error of g, nan where unknown; shape (n,).
    :param is_reference: whether the others are compared with it.
    """

    name: str
    r: np.ndarray
    g: np.ndarray
    error: np.ndarray
    is_reference: bool = False


def error_against_speed(points: Sequence[Point], order: Sequence[str], salt: str) -> str:
    """Draw the error of each model against its speed; what is better lies to the lower right.

    :param points: one for each model.
    :param order: names of all models, which tells the colours.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        figure, ((axes,),) = new_figure(6.4, 3.8)
        for point in points:
            number = list(order).index(point.name)
            bars = [[np.nan_to_num(point.error - point.low)], [np.nan_to_num(point.high - point.error)]]
            axes.errorbar(
                [point.speed], [point.error], yerr=bars, xerr=[np.nan_to_num(point.speed_error)],
                fmt=MARKERS[number % len(MARKERS)], color=colour_of(number), ms=8, mec='white', elinewidth=1.4,
            )  # fmt: skip
            axes.annotate(
                point.name,
                (point.speed, point.error),
                xytext=(9, 7),
                textcoords='offset points',
                color=colour_of(number),
            )
        axes.set_xscale('log')
        speeds = [point.speed for point in points]
        axes.set_xlim(min(speeds) / 1.8, max(speeds) * 2.2)
        highest = max(np.nanmax([point.error, point.high]) for point in points)
        axes.set(xlabel='speed (ns/day)', ylabel='force RMSE (eV/Å)', ylim=(0, 1.15 * highest))
        plain_log(axes.xaxis)
        return to_svg(figure, salt)


def distributions(panels: Sequence[tuple[str, Sequence[Distribution]]], order: Sequence[str], salt: str) -> str:
    """Draw radial distributions of several models over each other, with bands of two standard errors.

    :param panels: name of the pair, such as ``Li–O``, and one curve for each model.
    :param order: names of all models, which tells the colours.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        width = {1: 4.6, 2: 7.6}.get(len(panels), 10.4)
        figure, axes = new_figure(width, 2.9, columns=len(panels))
        for column, (pair, curves) in enumerate(panels):
            ax = axes[0][column]
            for curve in curves:
                colour = REFERENCE_COLOUR if curve.is_reference else colour_of(list(order).index(curve.name))
                g = smoothed(curve.r, curve.g)
                ax.fill_between(curve.r, g - 2 * curve.error, g + 2 * curve.error, color=colour, alpha=0.15, lw=0)
                ax.plot(curve.r, g, color=colour, lw=1.5, ls='--' if curve.is_reference else '-')
            ax.set(title=pair, xlabel='r (Å)', xlim=(0, max(curve.r[-1] for curve in curves)))
            ax.set_ylim(bottom=0)
            ax.xaxis.set_major_locator(MaxNLocator(5))
            ax.yaxis.set_major_locator(MaxNLocator(4))
        axes[0][0].set_ylabel('g(r)')
        return to_svg(figure, salt)
