"""Pictures of atoms: a gallery of balls and sticks, and the data of the view that turns."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import to_hex
from matplotlib.patches import Circle
from scipy.spatial.transform import Rotation

from aiida_seimlip.report.sections import View
from aiida_seimlip.report.style import FAINT, MUTED, STYLE, canvas, tint, to_svg
from aiida_seimlip.science.analysis.whole import make_units_whole
from aiida_seimlip.science.frames import Frames

RADIUS = 0.55
"""Of a ball, by the covalent radius."""

SIGHT = Rotation.from_euler('yx', [28, 20], degrees=True)
"""From where pictures look at a cell."""

COLUMNS = 4
DIGITS = 2


@dataclass(frozen=True, eq=False)
class Picture:
    """One configuration to be drawn.

    :param title: above it.
    :param frame: one configuration.
    :param mood: ``bad`` if the title warns.
    """

    title: str
    frame: Frames
    mood: str = ''


def colour_of(symbol: str) -> str:
    """Return the colour of an element, those of Jmol; white ones a shade darker, to be seen on white."""
    colour = jmol_colors[chemical_symbols.index(symbol)]
    return to_hex(np.minimum(colour, 0.86)) if colour.min() > 0.86 else to_hex(colour)


def legend(symbols: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return colours and names of elements, for the legend of a figure."""
    return tuple((colour_of(symbol), symbol) for symbol in symbols)


def gallery(pictures: Sequence[Picture], salt: str) -> str:
    """Draw configurations beside each other, all on one scale.

    :param pictures: at least one.
    :param salt: begins the ids in the figure.
    """
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    reach = max(float(np.linalg.norm(picture.frame.cells[0].sum(axis=0))) for picture in pictures) / 2
    with rc_context(STYLE):
        figure = canvas(10.4, 10.4 / max(columns, 2) * 1.05 * rows)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes:
            ax.set_axis_off()
        for ax, picture in zip(axes, pictures, strict=False):
            _draw(ax, picture, reach)
        return to_svg(figure, salt)


def turnable(states: Sequence[tuple[str, str, Sequence[Picture]]]) -> View:
    """Return the view in which a reader turns the atoms.

    :param states: for each start its name, a note, and the configurations to choose from.
    """
    symbols = {symbol for _, _, pictures in states for picture in pictures for symbol in picture.frame.elements}
    elements = {
        symbol: {
            'colour': colour_of(symbol),
            'radius': round(RADIUS * float(covalent_radii[chemical_symbols.index(symbol)]), 3),
        }
        for symbol in sorted(symbols)
    }
    starts = [
        {'name': name, 'note': note, 'states': [_state(picture) for picture in pictures]}
        for name, note, pictures in states
    ]
    script = files(__package__).joinpath('viewer.js').read_text('utf-8')
    description = 'The atoms of one start in its cell: drag to turn, double-click to turn back.'
    return View('atoms', script, {'elements': elements, 'starts': starts}, description)


def _state(picture: Picture) -> dict[str, Any]:
    positions, bonds = make_units_whole(picture.frame)
    return {
        'label': picture.title, 'note': '', 'cell': np.round(picture.frame.cells[0], DIGITS).tolist(),
        'atoms': [chemical_symbols[number] for number in picture.frame.numbers],
        'positions': np.round(positions, DIGITS).tolist(), 'bonds': bonds.tolist(),
    }  # fmt: skip


def _draw(ax: Axes, picture: Picture, reach: float) -> None:
    """Draw one configuration: the cell, and bonds and balls from the back to the front."""
    frame = picture.frame
    cell = frame.cells[0]
    middle = cell.sum(axis=0) / 2
    whole, bonds = make_units_whole(frame)
    points = SIGHT.apply(whole - middle)
    corners = SIGHT.apply(np.array(list(itertools.product((0, 1), repeat=3))) @ cell - middle)
    edges = [(i, j) for i, j in itertools.combinations(range(8), 2) if (i ^ j).bit_count() == 1]
    lines = [corners[[i, j], :2] for i, j in edges]
    ax.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.8, zorder=0))
    order = np.argsort(points[:, 2])
    colours = [colour_of(chemical_symbols[number]) for number in frame.numbers]
    haze = np.clip(0.35 - 0.35 * points[:, 2] / reach, 0.0, 0.6)
    balls, faces = [], []
    for atom in order:
        balls.append(Circle(points[atom, :2], RADIUS * covalent_radii[frame.numbers[atom]]))
        faces.append(tint(colours[atom], haze[atom]))
    depths = points[bonds, 2].mean(axis=1) if len(bonds) else np.empty(0)
    sticks, shades = [], []
    for i, j in bonds[np.argsort(depths)]:
        centre = points[[i, j], :2].mean(axis=0)
        for atom in (i, j):
            sticks.append([points[atom, :2], centre])
            shades.append(tint(colours[atom], haze[atom]))
    ax.add_collection(LineCollection(sticks, colors=shades, linewidths=2.4, zorder=1, rasterized=True))
    ax.add_collection(
        PatchCollection(balls, facecolors=faces, edgecolors=MUTED, linewidths=0.35, zorder=2, rasterized=True)
    )
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect='equal')
    ax.set_title(picture.title, fontsize=9, color='#b84f00' if picture.mood == 'bad' else STYLE['text.color'])
