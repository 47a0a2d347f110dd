"""Between ASE's atoms and the packed arrays of `Frames`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from aiida_seimlip.science.features import decode_features, encode_features
from aiida_seimlip.science.structures.occupancy import explain_occupancies
from aiida_seimlip.science.units import ASE_VELOCITY_TO_ANGSTROM_PER_PS

if TYPE_CHECKING:
    from aiida_seimlip.science.frames import Frames

FREE = 'free'
"""Kind of an energy whose derivatives the forces are: ASE's ``free_energy``."""

FULL_TO_VOIGT = ([0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1])
"""Where the six components of a stress, in ASE's Voigt order, are in its matrix."""


class AtomsError(ValueError):
    """Atoms cannot be taken as they are; the message says which and why."""


def pack_atoms(images: Sequence[Atoms]) -> dict[str, np.ndarray | None]:
    """Return the arrays of `Frames` for ASE atoms (see `Frames.from_atoms`).

    :raises AtomsError: if sites are partly occupied, or a result does not have the shape of what it is called.
    """
    sizes = np.array([len(image) for image in images], dtype=int)
    results = [_read_results(image, index) for index, image in enumerate(images)]

    def per_frame(values: Sequence, default: object) -> np.ndarray | None:
        known = [value is not None for value in values]
        return np.array([v if k else default for v, k in zip(values, known, strict=True)]) if any(known) else None

    def per_atom(values: Sequence) -> np.ndarray | None:
        if all(value is None for value in values):
            return None
        filled = [np.full((n, 3), np.nan) if v is None else v for v, n in zip(values, sizes, strict=True)]
        return np.concatenate(filled)

    infos = [image.info for image in images]
    return {
        'numbers': np.concatenate([image.numbers for image in images]) if images else np.empty(0),
        'positions': np.concatenate([image.positions for image in images]) if images else np.empty((0, 3)),
        'ptr': np.concatenate([[0], np.cumsum(sizes)]),
        'cells': np.array([image.cell.array for image in images]).reshape(-1, 3, 3),
        'pbc': np.array([image.pbc for image in images]).reshape(-1, 3),
        'energies': per_frame([result.get('energy') for result in results], np.nan),
        'forces': per_atom([result.get('forces') for result in results]),
        'stresses': per_frame([result.get('stress') for result in results], np.full(6, np.nan)),
        'grades': per_frame([info.get('grade') for info in infos], np.nan),
        'velocities': per_atom([
            image.get_velocities() * ASE_VELOCITY_TO_ANGSTROM_PER_PS if image.has('momenta') else None
            for image in images
        ]),
        'methods': per_frame([result.get('method') for result in results], ''),
        'energy_kinds': per_frame([result.get('energy_kind') for result in results], ''),
        'features': per_frame([_features(info, index) for index, info in enumerate(infos)], ''),
        'origin_steps': per_frame([info.get('md_step') for info in infos], -1),
    }  # fmt: skip


def unpack_atoms(frames: Frames) -> list[Atoms]:
    """Return ASE atoms (see `Frames.to_atoms`)."""
    return [_unpack(frames, index) for index in range(len(frames))]


def _read_results(image: Atoms, index: int) -> dict[str, Any]:
    """Return energy, forces and stress that a calculator holds, and by which method, after a look at the sites."""
    disorder = explain_occupancies(image)
    if disorder is not None:
        raise AtomsError(f'Frame {index} is no crystal of whole atoms: {disorder}.')
    known = _results(image)
    free = _is_known(known.get('free_energy'))
    found = {
        'energy': _shaped(known.get('free_energy' if free else 'energy'), _scalar, 'energy', index),
        'forces': _shaped(known.get('forces'), lambda value: value.reshape(len(image), 3), 'forces', index),
        'stress': _shaped(known.get('stress'), _voigt, 'stress', index),
    }
    if any(value is not None for value in found.values()):
        method = image.info.get('method')
        found['method'] = method if isinstance(method, str) else None
        kind = image.info.get('energy_kind')
        found['energy_kind'] = FREE if free else kind if isinstance(kind, str) else None
    return found


def _results(image: Atoms) -> dict[str, Any]:
    """Return what the calculator of an image knows about it; nothing if it has seen another state of it."""
    if image.calc is None:
        return {}
    has_changed = hasattr(image.calc, 'check_state') and bool(image.calc.check_state(image))
    return {} if has_changed else getattr(image.calc, 'results', {})


def _features(info: Mapping[str, Any], index: int) -> str | None:
    """Return the packed features of an image, None if it has none."""
    features = info.get('features')
    if not isinstance(features, Mapping):
        return None
    try:
        return encode_features(features)
    except ValueError as exception:
        raise AtomsError(f'Frame {index}: {exception}') from exception


def _is_known(value: Any) -> bool:
    """Return whether a result is there, and not some number that is not finite."""
    try:
        return value is not None and bool(np.isfinite(value).all())
    except TypeError:
        return False


def _shaped(value: Any, shape: Callable[[np.ndarray], Any], name: str, index: int) -> Any:
    """Return a result in the shape that `Frames` holds it in, None if there is none."""
    if value is None:
        return None
    try:
        return shape(np.asarray(value, dtype=float))
    except (ValueError, TypeError) as exception:
        raise AtomsError(f'The {name} of frame {index} cannot be taken over: {exception}.') from exception


def _scalar(value: np.ndarray) -> float:
    return float(value.reshape(()))


def _voigt(value: np.ndarray) -> np.ndarray:
    """Return a stress of 6 components, or of 9, in a row or as a matrix, in Voigt order."""
    if value.size != 9:
        return value.reshape(6)
    matrix = value.reshape(3, 3)
    return (0.5 * (matrix + matrix.T))[FULL_TO_VOIGT]


def _unpack(frames: Frames, index: int) -> Atoms:
    atoms = slice(frames.ptr[index], frames.ptr[index + 1])
    image = Atoms(frames.numbers[atoms], frames.positions[atoms], cell=frames.cells[index], pbc=frames.pbc[index])
    if frames.velocities is not None and np.all(np.isfinite(frames.velocities[atoms])):
        image.set_velocities(frames.velocities[atoms] / ASE_VELOCITY_TO_ANGSTROM_PER_PS)
    labels = {
        'energy': None if frames.energies is None else frames.energies[index],
        'forces': None if frames.forces is None else frames.forces[atoms],
        'stress': None if frames.stresses is None else frames.stresses[index],
    }
    labels = {key: value for key, value in labels.items() if value is not None and np.all(np.isfinite(value))}
    kind = '' if frames.energy_kinds is None else str(frames.energy_kinds[index])
    if kind == FREE and 'energy' in labels:
        labels['free_energy'] = labels['energy']
    if labels:
        image.calc = SinglePointCalculator(image, **labels)
    info = {
        'grade': None if frames.grades is None or np.isnan(frames.grades[index]) else float(frames.grades[index]),
        'md_step': None if frames.origin_steps is None else int(frames.origin_steps[index]),
        'method': None if frames.methods is None else str(frames.methods[index]),
        'energy_kind': kind,
        'features': None if frames.features is None else decode_features(frames.features[index]),
    }
    known = {
        key: value for key, value in info.items() if value is not None and (key == 'grade' or value not in ('', {}, -1))
    }
    image.info.update(known)
    return image
