"""The figures of surfaces and interfaces: functions from arrays to SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import rc_context

from aiida_seimlip.report.crystal.plots import COLOURS, MARKERS
from aiida_seimlip.report.style import STYLE, new_figure, to_svg


@dataclass(frozen=True)
class Level:
    """A surface energy.

    :param model: its name.
    :param surface: its name.
    :param ions: ``clamped`` or ``relaxed``.
    :param energy: in J/m².
    """

    model: str
    surface: str
    ions: str
    energy: float


def surface_levels(levels: Sequence[Level], salt: str) -> str:
    """Draw surface energies, a row for each surface.

    :param levels: of one crystal.
    :param salt: begins the ids in the figure.
    """
    surfaces = list(dict.fromkeys(level.surface for level in levels))
    models = list(dict.fromkeys(level.model for level in levels))
    with rc_context(STYLE):
        figure, axes = new_figure(6.4, 1.1 + 0.32 * len(surfaces))
        axis = axes[0][0]
        named: set[str] = set()
        for level in levels:
            number = models.index(level.model)
            colour = COLOURS[number % len(COLOURS)]
            row = surfaces.index(level.surface) + 0.2 * (number / max(len(models) - 1, 1) - 0.5) * (len(models) > 1)
            axis.plot(
                level.energy, row, MARKERS[number % len(MARKERS)], color=colour, ms=6.0,
                mfc=colour if level.ions == 'relaxed' else 'none',
                label=None if level.model in named else level.model,
            )  # fmt: skip
            named.add(level.model)
        axis.set_yticks(range(len(surfaces)), surfaces)
        axis.set_ylim(len(surfaces) - 0.5, -0.5)
        axis.set_xlabel('surface energy (J/m²)')
        axis.legend()
        return to_svg(figure, salt)
