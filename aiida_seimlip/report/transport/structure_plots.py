"""The figures of the structure: functions from arrays to SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.ticker import MaxNLocator

from aiida_seimlip.report.style import STYLE, new_figure, to_svg

COLUMNS = 4
"""Panels side by side, at most."""
SMOOTHING = 0.05
"""Å; standard deviation of the Gaussian that g(r) is smoothed with before it is drawn."""
SHELLS = 4.5
"""Å; the axis of running coordination numbers ends with those within this distance."""


@dataclass(frozen=True, eq=False)
class PairCurves:
    """Distribution of one pair of kinds of atoms at all temperatures.

    :param name: such as ``Li–O``.
    :param curves: for each temperature its colour, distances in Å, g(r) and running coordination numbers.
    """

    name: str
    curves: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]]


def pair_distributions(pairs: Sequence[PairCurves], salt: str) -> str:
    """Draw radial distribution functions, and running coordination numbers below them.

    :param pairs: as many as stand side by side.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        width = {1: 4.6, 2: 7.6}.get(len(pairs), 10.4)
        figure, axes = new_figure(width, 4.1, columns=len(pairs), heights=(1.3, 1.0))
        for column, pair in enumerate(pairs):
            above, below = axes[0][column], axes[1][column]
            for colour, r, g, coordination in pair.curves:
                above.plot(r, smoothed(r, g), color=colour, lw=1.5)
                below.plot(r, coordination, color=colour, lw=1.5)
            above.set_title(pair.name)
            above.tick_params(labelbottom=False)
            above.set_ylim(bottom=0)
            below.set(xlabel='r (Å)', ylim=(0, _shown_coordination(pair)))
            for ax in (above, below):
                ax.set_xlim(0, max(r[-1] for _, r, _, _ in pair.curves))
                ax.xaxis.set_major_locator(MaxNLocator(5))
                ax.yaxis.set_major_locator(MaxNLocator(4))
            if column == 0:
                above.set_ylabel('g(r)')
                below.set_ylabel('neighbours')
        return to_svg(figure, salt)


def smoothed(r: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return g(r) smoothed as little as it takes to see its peaks through the noise of narrow bins.

    :param r: middles of the bins in Å, evenly spaced; shape (n,).
    :param g: shape (n,).
    """
    from scipy.ndimage import gaussian_filter1d

    filtered: np.ndarray = gaussian_filter1d(g, SMOOTHING / (r[1] - r[0]), mode='nearest')
    return filtered


def _shown_coordination(pair: PairCurves) -> float:
    """Return how far up the running coordination number is shown: the first shells, not the rise of r³ behind them."""
    ends = []
    for _, r, _, coordination in pair.curves:
        ends.append(float(np.interp(min(SHELLS, r[-1]), r, coordination)))
    return 1.15 * max(ends) or 1.0
