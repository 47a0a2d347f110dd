"""Labels that tell apart atoms of one element: lithium of a metal and lithium of a salt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.neighbours import neighbour_list

METALS = ('Li', 'Na', 'K', 'Mg', 'Ca', 'Al', 'Zn', 'Cu')
"""Elements that a battery has as a metal and as ions."""

BONDED = 1.25
"""Two atoms are bonded if their distance is less than this times the sum of their covalent radii."""

LEAST_METAL_NEIGHBOURS, METAL_REACH = 4, 1.45
"""An atom of a metal has so many neighbours of its element within this times twice the covalent radius."""


class LabelError(ValueError):
    """The atoms cannot be labelled as asked for; the message says why."""


@dataclass(frozen=True)
class LabelRule:
    """Which atoms have a label: those of an element, of which all conditions hold that are given.

    :param element: chemical symbol.
    :param axis: Cartesian axis along which `low` and `high` are.
    :param low: lowest coordinate in Å, of atoms wrapped into the cell; None for no limit.
    :param high: highest coordinate in Å.
    :param away_from: elements of which there is no atom within `cutoff`.
    :param cutoff: in Å.
    :param indices: of the atoms, from 0; None for all.
    """

    element: str
    axis: Literal['x', 'y', 'z'] = 'z'
    low: float | None = None
    high: float | None = None
    away_from: tuple[str, ...] = ()
    cutoff: float = 3.0
    indices: tuple[int, ...] | None = None


def label_atoms(
    frame: Frames, rules: Mapping[str, LabelRule] | None = None, kinds: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Return a label for each atom: its kind, or its chemical symbol, unless a rule gives it another.

    :param frame: one configuration.
    :param rules: by label.
    :param kinds: names of the atoms in the structure, where it has some.
    :raises LabelError: if there are several configurations, a rule holds for no atom, or two rules for one.
    """
    if len(frame) != 1:
        raise LabelError(f'There are {len(frame)} configurations, but labels are those of the atoms of one.')
    symbols = [chemical_symbols[number] for number in frame.numbers]
    labels = list(kinds or symbols)
    ruled: dict[int, str] = {}
    for label, rule in (rules or {}).items():
        chosen = np.flatnonzero(_holds(frame, rule))
        if not chosen.size:
            raise LabelError(f'The rule of the label `{label}` holds for no atom.')
        for index in chosen.tolist():
            if index in ruled:
                raise LabelError(f'Atom {index} has the labels `{ruled[index]}` and `{label}`.')
            ruled[index] = labels[index] = label
    return tuple(labels)


def find_metal(frame: Frames) -> np.ndarray:
    """Return which atoms are those of a metal: bonded to no other element, and close to many of their own.

    :param frame: one configuration.
    :return: shape (n_atoms,).
    """
    from ase.data import covalent_radii

    radii = covalent_radii[frame.numbers]
    pairs = neighbour_list(frame.positions, frame.ptr, frame.cells, frame.pbc, 2.0 * BONDED * METAL_REACH * radii.max())
    centres, distances = pairs.centres, pairs.distances
    is_same = frame.numbers[centres] == frame.numbers[pairs.neighbours]
    reach = radii[centres] + radii[pairs.neighbours]
    n_strange = np.bincount(centres[~is_same & (distances < BONDED * reach)], minlength=len(radii))
    n_own = np.bincount(centres[is_same & (distances < METAL_REACH * reach)], minlength=len(radii))
    can_be = np.isin(frame.numbers, [atomic_numbers[symbol] for symbol in METALS])
    return np.asarray(can_be & (n_strange == 0) & (n_own >= LEAST_METAL_NEIGHBOURS))


def explain_shared_charge(frame: Frames, charges: np.ndarray) -> str | None:
    """Say of which element the atoms of a metal and those of a salt have one charge, None if there is none.

    Atoms of a metal are neutral: with the charge of ions they would be pulled through the cell as a whole.

    :param frame: one configuration.
    :param charges: of its atoms in e; shape (n_atoms,).
    :return: a sentence.
    """
    is_metal = find_metal(frame)
    for number in np.unique(frame.numbers[is_metal]):
        is_element = frame.numbers == number
        metal, salt = charges[is_element & is_metal], charges[is_element & ~is_metal]
        if salt.size and np.ptp(np.concatenate([metal, salt])) < 1e-9 and abs(metal[0]) > 0.0:
            symbol = chemical_symbols[number]
            return (
                f'{metal.size} atoms of {symbol} are those of a metal and {salt.size} are not, but all have the charge '
                f'{metal[0]:+g} e: give the atoms of the metal a label and a charge of their own.'
            )
    return None


def explain_shared_label(frame: Frames, labels: Sequence[str]) -> str | None:
    """Say of which element all atoms have one label, though some are those of a metal and some are not.

    :param frame: one configuration.
    :param labels: of its atoms.
    :return: a sentence, None if there is no such element.
    """
    is_metal, names = find_metal(frame), np.asarray(labels)
    for number in np.unique(frame.numbers[is_metal]):
        is_element = frame.numbers == number
        n_metal, n_salt = int((is_element & is_metal).sum()), int((is_element & ~is_metal).sum())
        if n_salt and len(set(names[is_element].tolist())) == 1:
            symbol, label = chemical_symbols[number], names[is_element][0]
            return (
                f'{n_metal} atoms of {symbol} are those of a metal and {n_salt} are not, but all have the label '
                f'`{label}`, and would get the mean of their charges: give those of the metal a label of their own.'
            )
    return None


def _holds(frame: Frames, rule: LabelRule) -> np.ndarray:
    """Return for which atoms a rule holds; shape (n_atoms,)."""
    if rule.element not in atomic_numbers:
        raise LabelError(f'`{rule.element}` is not an element.')
    chosen = frame.numbers == atomic_numbers[rule.element]
    if rule.indices is not None:
        outside = [index for index in rule.indices if not 0 <= index < chosen.size or not chosen[index]]
        if outside:
            raise LabelError(f'Atom {outside[0]} is named, which is no {rule.element}, or not there.')
        chosen &= np.isin(np.arange(chosen.size), rule.indices)
    cell = frame.cells[0]
    scaled = frame.positions @ np.linalg.inv(cell)
    along = ((scaled - np.floor(scaled)) @ cell)[:, 'xyz'.index(rule.axis)]
    if rule.low is not None:
        chosen &= along >= rule.low
    if rule.high is not None:
        chosen &= along <= rule.high
    return np.asarray(chosen & ~_near(frame, rule.away_from, rule.cutoff))


def _near(frame: Frames, elements: Collection[str], cutoff: float) -> np.ndarray:
    """Return which atoms have an atom of some elements within a distance; shape (n_atoms,)."""
    near = np.zeros(frame.numbers.size, dtype=bool)
    if elements:
        pairs = neighbour_list(frame.positions, frame.ptr, frame.cells, frame.pbc, cutoff)
        wanted = np.isin(frame.numbers[pairs.neighbours], [atomic_numbers[symbol] for symbol in elements])
        near[pairs.centres[wanted]] = True
    return near
