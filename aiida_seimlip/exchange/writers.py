"""Frames written so that every bit of energies, forces, stresses, positions and cells comes back when they are read."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ase.data import atomic_masses

from aiida_seimlip.exchange.readers.cfg import EXACT_STRESS
from aiida_seimlip.exchange.readers.extxyz import MOMENTA
from aiida_seimlip.exchange.readers.labels import LOOKS_LIKE_LABEL
from aiida_seimlip.exchange.readers.own import JSON, OWN
from aiida_seimlip.science.formats.extxyz import write_extxyz_frame
from aiida_seimlip.science.formats.mlip3_cfg import MV_GRADE, write_cfg
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import ASE_VELOCITY_TO_ANGSTROM_PER_PS, voigt_to_tensor

RESERVED = {*OWN, 'lattice', 'properties', 'pbc', 'uid'}
_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_-]*')


def write_extxyz_file(path: Path, frames: Frames) -> None:
    """Write extended XYZ that ASE and others read, labels and features included.

    The energy is called ``energy`` and, where it is known to belong to the forces, ``free_energy`` as well.

    :param path: of the file.
    :param frames: with any labels; what is unknown is left out.
    """
    with path.open('w', encoding='utf-8') as handle:
        for index in range(len(frames)):
            atoms = slice(frames.ptr[index], frames.ptr[index + 1])
            write_extxyz_frame(
                handle, numbers=frames.numbers[atoms], positions=frames.positions[atoms], cell=frames.cells[index],
                pbc=frames.pbc[index], info=_info(frames, index), columns=_columns(frames, atoms),
            )  # fmt: skip


def write_cfg_file(path: Path, frames: Frames, species: Sequence[str]) -> list[str]:
    """Write configurations of MLIP in full precision; methods, kinds of energies and origins are features.

    :param path: of the file.
    :param frames: with any labels; what is unknown is left out.
    :param species: chemical symbols in type order.
    :return: sentences about what the format cannot hold.
    :raises ValueError: if an element is not among the species, or the frames do not fit the format.
    """
    features = [_cfg_features(frames, index) for index in range(len(frames))]
    write_cfg(path, frames.replace(grades=None), species, features=features, decimals=None)
    cells = frames.cells[~frames.pbc]
    notes = ['Velocities are left out.'] if frames.velocities is not None else []
    if np.any(cells):
        notes.append('Cell vectors along which a frame is not periodic are left out.')
    return notes


def write_packed_file(path: Path, frames: Frames) -> list[str]:
    """Write the packed arrays as they are.

    :param path: of the file.
    :param frames: any.
    :return: names of the arrays.
    """
    arrays = {field.name: getattr(frames, field.name) for field in dataclasses.fields(frames)}
    known = {name: array for name, array in arrays.items() if array is not None}
    with path.open('wb') as handle:
        np.savez_compressed(handle, allow_pickle=False, **known)
    return list(known)


# -- parts ------------------------------------------------------------------------------------------------------------


def _info(frames: Frames, index: int) -> dict[str, object]:
    """Return what stands in the comment of a frame."""
    own = _own(frames, index)
    info: dict[str, object] = {}
    if frames.energies is not None and np.isfinite(frames.energies[index]):
        info['energy'] = float(frames.energies[index])
        info |= {'free_energy': info['energy']} if own.get('energy_kind') == 'free' else {}
    if frames.stresses is not None and np.isfinite(frames.stresses[index]).all():
        info['stress'] = voigt_to_tensor(frames.stresses[index])
    if frames.grades is not None and np.isfinite(frames.grades[index]):
        info['grade'] = float(frames.grades[index])
    return {**info, **own, **_features(frames, index, is_plain=lambda name: not LOOKS_LIKE_LABEL.search(name))}


def _features(frames: Frames, index: int, is_plain: Callable[[str], bool]) -> dict[str, str]:
    """Return the features of a frame: under their own names, or packed as JSON where they would come back otherwise.

    :param is_plain: tells whether a name means nothing else in the format.
    """
    features = frames.features_of(index)
    plain = {
        name: value for name, value in features.items()
        if _NAME.fullmatch(name) and name.lower() not in RESERVED and is_plain(name)
        and value.isprintable() and value and value == value.strip()
    }  # fmt: skip
    others = {name: value for name, value in features.items() if name not in plain}
    return {**plain, **({'features': f'{JSON}{json.dumps(others)}'} if others else {})}


def _columns(frames: Frames, atoms: slice) -> dict[str, np.ndarray]:
    columns = {}
    if frames.forces is not None and np.isfinite(frames.forces[atoms]).all():
        columns['forces'] = frames.forces[atoms]
    if frames.velocities is not None and np.isfinite(frames.velocities[atoms]).all():
        masses = atomic_masses[frames.numbers[atoms], None]
        columns[MOMENTA] = frames.velocities[atoms] / ASE_VELOCITY_TO_ANGSTROM_PER_PS * masses
    return columns


def _own(frames: Frames, index: int) -> dict[str, str]:
    """Return who calculated a frame, which energy it is, and where it came from, as far as that is known."""
    own = {
        'method': '' if frames.methods is None else str(frames.methods[index]),
        'energy_kind': '' if frames.energy_kinds is None else str(frames.energy_kinds[index]),
    }
    if frames.origin_steps is not None and frames.origin_steps[index] >= 0:
        own['md_step'] = str(frames.origin_steps[index])
    if frames.origin_uuids is not None and frames.origin_indices is not None and frames.origin_uuids[index]:
        own['origin'] = f'{frames.origin_uuids[index]}:{frames.origin_indices[index]}'
    return {name: value for name, value in own.items() if value}


def _cfg_features(frames: Frames, index: int) -> dict[str, str]:
    """Return the features of a configuration; the virial that MLIP has for a stress is rounded, so that it is one."""
    features = {**_features(frames, index, lambda name: name not in (MV_GRADE, EXACT_STRESS)), **_own(frames, index)}
    if frames.grades is not None and np.isfinite(frames.grades[index]):
        features[MV_GRADE] = repr(float(frames.grades[index]))
    if frames.stresses is not None and np.isfinite(frames.stresses[index]).all():
        features[EXACT_STRESS] = ' '.join(map(repr, frames.stresses[index].tolist()))
    return features
