"""The figures of diffusion and conduction: functions from arrays to SVG text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from aiida_seimlip.report import words
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
    canvas,
    new_figure,
    plain_log,
    tint,
    to_svg,
)

COLOURS = (BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE, GREY, INK)
"""Of temperatures, from the lowest to the highest; with more of them they begin again."""
M2_PER_S_TO_A2_PER_PS = 1e8
TWO_SIGMA = 1.96
TOUCHES = 1 / 6
"""Share of the longest lag time from which on the fitted line is laid through the mean square displacements."""


@dataclass(frozen=True, eq=False)
class MsdCurve:
    """Mean square displacements at one temperature.

    :param name: such as ``600 K``.
    :param colour: of the temperature on all figures.
    :param lag: lag times in ps; shape (n,).
    :param msd: in Å²; shape (n,).
    :param std: standard error of `msd` in Å²; shape (n,), NaN where unknown.
    :param D: diffusion coefficient in m²/s, NaN if there is none.
    :param D_std: its standard deviation in m²/s, NaN if unknown.
    :param is_used: whether the Arrhenius fit uses the temperature.
    """

    name: str
    colour: str
    lag: np.ndarray
    msd: np.ndarray
    std: np.ndarray
    D: float
    D_std: float
    is_used: bool


@dataclass(frozen=True)
class Point:
    """A quantity at one temperature, to be drawn over the inverse temperature.

    :param temperature: in K.
    :param value: of the quantity.
    :param low: lower end of its 95 % interval.
    :param high: upper end of its 95 % interval.
    :param is_used: whether the fit uses the point.
    :param colour: of the temperature on all figures.
    """

    temperature: float
    value: float
    low: float
    high: float
    is_used: bool
    colour: str


@dataclass(frozen=True, eq=False)
class Band:
    """A fit with its uncertainty.

    :param temperatures: in K; shape (n,).
    :param median: shape (n,).
    :param low: lower ends of the 95 % intervals; shape (n,).
    :param high: upper ends of the 95 % intervals; shape (n,).
    """

    temperatures: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


def displacements(curves: Sequence[MsdCurve], salt: str) -> str:
    """Draw mean square displacements: all on logarithmic axes, and each on linear ones with the line of its D.

    :param curves: one for each temperature, rising.
    :param salt: begins the ids in the figure.
    """
    n_columns = 1 if len(curves) <= 2 else 2 if len(curves) <= 6 else 3
    n_rows = math.ceil(len(curves) / n_columns)
    with rc_context(STYLE):
        figure = canvas(10.4, max(3.7, 1.75 * n_rows + 0.5))
        grid = figure.add_gridspec(n_rows, 1 + n_columns, width_ratios=(1.1 + 0.45 * n_columns, *[1.0] * n_columns))
        _draw_all(figure.add_subplot(grid[:, 0]), curves)
        for number, curve in enumerate(curves):
            row, column = divmod(number, n_columns)
            ax = figure.add_subplot(grid[row, 1 + column])
            _draw_line(ax, curve)
            ax.set_ylabel('MSD (Å²)' if column == 0 else '')
            ax.set_xlabel('lag time (ps)' if number + n_columns >= len(curves) else '')
        return to_svg(figure, salt)


def arrhenius(points: Sequence[Point], band: Band | None, aim: Point | None, *, label: str, salt: str) -> str:
    """Draw a quantity on a logarithmic axis over the inverse temperature, with the fit and its 95 % band.

    :param points: those that the fit does not use are drawn hollow.
    :param band: None if there is no fit.
    :param aim: what the fit says of a temperature of interest, None if it was not asked.
    :param label: of the axis, with the unit.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        figure, ((ax,),) = new_figure(7.6, 4.2)
        _draw_arrhenius(ax, points, band, aim, label=label)
        return to_svg(figure, salt)


