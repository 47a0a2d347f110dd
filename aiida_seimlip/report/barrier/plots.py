"""The figures of migration barriers: functions from arrays to SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from aiida_seimlip.report.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    STYLE,
    VERMILION,
    new_figure,
    to_svg,
)

COLOURS = (BLUE, GREEN, PURPLE, ORANGE, SKY, GREY)
"""Of potentials; with more of them they begin again."""
MARKERS = ('o', 's', '^', 'v', 'P', 'X')
"""Of potentials, in the same order."""
REFERENCE_COLOUR = VERMILION


@dataclass(frozen=True, eq=False)
class PathCurve:
    """Energies along a path.

    :param name: of what gave the energies.
    :param coordinate: of the images in Å; shape (n_images,).
    :param energies: above the first image in eV; shape (n_images,).
    :param spline_coordinate: in Å; shape (n,).
    :param spline_energy: in eV; shape (n,).
    :param is_reference: whether errors are counted from this one.
    """

    name: str
    coordinate: np.ndarray
    energies: np.ndarray
    spline_coordinate: np.ndarray
    spline_energy: np.ndarray
    is_reference: bool = False


def colour_of(number: int) -> str:
    """Return the colour of a potential.

    :param number: its place among the potentials, from 0.
    """
    return COLOURS[number % len(COLOURS)]


def energy_profile(curves: Sequence[PathCurve], salt: str) -> str:
    """Draw energies along a path, and the errors by the reference below them where there is one.

    :param curves: on the same images; the reference, if any, is drawn on top.
    :param salt: begins the ids in the figure.
    """
    reference = next((curve for curve in curves if curve.is_reference), None)
    others = [curve for curve in curves if not curve.is_reference]
    with rc_context(STYLE):
        heights = (1.0,) if reference is None else (2.6, 1.0)
        figure, axes = new_figure(7.6, 3.7 if reference is None else 4.7, heights=heights)
        above = axes[0][0]
        above.axhline(0, color=FAINT, lw=1, zorder=1)
        for number, curve in enumerate(others):
            _draw_curve(above, curve, number)
        if reference is not None:
            _draw_reference(above, reference)
            _draw_errors(axes[1][0], others, reference)
            above.tick_params(labelbottom=False)
        if len(others) == 1:
            _mark_barrier(above, others[0], max(float(curve.spline_energy.max()) for curve in curves))
        above.set_ylabel('energy above the first image (eV)')
        axes[-1][0].set_xlabel('distance along the path (Å)')
        return to_svg(figure, salt)


# -- parts ------------------------------------------------------------------------------------------------------------


def _draw_curve(ax: Axes, curve: PathCurve, number: int) -> None:
    colour, marker = colour_of(number), MARKERS[number % len(MARKERS)]
    ax.plot(curve.spline_coordinate, curve.spline_energy, color=colour, lw=1.8, zorder=2)
    ax.plot(
        curve.coordinate, curve.energies, marker, ms=7, color=colour, mec='white', mew=1, zorder=3, clip_on=False
    )  # fmt: skip


def _draw_reference(ax: Axes, curve: PathCurve) -> None:
    ax.plot(curve.spline_coordinate, curve.spline_energy, color=REFERENCE_COLOUR, lw=1.2, ls=(0, (4, 3)), zorder=4)
    ax.plot(
        curve.coordinate, curve.energies, 'D', ms=6.5, mfc='white', mec=REFERENCE_COLOUR, mew=1.5, zorder=5,
        clip_on=False,
    )  # fmt: skip


def _draw_errors(ax: Axes, curves: Sequence[PathCurve], reference: PathCurve) -> None:
    """Draw the error of each image in meV, as a stem with its number where there is room for it."""
    ax.axhline(0, color=FAINT, lw=1, zorder=1)
    spread = 0.012 * float(reference.coordinate[-1])
    highest = 1.0
    for number, curve in enumerate(curves):
        errors = 1e3 * (curve.energies - reference.energies)
        places = reference.coordinate + spread * (number - (len(curves) - 1) / 2)
        highest = max(highest, float(np.abs(errors).max()))
        ax.vlines(places, 0, errors, color=colour_of(number), lw=1.4)
        ax.plot(places, errors, MARKERS[number % len(MARKERS)], ms=4.5, mew=0, color=colour_of(number), clip_on=False)
        if len(curves) == 1:
            for place, error in zip(places[1:], errors[1:], strict=True):
                ax.annotate(
                    _signed(error), (place, error), xytext=(0, 6 if error >= 0 else -6),
                    textcoords='offset points', ha='center', va='bottom' if error >= 0 else 'top', size=8.5,
                    color=MUTED,
                )  # fmt: skip
    ax.set_ylim(-2.0 * highest, 2.0 * highest)
    ax.set_ylabel('error (meV)')
    ax.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))


def _mark_barrier(ax: Axes, curve: PathCurve, highest: float) -> None:
    """Write the height of the barrier above its top, and above the highest of all curves."""
    top = int(np.argmax(curve.spline_energy))
    place, height = float(curve.spline_coordinate[top]), float(curve.spline_energy[top])
    if height <= 0 or top in (0, len(curve.spline_energy) - 1):
        return
    ax.annotate(
        f'{height:.3f} eV', (place, highest), xytext=(0, 10), textcoords='offset points', ha='center', va='bottom',
        size=10, weight='bold', color=colour_of(0), annotation_clip=False,
    )  # fmt: skip
    low, high = ax.get_ylim()
    ax.set_ylim(low, max(high, highest + 0.14 * (high - low)))


def _signed(error: float) -> str:
    return f'{round(error):+d}'.replace('-', '−') if round(error) else '0'
