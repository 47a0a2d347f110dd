"""The figures of calibrations: functions from arrays to SVG text."""

from __future__ import annotations

import numpy as np
from matplotlib import rc_context

from aiida_seimlip.report.style import BLUE, GREY, ORANGE, PURPLE, STYLE, VERMILION, new_figure, plain_log, to_svg
from aiida_seimlip.science.analysis.calibration import Calibration

COLOURS = (BLUE, ORANGE, VERMILION, PURPLE)
"""Of the quantiles, rising; with more of them they begin again."""
LINES = ('-', '--', ':', '-.')
"""Of the quantiles, in the same order."""
MAX_POINTS = 20_000
"""Atoms that are drawn at most; of more, some are drawn evenly."""


def colour_of(number: int) -> str:
    """Return the colour of a quantile.

    :param number: its place among the quantiles, from 0.
    """
    return COLOURS[number % len(COLOURS)]


def errors_by_abscissa(
    calibration: Calibration, values: np.ndarray, errors: np.ndarray, label: str, salt: str
) -> str:  # fmt: skip
    """Draw the errors of forces against an abscissa, and the quantiles as steps; both axes are logarithmic.

    :param calibration: with the quantiles.
    :param values: of the abscissa; shape (n_atoms,).
    :param errors: in eV/Å; shape (n_atoms,).
    :param label: of the abscissa.
    :param salt: begins the ids in the figure.
    """
    drawn = np.unique(np.linspace(0, values.size - 1, min(values.size, MAX_POINTS)).astype(int))
    drawn = drawn[(values[drawn] > 0) & (errors[drawn] > 0)]
    with rc_context(STYLE):
        figure, ((axes,),) = new_figure(7.6, 4.2)
        axes.plot(values[drawn], errors[drawn], '.', color=GREY, ms=2, alpha=0.4, rasterized=True)
        lowest = min(float(values[values > 0].min(initial=calibration.largest)), calibration.edges[0] / 2)
        edges = np.array([lowest, *calibration.edges])
        for number, (level, row) in enumerate(zip(calibration.levels, calibration.quantiles, strict=True)):
            style = {'color': colour_of(number), 'ls': LINES[number % len(LINES)]}
            axes.stairs(row, edges, baseline=None, lw=1.8, label=f'{100 * level:g} %', **style)
        axes.axvline(calibration.largest, color=GREY, lw=0.8)
        axes.set_xscale('log')
        axes.set_yscale('log')
        for axis in (axes.xaxis, axes.yaxis):
            plain_log(axis)
        axes.set_xlabel(label)
        axes.set_ylabel('|ΔF| (eV/Å)')
        axes.legend(loc='upper left')
        return to_svg(figure, salt)
