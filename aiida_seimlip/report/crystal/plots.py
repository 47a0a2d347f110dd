"""The figures of properties of crystals: functions from arrays to SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context

from aiida_seimlip.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, STYLE, VERMILION, new_figure, to_svg

COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY)
"""Of models; with more of them they begin again."""
MARKERS = ('o', 's', '^', 'v', 'P', 'X', 'D')
"""Of models, in the same order."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Points and a line through them.

    :param name: of the model.
    :param x: of the points; shape (n_points,).
    :param y: of the points; shape (n_points,).
    :param line_x: shape (n,).
    :param line_y: shape (n,).
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    line_x: np.ndarray
    line_y: np.ndarray


def energy_curves(curves: Sequence[Curve], salt: str) -> str:
    """Draw energies by volume.

    :param curves: volumes of an atom in Å³ and energies of an atom above the minimum in meV, by model.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        figure, axes = new_figure(5.0, 3.4)
        for number, curve in enumerate(curves):
            colour = COLOURS[number % len(COLOURS)]
            axes[0][0].plot(curve.line_x, curve.line_y, color=colour, lw=1.4)
            marker = MARKERS[number % len(MARKERS)]
            axes[0][0].plot(curve.x, curve.y, marker, color=colour, ms=4.5, label=curve.name)
        axes[0][0].set_xlabel('volume of an atom (Å³)')
        axes[0][0].set_ylabel('energy of an atom (meV)')
        axes[0][0].legend()
        return to_svg(figure, salt)
