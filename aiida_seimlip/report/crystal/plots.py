"""The figures of properties of crystals: functions from arrays to SVG text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from matplotlib import rc_context

from aiida_seimlip.report.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
    canvas,
    new_figure,
    to_svg,
)

COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY)
"""Of models; with more of them they begin again."""
MARKERS = ('o', 's', '^', 'v', 'P', 'X', 'D')
"""Of models, in the same order."""
SUBSCRIPT = re.compile(r'_(\d)')
"""In labels of points of the Brillouin zone."""
LINES = ('-', '--', ':', '-.')
"""Of models, in the same order; with more of them they begin again."""


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


@dataclass(frozen=True, eq=False)
class Bands:
    """A band structure and a density of states.

    :param name: of the model.
    :param distances: along the path in 1/Å; shape (n_points,).
    :param frequencies: in THz, imaginary ones negative; shape (n_points, n_branches).
    :param dos_frequencies: in THz; shape (n,).
    :param dos: states per THz and primitive cell; shape (n,).
    """

    ARRAYS: ClassVar = ('distances', 'frequencies', 'dos_frequencies', 'dos')
    """Names of the arrays, in order."""

    name: str
    distances: np.ndarray
    frequencies: np.ndarray
    dos_frequencies: np.ndarray
    dos: np.ndarray


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


def band_structures(bands: Sequence[Bands], ticks: Sequence[tuple[float, str]], salt: str) -> str:
    """Draw band structures of one crystal on top of each other, and their densities of states beside them.

    :param bands: by model, on one path.
    :param ticks: distances and labels of the points of high symmetry.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        figure = canvas(7.6, 4.2)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(4.0, 1.0))
        for number, one in enumerate(bands):
            colour = COLOURS[number % len(COLOURS)]
            style = {'color': colour, 'lw': 1.1, 'alpha': 0.85, 'ls': LINES[number % len(LINES)]}
            lines = left.plot(one.distances, one.frequencies, **style)
            lines[0].set_label(one.name)
            right.plot(one.dos, one.dos_frequencies, **style)
        left.axhline(0.0, color=GREY, lw=0.8)
        for distance, _ in ticks:
            left.axvline(distance, color=FAINT, lw=0.8)
        left.set_xticks([distance for distance, _ in ticks], [SUBSCRIPT.sub(_lower, label) for _, label in ticks])
        left.set_xlim(bands[0].distances[0], bands[0].distances[-1])
        left.grid(axis='x', visible=False)
        left.set_ylabel('frequency (THz)')
        right.set_xlabel('states per THz')
        right.set_xlim(left=0.0)
        if len(bands) > 1:
            left.legend(loc='upper right', ncols=len(bands))
        return to_svg(figure, salt)


def _lower(match: re.Match[str]) -> str:
    return chr(ord('₀') + int(match[1]))
