"""The figure of runs in fields: mean displacements in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context

from aiida_seimlip.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, STYLE, VERMILION, new_figure, to_svg

COLOURS = (GREY, VERMILION, BLUE, GREEN, PURPLE, ORANGE, SKY)
"""Without a field, and in each; with more of them they begin again."""
LINES = ('-', '--', ':', '-.')
"""Of labels; with more of them they begin again."""


@dataclass(frozen=True, eq=False)
class Path:
    """The mean displacement of the atoms with one label in one run.

    :param name: for the legend, empty for none.
    :param times: in ps; shape (n,).
    :param along: displacement along the field in Å; shape (n,).
    :param field: number of the field, which the colour is of.
    :param label: number of the label, which the line is of.
    """

    name: str
    times: np.ndarray
    along: np.ndarray
    field: int
    label: int


def draw_paths(paths: Sequence[Path], *, salt: str) -> str:
    """Return mean displacements along the field as an ``<svg>`` element.

    :param paths: of all runs.
    :param salt: begin of all ids.
    """
    with rc_context(STYLE):
        figure, axes = new_figure(7.2, 3.4)
        (axis,) = axes[0]
        for path in paths:
            axis.plot(
                path.times, path.along, color=COLOURS[path.field % len(COLOURS)], ls=LINES[path.label % len(LINES)],
                lw=1.4, label=path.name or None,
            )  # fmt: skip
        axis.set_xlabel('time (ps)')
        axis.set_ylabel('mean displacement along the field (Å)')
        axis.legend(fontsize=8.5)
        return to_svg(figure, salt)
