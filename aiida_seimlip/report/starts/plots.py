"""The figures of starts: functions from numbers to SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

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
    new_figure,
    to_svg,
)

PACKED, PASSED, OTHERS = GREY, BLUE, VERMILION
PAIR_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
MANY = 30
"""With more starts than this their names and numbers find no room."""
SCALE = LinearSegmentedColormap.from_list('counts', ['#ffffff', '#9cc8e3', BLUE, '#003a5c'])


@dataclass(frozen=True)
class DensityRow:
    """Densities of one start.

    :param name: of the start.
    :param packed: in g/cm³, None if it was not packed.
    :param final: in g/cm³, None if it was not condensed.
    :param is_good: whether it passed.
    """

    name: str
    packed: float | None
    final: float | None
    is_good: bool


@dataclass(frozen=True, eq=False)
class Way:
    """What one start was on its way.

    :param name: of the start.
    :param calls: of the model, so far; shape (n,).
    :param temperature: in K, NaN where there is none; shape (n,).
    :param density: in g/cm³; shape (n,).
    :param is_good: whether it passed.
    """

    name: str
    calls: np.ndarray
    temperature: np.ndarray
    density: np.ndarray
    is_good: bool


@dataclass(frozen=True, eq=False)
class PairCurve:
    """A radial distribution.

    :param name: of the pair.
    :param r: in Å; shape (n,).
    :param g: without unit; shape (n,).
    """

    name: str
    r: np.ndarray
    g: np.ndarray


def densities(rows: Sequence[DensityRow], salt: str) -> str:
    """Draw the density of each start after packing and at the end.

    :param rows: in the order of the table.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        figure, axes = new_figure(10.4, 3.3)
        ax = axes[0][0]
        size = 7.5 if len(rows) <= MANY else 4.5
        for place, row in enumerate(rows):
            colour = PASSED if row.is_good else OTHERS
            if row.packed is not None and row.final is not None:
                ax.plot([place, place], [row.packed, row.final], color=FAINT, lw=2.2, zorder=1)
            if row.packed is not None:
                ax.plot(place, row.packed, 'o', ms=size, mfc='white', mec=PACKED, mew=1.5, zorder=2)
            if row.final is not None:
                ax.plot(
                    place, row.final, 'o' if row.is_good else 'X', ms=size + 0.5, color=colour, mec='white', zorder=3
                )
        _name_starts(ax, [row.name for row in rows])
        ax.margins(y=0.12)
        ax.set_ylabel('density (g/cm³)')
        return to_svg(figure, salt)


def composition_map(names: Sequence[str], counts: Sequence[Mapping[str, int]], salt: str) -> str:
    """Draw how many there are of each molecule in each start.

    :param names: of the starts.
    :param counts: of each start, by molecule.
    :param salt: begins the ids in the figure.
    """
    molecules = sorted({molecule for count in counts for molecule in count}, key=lambda name: (name == 'Li', name))
    table = np.array([[count.get(molecule, 0) for count in counts] for molecule in molecules])
    shares = table / np.maximum(table.max(axis=1, keepdims=True), 1)
    with rc_context(STYLE):
        figure, axes = new_figure(10.4, 0.9 + 0.34 * len(molecules))
        ax = axes[0][0]
        ax.grid(visible=False)
        ax.pcolormesh(
            shares, cmap=SCALE, vmin=0, vmax=1.15, edgecolors='white', linewidth=1.2 if len(names) <= MANY else 0
        )
        if len(names) <= MANY:
            for (row, column), count in np.ndenumerate(table):
                if count:
                    colour = 'white' if shares[row, column] > 0.55 else INK
                    ax.text(column + 0.5, row + 0.5, str(count), ha='center', va='center', color=colour, fontsize=8.5)
        ax.set_yticks(np.arange(len(molecules)) + 0.5, molecules)
        ax.spines[:].set_visible(False)
        ax.invert_yaxis()
        _name_starts(ax, names, shift=0.5)
        return to_svg(figure, salt)


def radial_distributions(curves: Sequence[PairCurve], salt: str) -> str:
    """Draw radial distributions.

    :param curves: a few.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        figure, axes = new_figure(10.4, 3.2)
        ax = axes[0][0]
        ax.axhline(1, color=FAINT, lw=1)
        for curve, colour in zip(curves, PAIR_COLOURS, strict=False):
            ax.plot(curve.r, curve.g, color=colour, lw=1.5)
        highest = max(float(np.percentile(curve.g, 99.2)) for curve in curves)
        ax.set(xlim=(0, float(curves[0].r[-1])), ylim=(0, max(3.0, 1.15 * highest)))
        ax.set_xlabel('distance (Å)')
        ax.set_ylabel('g(r)')
        return to_svg(figure, salt)


def on_the_way(ways: Sequence[Way], salt: str) -> str:
    """Draw density and, where there were dynamics, temperature of all starts by the calls of the model.

    :param ways: of the starts.
    :param salt: begins the ids in the figure.
    """
    warm = any(np.isfinite(way.temperature).any() for way in ways)
    with rc_context(STYLE):
        figure, axes = new_figure(10.4, 4.6 if warm else 3.0, heights=(1.4, 1.0) if warm else (1.0,))
        for way in ways:
            colour, width = (PASSED, 1.2) if way.is_good else (OTHERS, 1.6)
            alpha = 0.8 if len(ways) <= MANY else 0.4
            axes[0][0].plot(way.calls, way.density, color=colour, lw=width, alpha=alpha)
            if warm:
                axes[1][0].plot(way.calls, way.temperature, color=colour, lw=width, alpha=alpha)
            if len(ways) <= MANY // 2 and way.calls.size:
                axes[0][0].annotate(
                    way.name, (way.calls[-1], way.density[-1]), xytext=(5, 0), textcoords='offset points', va='center',
                    fontsize=8, color=MUTED, annotation_clip=False,
                )  # fmt: skip
        axes[0][0].set_ylabel('density (g/cm³)')
        if warm:
            axes[0][0].tick_params(labelbottom=False)
            axes[1][0].set_ylabel('temperature (K)')
        axes[-1][0].set_xlabel('calls of the model')
        axes[-1][0].xaxis.set_major_locator(MaxNLocator(integer=True))
        return to_svg(figure, salt)


def _name_starts(ax: Axes, names: Sequence[str], shift: float = 0.0) -> None:
    """Write the names of starts below an axis, or their numbers where there are too many."""
    if len(names) <= MANY:
        turned = len(names) > 12 or max(map(len, names), default=0) * len(names) > 90
        ax.set_xticks(
            np.arange(len(names)) + shift, names, rotation=45 if turned else 0, ha='right' if turned else 'center'
        )
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel('start, in the order of the table')
    ax.grid(visible=False, axis='x')
    ax.set_xlim(shift - 0.6, len(names) - 0.4 - shift)
    if shift:
        ax.set_xlim(0, len(names))
