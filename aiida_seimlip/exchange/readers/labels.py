"""Energies, forces and stresses under the names that other people give them.

Names are known with and without ``REF_``, ``DFT_`` and ``QM_`` in front, in capitals or not. What looks like a label
and is not known by its name is never dropped: it is refused until somebody says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from aiida_seimlip.exchange.readers.found import LabelKeys, ReadError, Record, Tally
from aiida_seimlip.science.units import tensor_to_voigt

ROLES = {
    'energy': 'energy', 'total_energy': 'energy', 'potential_energy': 'energy', 'free_energy': 'free energy',
    'forces': 'forces', 'force': 'forces',
    'stress': 'stress', 'virial': 'virial', 'virials': 'virial',
}  # fmt: skip
"""What a name stands for, once it is written small and without what stands in front."""

PREFIXES = ('ref_', 'dft_', 'qm_')
FLAGS = {'energ': '--energy-key', 'force': '--forces-key', 'stress': '--stress-key', 'virial': '--virial-key'}
"""How a name is declared in which these letters stand."""

LOOKS_LIKE_LABEL = re.compile(r'energ|force|stress|virial', re.IGNORECASE)
SAYS_SOMETHING_ELSE = re.compile(r'(weights?|sigma|kind|method|keys?|source|name|type|tol|std|var|unc)$', re.IGNORECASE)
PER_ATOM = ('energies', 'stresses', 'local_energy', 'local_virial', 'atomic_energies', 'node_energy')
"""Shares of the atoms: they belong to a program, not to a configuration."""

SAME_ENERGY, SAME_FORCE, SAME_STRESS = 1e-5, 1e-4, 1e-5
"""Up to here two values are the same number with other digits: in eV/atom, eV/Å and eV/Å³."""

ASYMMETRY = 0.02
"""How much the two halves of a stress may differ, as a share of its largest component."""


def role_of(key: str, keys: LabelKeys) -> str | None:
    """Return what a name stands for, None for what is no label.

    :param key: the name.
    :param keys: names that the user has given; where one is given, those that are known do not count.
    """
    for role, chosen in keys.chosen.items():
        if key == chosen:
            return 'free energy' if role == 'energy' and known_role(key) == 'free energy' else role
    known = known_role(key)
    plain = 'energy' if known == 'free energy' else known
    if plain in keys.chosen or (plain in ('stress', 'virial') and {'stress', 'virial'} & set(keys.chosen)):
        return None
    return known


def known_role(key: str) -> str | None:
    """Return what a name stands for that everybody uses."""
    name = key.lower()
    return ROLES.get(next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name))


def take_labels(record: Record, values: Mapping[str, Any], keys: LabelKeys, tally: Tally) -> dict[str, Any]:
    """Take energy, forces and stress of a frame from the values that a file gives.

    :param record: the frame, which knows its atoms and its cell; its labels are set.
    :param values: of the frame and of its atoms, by name.
    :param keys: names that the user has given.
    :param tally: is told what was used and what was left out.
    :return: the values that are no labels.
    :raises ReadError: if two names disagree, a value has the wrong shape, or a name looks like a label and is unknown.
    """
    n_atoms = len(record.numbers)
    found: dict[str, dict[str, np.ndarray]] = {}
    others: dict[str, Any] = {}
    for key, value in values.items():
        role = None if key in keys.ignored else role_of(key, keys)
        if role is None:
            if key in keys.ignored or _is_passed_over(key, value):
                tally.left_out[key] += 1
            else:
                others[key] = value
            continue
        array = _numbers(key, value, _shapes(role, n_atoms))
        if np.all(np.isfinite(array)):
            found.setdefault(role, {})[key] = array
        else:
            tally.notes[f'`{key}` is not finite and counts as unknown.'] += 1
            tally.lost.update([key] if role in ('stress', 'virial') else [])
    _take_energy(record, found, tally)
    _take_forces(record, found, tally)
    _take_stress(record, found, tally)
    return others


def _is_passed_over(key: str, value: Any) -> bool:
    """Tell whether a value that looks like a label is left out for a reason that the user knows of.

    :raises ReadError: if there is no reason.
    """
    if not LOOKS_LIKE_LABEL.search(key) or SAYS_SOMETHING_ELSE.search(key) or not _is_numeric(value):
        return False
    if key.lower() in PER_ATOM or known_role(key):  # a known name, while the user has named another
        return True
    if 'per_atom' in key.lower():
        raise ReadError(
            f'`{key}` is, by its name, a value per atom, but that of the whole frame is needed: write it into the '
            f'file, and leave this one out (--ignore {key}).'
        )
    raise ReadError(
        f'`{key}` looks like a label, but it is not known what it is: say so ({_flag_for(key)} {key}) or leave it out '
        f'(--ignore {key}).'
    )


def _flag_for(key: str) -> str:
    return next(flag for part, flag in FLAGS.items() if part in key.lower())


def _is_numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray | float | int | np.number) and np.asarray(value).dtype.kind in 'if'


def _shapes(role: str, n_atoms: int) -> tuple[tuple[int, ...], ...]:
    if role in ('energy', 'free energy'):
        return ((), (1,))
    if role == 'forces':
        return ((n_atoms, 3), (3 * n_atoms,))
    return ((6,), (9,), (3, 3), (1, 6), (1, 3, 3))


def _numbers(key: str, value: Any, shapes: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """Return a value as numbers.

    :raises ReadError: if it is something else, or has another shape.
    """
    array = np.asarray(value)
    if array.dtype.kind not in 'if':
        raise ReadError(f'`{key}` is `{str(value)[:40]}`, which is no number.')
    if array.shape not in shapes:
        expected = ', '.join(str(shape) for shape in shapes[:3])
        raise ReadError(f'`{key}` has the shape {array.shape}, expected one of {expected}.')
    return array.astype(float)


def _take_energy(record: Record, found: Mapping[str, dict[str, np.ndarray]], tally: Tally) -> None:
    """Take the free energy where there is one: it is the one that belongs to the forces."""
    plain, free = found.get('energy', {}), found.get('free energy', {})
    tolerance = SAME_ENERGY * len(record.numbers)
    _compare(plain, tolerance, 'eV')
    _compare(free, tolerance, 'eV')
    chosen = free or plain
    if not chosen:
        return
    key, value = next(iter(chosen.items()))
    record.energy, record.energy_kind = float(value.reshape(())), 'free' if free else ''
    tally.use('energy', key)
    tally.left_out.update(other for other in plain if free and abs(float(plain[other]) - record.energy) > tolerance)


def _take_forces(record: Record, found: Mapping[str, dict[str, np.ndarray]], tally: Tally) -> None:
    forces = {key: value.reshape(-1, 3) for key, value in found.get('forces', {}).items()}
    _compare(forces, SAME_FORCE, 'eV/Å')
    if forces:
        key, record.forces = next(iter(forces.items()))
        tally.use('forces', key)


def _take_stress(record: Record, found: Mapping[str, dict[str, np.ndarray]], tally: Tally) -> None:
    given = {role: found.get(role, {}) for role in ('stress', 'virial')}
    named = [key for values in given.values() for key in values]
    volume = abs(float(np.linalg.det(record.cell)))
    if not named:
        return
    if not np.all(record.pbc) or not volume > 0:
        tally.notes['The stress of a frame that is not periodic in all directions is left out.'] += 1
        tally.lost.update(named)
        return
    stresses = {key: to_voigt(key, value) for key, value in given['stress'].items()}
    stresses |= {key: -to_voigt(key, value) / volume for key, value in given['virial'].items()}
    _compare(stresses, SAME_STRESS, 'eV/Å³')
    key, record.stress = next(iter(stresses.items()))
    tally.use('stress', key)
    if any(value.size == 6 for values in given.values() for value in values.values()):
        tally.notes['Six numbers of a stress or virial are read in the order xx yy zz yz xz xy.'] += 1


def to_voigt(key: str, value: np.ndarray) -> np.ndarray:
    """Return a stress or virial as xx yy zz yz xz xy.

    :param key: its name, for messages.
    :param value: six numbers in this order, or nine; shape (6,), (9,) or (3, 3).
    :raises ReadError: if nine numbers are not symmetric.
    """
    if value.size == 6:
        return value.reshape(6)
    matrix = value.reshape(3, 3)
    if np.abs(matrix - matrix.T).max() > ASYMMETRY * np.abs(matrix).max():
        raise ReadError(f'`{key}` is not symmetric: {" ".join(f"{number:g}" for number in value.ravel())}.')
    return tensor_to_voigt(matrix)


def _compare(values: Mapping[str, np.ndarray], tolerance: float, unit: str) -> None:
    """Refuse names that disagree.

    :raises ReadError: that says which, and by how much.
    """
    for (one, first), (two, second) in _pairs(values):
        difference = float(np.abs(first - second).max(initial=0.0))
        if difference > tolerance:
            raise ReadError(
                f'`{one}` and `{two}` disagree by {difference:.4g} {unit}: say which is right (--ignore {two}, or '
                f'--ignore {one}).'
            )


def _pairs(values: Mapping[str, np.ndarray]) -> Iterator[tuple[tuple[str, np.ndarray], tuple[str, np.ndarray]]]:
    items = list(values.items())
    return ((items[0], other) for other in items[1:])
