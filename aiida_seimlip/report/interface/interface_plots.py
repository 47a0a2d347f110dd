"""The figures of interfaces: functions from arrays to SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context

from aiida_seimlip.report.crystal.plots import COLOURS
from aiida_seimlip.report.style import STYLE, canvas, new_figure, to_svg


@dataclass(frozen=True, eq=False)
class RegistryMap:
    """The scan of the registry of one interface.

    :param side: ``lower`` or ``upper``.
    :param shifts: of the upper layer in Å, the best first; shape (n, 2).
    :param adhesions: in J/m²; shape (n,).
    :param cell: vectors of the cell of shifts in rows in Å; shape (2, 2).
    """

    side: str
    shifts: Sequence[Sequence[float]]
    adhesions: Sequence[float]
    cell: Sequence[Sequence[float]]


def registry_maps(maps: Sequence[RegistryMap], salt: str) -> str:
    """Draw the adhesion of rigid layers by their shift, a map for each interface.

    :param maps: of one interface or two.
    :param salt: begins the ids in the figure.
    """
    values = [value for one in maps for value in one.adhesions]
    with rc_context(STYLE):
        figure = canvas(3.6 * len(maps) + 0.8, 3.4)
        axes = figure.subplots(1, len(maps), squeeze=False)[0]
        for axis, one in zip(axes, maps, strict=True):
            x, y = np.array(one.shifts).T
            drawn = axis.scatter(x, y, c=one.adhesions, s=90, cmap='viridis', vmin=min(values), vmax=max(values))
            axis.plot(x[0], y[0], 'x', color='white', ms=7)
            corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) @ np.array(one.cell)
            axis.plot(*corners.T, color='0.6', lw=0.8)
            axis.set_aspect('equal')
            axis.set_title(f'{one.side} interface')
            axis.set_xlabel('shift x (Å)')
            axis.set_ylabel('shift y (Å)')
            axis.grid(visible=False)
        figure.colorbar(drawn, ax=list(axes), label='below the widest gap (J/m²)')
        return to_svg(figure, salt)


@dataclass(frozen=True, eq=False)
class DensityProfile:
    """The number density of an element along the normal, before and after.

    :param heights: in Å; shape (n,).
    :param begin: by the symbol of the element, in 1/Å³; shape (n,) each.
    :param end: the same at the end.
    """

    heights: np.ndarray
    begin: Mapping[str, np.ndarray]
    end: Mapping[str, np.ndarray]


def density_profiles(profile: DensityProfile, salt: str) -> str:
    """Draw number densities along the normal, a row for each element.

    :param profile: of one interface by one model.
    :param salt: begins the ids in the figure.
    """
    symbols = list(profile.begin)
    with rc_context(STYLE):
        figure, axes = new_figure(6.4, 0.8 + 1.2 * len(symbols), heights=[1] * len(symbols))
        for row, symbol in enumerate(symbols):
            axis = axes[row][0]
            axis.fill_between(profile.heights, profile.begin[symbol], step='mid', color='0.85', label='relaxed')
            axis.step(
                profile.heights, profile.end[symbol], where='mid', lw=1.3, color=COLOURS[row % len(COLOURS)],
                label='end of dynamics',
            )  # fmt: skip
            axis.set_ylabel(f'{symbol} (1/Å³)')
            axis.set_ylim(bottom=0.0)
            axis.legend(loc='upper right')
        axes[-1][0].set_xlabel('height (Å)')
        return to_svg(figure, salt)