def conduction(
    points: Sequence[Point], collective: Sequence[Point], haven: Sequence[Point], band: Band | None, aim: Point | None,
    *, salt: str,
) -> str:  # fmt: skip
    """Draw conductivities over the inverse temperature, and the Haven ratio beside them where it is known.

    :param points: Nernst–Einstein conductivities in S/m, as circles.
    :param collective: conductivities of the collective displacement in S/m, as squares.
    :param haven: Haven ratios.
    :param band: of the Nernst–Einstein conductivity, None if there is no fit.
    :param aim: what the fit says of a temperature of interest, None if it was not asked.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        figure = canvas(10.4 if haven else 7.6, 4.2)
        grid = figure.add_gridspec(1, 2 if haven else 1, width_ratios=(1.9, 1.0) if haven else (1.0,))
        _draw_arrhenius(figure.add_subplot(grid[0, 0]), points, band, aim, label='σ (S/m)', others=collective)
        if haven:
            _draw_haven(figure.add_subplot(grid[0, 1]), haven)
        return to_svg(figure, salt)


def powers_of_ten(axis: Axis) -> None:
    """Label a logarithmic axis with powers of ten, or with plain numbers between them where it is short."""
    low, high = axis.get_view_interval()
    decades = math.log10(high / low) if low > 0 else 1.0
    subs = (1.0, 2.0, 5.0) if decades < 1.5 else (1.0,)
    axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=8))
    axis.set_major_formatter(FuncFormatter(_scientific))
    axis.set_minor_formatter(NullFormatter())


# -- parts ------------------------------------------------------------------------------------------------------------


def _draw_arrhenius(
    ax: Axes, points: Sequence[Point], band: Band | None, aim: Point | None, *, label: str,
    others: Sequence[Point] = (),
) -> None:  # fmt: skip
    """Draw a quantity over the inverse temperature; `others` is a second estimate, as squares beside the points."""
    ax.set_yscale('log')
    if band is not None:
        _draw_band(ax, band, [point.temperature for point in points if point.is_used])
    for point in points:
        _draw_point(ax, point, 'o')
    left, right = ax.get_xlim()
    for point in others:
        _draw_point(ax, point, 's', shift=0.022 * (right - left))
    if aim is not None:
        _draw_point(ax, aim, 'D')
        ax.annotate(
            f'{aim.temperature:g} K', (1e3 / aim.temperature, aim.value), xytext=(-8, 9), size=9.5, weight='bold',
            textcoords='offset points', ha='right', va='bottom', color=INK,
        )  # fmt: skip
    ax.set(xlabel='1000 / T (K⁻¹)', ylabel=label)
    powers_of_ten(ax.yaxis)
    _temperatures_above(ax, sorted({point.temperature for point in (*points, *([aim] if aim else []))}))


def _draw_haven(ax: Axes, points: Sequence[Point]) -> None:
    """Draw Haven ratios over the temperature; at 1 ions move without heeding each other."""
    ax.axhline(1.0, color=MUTED, lw=1.2, ls=(0, (5, 3)))
    for point in points:
        face = point.colour if point.is_used else 'white'
        ax.plot([point.temperature] * 2, [point.low, point.high], color=point.colour, lw=1.6)
        ax.plot(point.temperature, point.value, 'o', ms=7.5, mfc=face, mec=point.colour, mew=1.6)
    ends = [end for point in points for end in (point.value, point.high) if math.isfinite(end)]
    ax.set_ylim(0, max(1.25, 1.1 * max(ends)))
    ax.set(xlabel='T (K)', ylabel='Haven ratio')
    ax.margins(x=0.12)
    ax.xaxis.set_major_locator(MaxNLocator(4))


def _draw_all(ax: Axes, curves: Sequence[MsdCurve]) -> None:
    """Draw all temperatures on logarithmic axes, with a guide of slope 1."""
    ax.set(xscale='log', yscale='log', xlabel='lag time (ps)', ylabel='mean square displacement (Å²)')
    for curve in curves:
        known = (curve.lag > 0) & (curve.msd > 0)
        lag, msd, std = curve.lag[known], curve.msd[known], curve.std[known]
        style: Any = '-' if curve.is_used else (0, (3, 2))
        low, high = np.maximum(msd - TWO_SIGMA * std, msd / 30), msd + TWO_SIGMA * std
        ax.fill_between(lag, low, high, color=tint(curve.colour, 0.72), lw=0)
        ax.plot(lag, msd, color=curve.colour, ls=style)
    rising = [curve for curve in curves if (curve.msd > 0).any()]
    if rising:
        _draw_guide(ax, rising)
    plain_log(ax.xaxis)
    powers_of_ten(ax.yaxis)


def _draw_guide(ax: Axes, curves: Sequence[MsdCurve]) -> None:
    """Draw a line of slope 1 above the curves, where nothing else is."""
    last = max(curve.lag[-1] for curve in curves)
    first = last / 10
    highest = max(float(np.interp(first, curve.lag, curve.msd + TWO_SIGMA * np.nan_to_num(curve.std)))
                  for curve in curves)  # fmt: skip
    start = 2.2 * max(highest, max(float(np.nanmax(curve.msd)) for curve in curves) / 10)
    ax.plot([first, last], [start, 10 * start], color=MUTED, lw=1.2, ls=(0, (5, 3)))
    ax.annotate(
        'slope 1', (first, start), xytext=(-6, 0), textcoords='offset points', ha='right', va='center', size=9,
        color=MUTED,
    )  # fmt: skip


def _draw_line(ax: Axes, curve: MsdCurve) -> None:
    """Draw one temperature on linear axes, with the line whose slope is that of its D."""
    ax.fill_between(
        curve.lag, curve.msd - TWO_SIGMA * curve.std, curve.msd + TWO_SIGMA * curve.std,
        color=tint(curve.colour, 0.72), lw=0,
    )  # fmt: skip
    ax.plot(curve.lag, curve.msd, color=curve.colour, lw=1.6, ls='-' if curve.is_used else (0, (3, 2)))
    slope = 6 * curve.D * M2_PER_S_TO_A2_PER_PS
    if np.isfinite(slope):
        ax.plot(curve.lag, slope * curve.lag + intercept(curve, slope), color=INK, lw=1, ls=(0, (5, 3)))
    ax.set_title(curve.name if curve.is_used else f'{curve.name}, left out', fontsize=9.5, pad=5)
    ax.set_xlim(0, curve.lag[-1])
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_locator(MaxNLocator(3))


def intercept(curve: MsdCurve, slope: float) -> float:
    """Return where a line of a given slope has to begin to lie on the long lag times, in Å².

    :param curve: mean square displacements.
    :param slope: in Å²/ps.
    """
    late = (curve.lag >= TOUCHES * curve.lag[-1]) & np.isfinite(curve.msd)
    std = np.where(np.isfinite(curve.std) & (curve.std > 0), curve.std, np.nan)[late]
    weights = np.ones(late.sum()) if np.isnan(std).any() else std**-2.0
    return float(np.average(curve.msd[late] - slope * curve.lag[late], weights=weights))


def _draw_band(ax: Axes, band: Band, temperatures: Sequence[float]) -> None:
    """Draw a fit, dashed outside of the temperatures that it rests on."""
    inverse = 1e3 / band.temperatures
    ax.fill_between(inverse, band.low, band.high, color=tint(BLUE, 0.86), lw=0)
    inside = (band.temperatures >= min(temperatures) - 1e-6) & (band.temperatures <= max(temperatures) + 1e-6)
    ax.plot(inverse, band.median, color=BLUE, lw=1.2, ls=(0, (4, 3)))
    ax.plot(inverse[inside], band.median[inside], color=BLUE, lw=1.8)


def _draw_point(ax: Axes, point: Point, marker: str, *, shift: float = 0.0) -> None:
    """Draw a point with its interval; one with a lower end below zero has an arrow that points down."""
    place = 1e3 / point.temperature + shift
    if not point.value > 0:
        return
    low = point.low if point.low > 0 else point.value / 30
    if point.high > 0:
        ax.plot([place, place], [low, point.high], color=point.colour, lw=1.6, zorder=3)
        for end in [point.high, *([low] if point.low > 0 else [])]:
            ax.plot(place, end, marker='_', ms=6, mew=1.6, color=point.colour, zorder=3)
        if not point.low > 0:
            ax.plot(place, low, marker='v', ms=5, color=point.colour, mew=0, zorder=3)
    face = point.colour if point.is_used else 'white'
    ax.plot(place, point.value, marker=marker, ms=7.5, mfc=face, mec=point.colour, mew=1.6, ls='', zorder=4)


def _temperatures_above(ax: Axes, temperatures: Sequence[float]) -> None:
    """Write temperatures in K on a second axis above, leaving out those that would touch."""
    left, right = ax.get_xlim()
    kept: list[float] = []
    for temperature in temperatures:
        place = 1e3 / temperature
        if all(abs(place - 1e3 / other) > 0.085 * (right - left) for other in kept):
            kept.append(temperature)
    above = ax.secondary_xaxis('top')
    above.set_xticks([1e3 / temperature for temperature in kept], [f'{temperature:g} K' for temperature in kept])
    above.spines['top'].set_visible(False)
    above.tick_params(colors=MUTED, length=0, pad=3)
    for temperature in temperatures:
        ax.axvline(1e3 / temperature, color=FAINT, lw=0.6, zorder=0)


def _scientific(value: float, _: object = None) -> str:
    """Write a tick as a power of ten, with a factor where it is none."""
    if value <= 0:
        return ''
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = round(value / 10**exponent, 3)
    if -2 <= exponent <= 3:
        return f'{value:g}'
    return words.power_of_ten(exponent) if factor == 1 else f'{factor:g} × {words.power_of_ten(exponent)}'
