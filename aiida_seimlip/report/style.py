"""How the figures of a report look: colours, fonts, and the way from a figure to the text of an ``<svg>`` element.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart; where a colour carries meaning, a shape,
a number or a word says the same.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from aiida_seimlip.report.sections import FONTS

INK, MUTED, FAINT, GRID = '#1b2733', '#5b6875', '#c9d1d9', '#e8ecf0'
BLUE, SKY, GREEN, YELLOW = '#0072B2', '#56B4E9', '#009E73', '#F0E442'
ORANGE, VERMILION, PURPLE, GREY = '#E69F00', '#D55E00', '#CC79A7', '#8a949e'

STYLE: dict[Any, Any] = {
    'font.family': 'DejaVu Sans', 'font.size': 10, 'svg.fonttype': 'none', 'text.parse_math': False,
    'text.color': INK, 'axes.labelcolor': MUTED, 'axes.edgecolor': FAINT, 'axes.linewidth': 0.8,
    'axes.spines.top': False, 'axes.spines.right': False, 'axes.titlesize': 10.5, 'axes.titlelocation': 'left',
    'axes.titlecolor': INK, 'axes.titlepad': 10, 'axes.titleweight': 'bold', 'axes.labelsize': 9.5,
    'axes.grid': True, 'axes.axisbelow': True, 'grid.color': GRID, 'grid.linewidth': 0.8,
    'xtick.color': MUTED, 'ytick.color': MUTED, 'xtick.labelsize': 9, 'ytick.labelsize': 9,
    'xtick.major.size': 0, 'ytick.major.size': 0, 'xtick.minor.size': 0, 'ytick.minor.size': 0,
    'xtick.major.pad': 5, 'ytick.major.pad': 5, 'lines.linewidth': 1.8, 'lines.markersize': 5.5,
    'lines.solid_capstyle': 'round', 'legend.frameon': False, 'figure.facecolor': 'none', 'axes.facecolor': 'none',
    'savefig.facecolor': 'none',
}  # fmt: skip
DPI_OF_CLOUDS = 220
"""Clouds of points are drawn as pixels inside the SVG: tens of thousands of circles would make the file huge."""


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.04, wspace=0.05))
    FigureCanvasSVG(figure)
    return figure


def new_figure(width: float, height: float, *, columns: int = 1, heights: Sequence[float] = (1,)) -> tuple[Figure, Any]:
    """Return a figure of a size in inches, and its axes: an array of shape (rows, columns)."""
    figure = canvas(width, height)
    return figure, figure.subplots(len(heights), columns, squeeze=False, height_ratios=heights)


def to_svg(figure: Figure, salt: str) -> str:
    """Return the figure as an ``<svg>`` element with the page's fonts and ids that no other figure has."""
    buffer = io.StringIO()
    with rc_context({'svg.hashsalt': f'aiida-seimlip {salt}'}):
        figure.savefig(buffer, format='svg', dpi=DPI_OF_CLOUDS, metadata={'Date': None, 'Creator': None})
    text = buffer.getvalue()
    text = text[text.index('<svg') :]
    text = re.sub(r'<metadata>.*?</metadata>', '', text, flags=re.DOTALL)
    text = text.replace("'DejaVu Sans'", FONTS)
    text = re.sub(r'(\bid="|href="#|url\(#)(?=[^"]+")', rf'\g<1>{salt}-', text)
    return text.strip()


def plain_log(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers at 1, 2 and 5."""
    low, high = axis.get_view_interval()
    few = (1.0,) if high > 300 * low else (1.0, 3.0) if high > 30 * low else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(base=10, subs=few))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
    axis.set_minor_formatter(NullFormatter())


def tint(colour: str, share: float) -> tuple[float, float, float]:
    """Mix a colour with white; a share of 1 is white."""
    red, green, blue = (component + (1 - component) * share for component in to_rgb(colour))
    return red, green, blue
