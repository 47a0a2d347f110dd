"""One configuration as it stands in a ``.cfg`` file."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

MV_GRADE = 'MV_grade'
"""Feature under which MLIP-3 keeps the extrapolation grade of a configuration."""

CARTESIAN = ('cartes_x', 'cartes_y', 'cartes_z')
DIRECT = ('direct_x', 'direct_y', 'direct_z')
FORCES = ('fx', 'fy', 'fz')
COLUMNS = {'id', 'type', *CARTESIAN, *DIRECT, *FORCES, 'site_en', 'charge', 'ghost', 'nbh_grades'}
"""Columns of atoms that are known here."""

VOIGT = ('xx', 'yy', 'zz', 'yz', 'xz', 'xy')
ESCAPED = {' ': r'\_', '\t': r'\t', '\n': r'\n', '\r': r'\r'}
"""How characters of the name of a feature are written."""


@dataclass
class Configuration:
    """One configuration as it stands in the file.

    :param line: where it begins.
    :param columns: of the atoms, by their names.
    :param is_virial: whether `plus_stress` is still to be divided by the volume.
    :param left_out: names of columns that are not known here.
    """

    line: int
    size: int = 0
    cell: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    energy: float = np.nan
    plus_stress: np.ndarray | None = None
    is_virial: bool = False
    features: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
