"""The figures of interfaces: functions from arrays to SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context

from aiida_seimlip.report.style import STYLE, canvas, to_svg


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
