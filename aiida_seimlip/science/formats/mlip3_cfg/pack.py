"""Configurations of a file, packed into `Frames`."""

from __future__ import annotations

import numpy as np
from ase.geometry import complete_cell

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg.configuration import CARTESIAN, FORCES, MV_GRADE, Configuration
from aiida_seimlip.science.formats.mlip3_cfg.file import CfgFile
from aiida_seimlip.science.frames import Frames, FramesError


def pack(configurations: list[Configuration], numbers: np.ndarray, name: str, is_truncated: bool) -> CfgFile:
    """Pack the configurations of a file.

    :param configurations: in the order of the file.
    :param numbers: atomic number of each type.
    :param name: of the file, for messages.
    :param is_truncated: whether a last configuration was left out.
    :raises FormatError: if they are no sound frames.
    """
    sizes = np.array([configuration.size for configuration in configurations], dtype=int)

    def column(key: str) -> np.ndarray:
        unknown = [np.full(c.size, np.nan) if key not in c.columns else c.columns[key] for c in configurations]
        return np.concatenate(unknown) if unknown else np.empty(0)

    def column_or_none(key: str) -> np.ndarray | None:
        return column(key) if any(key in c.columns for c in configurations) else None

    pbc = np.array([np.arange(3) < len(c.cell) for c in configurations], dtype=bool).reshape(-1, 3)
    cells = np.array([_complete(c.cell) for c in configurations]).reshape(-1, 3, 3)
    ghost = column_or_none('ghost')
    has_forces = any('fx' in c.columns for c in configurations)
    try:
        frames = Frames(
            numbers=numbers[column('type').astype(int)],
            positions=np.column_stack([column(key) for key in CARTESIAN]),
            ptr=np.concatenate([[0], np.cumsum(sizes)]),
            cells=cells,
            pbc=pbc,
            energies=_known([c.energy for c in configurations]),
            forces=np.column_stack([column(key) for key in FORCES]) if has_forces else None,
            stresses=_stresses(configurations, cells, pbc),
            grades=_known([float(c.features.get(MV_GRADE, 'nan')) for c in configurations]),
        )
    except FramesError as exception:
        raise FormatError(str(exception), name=name) from exception
    return CfgFile(
        frames=frames,
        features=[c.features for c in configurations],
        fragments=np.array([_is_fragment(c) for c in configurations], dtype=bool),
        nbh_grades=column_or_none('nbh_grades'),
        site_energies=column_or_none('site_en'),
        charges=column_or_none('charge'),
        left_out_columns=tuple(dict.fromkeys(name for c in configurations for name in c.left_out)),
        is_ghost=None if ghost is None else ghost == 1,
        is_truncated=is_truncated,
    )


def _known(values: list[float]) -> np.ndarray | None:
    array = np.array(values, dtype=float)
    return None if np.isnan(array).all() else array


def _complete(cell: np.ndarray) -> np.ndarray:
    """Add unit vectors, normal to the others, for directions that are not periodic; none if none is periodic."""
    full = np.zeros((3, 3))
    full[: len(cell)] = cell
    return complete_cell(full) if 0 < len(cell) < 3 else full


def _is_fragment(configuration: Configuration) -> bool:
    ghost = configuration.columns.get('ghost')
    return ghost is not None and (bool(ghost.any()) or not len(configuration.cell))


def _stresses(configurations: list[Configuration], cells: np.ndarray, pbc: np.ndarray) -> np.ndarray | None:
    """Convert the virials to stresses in eV/Å³ of ASE's sign."""
    if all(configuration.plus_stress is None for configuration in configurations):
        return None
    unknown = np.full(6, np.nan)
    virials = np.array([unknown if c.plus_stress is None else c.plus_stress for c in configurations])
    volumes = np.where(pbc.all(axis=1), np.abs(np.linalg.det(cells)), np.nan)
    return -virials / volumes[:, None]
