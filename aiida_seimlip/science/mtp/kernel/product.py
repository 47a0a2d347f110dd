"""Coefficients of neighbourhoods in an active set: products of matrices of which only the largest numbers matter."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

import numpy as np
from numba import njit

from aiida_seimlip.science.mtp.kernel.atom import OPTIONS
from aiida_seimlip.science.mtp.kernel.lanes import WIDE, load_wide, spread_wide, store, take_next, workspace

_ROWS = 6
_UNIT = 8 * _ROWS


@njit(**OPTIONS)
def _multiply(rows, places, panels, index, panel, out, out_place, out_stride):
    """Multiply six rows with one panel.

    :param rows: numbers of all rows; one-dimensional.
    :param places: where in `rows` each begins; shape (6,).
    :param out: output, row r beginning at ``out_place + r · out_stride``; one-dimensional.
    """
    one, two, three, four, five, six = places[0], places[1], places[2], places[3], places[4], places[5]
    sum_1 = sum_2 = sum_3 = sum_4 = sum_5 = sum_6 = spread_wide(0.0)
    depth = panels.depths[index]
    place = panels.starts[index] + panel * depth * WIDE
    for p in range(depth):
        column = load_wide(panels.data, place + p * WIDE)
        sum_1 += spread_wide(rows[np.uintp(one + p)]) * column
        sum_2 += spread_wide(rows[np.uintp(two + p)]) * column
        sum_3 += spread_wide(rows[np.uintp(three + p)]) * column
        sum_4 += spread_wide(rows[np.uintp(four + p)]) * column
        sum_5 += spread_wide(rows[np.uintp(five + p)]) * column
        sum_6 += spread_wide(rows[np.uintp(six + p)]) * column
    store(out, out_place, sum_1)
    store(out, out_place + out_stride, sum_2)
    store(out, out_place + 2 * out_stride, sum_3)
    store(out, out_place + 3 * out_stride, sum_4)
    store(out, out_place + 4 * out_stride, sum_5)
    store(out, out_place + 5 * out_stride, sum_6)


@njit(**OPTIONS)
def _keep_largest(out, atoms, found):
    """Compare the numbers of six atoms with the largest so far, signs left out; what is no number stays none.

    :param out: shape (6, WIDE).
    :param atoms: shape (6,), or less for the last ones.
    """
    for row in range(atoms.size):
        largest, total = found[atoms[row]], 0.0
        for column in range(WIDE):
            largest = max(largest, abs(out[row * WIDE + column]))
            total += out[row * WIDE + column]
        found[atoms[row]] = largest if total == total else total  # noqa: PLR0124


@njit(**OPTIONS)
def _fill_places(atoms, first, stride, six, places):
    """Tell where the rows of six atoms begin, the last one again and again where there are no more."""
    for row in range(_ROWS):
        atom = atoms[min(six + row, atoms.size - 1)]
        places[row] = first + atom * stride


@njit(**OPTIONS)
def _pass_group(panels, index, rows, first, stride, atoms, numbers, places, out, found):
    """Compare the coefficients in the rows of one group with the largest of each atom.

    :param rows: derivatives, or shortened coefficients, those of atom i beginning at ``first + i · stride``.
    :param numbers: what the atoms in `rows` are called in `found`.
    """
    for panel in range(panels.counts[index]):
        for six in range(0, atoms.size, _ROWS):
            _fill_places(atoms, first, stride, six, places)
            _multiply(rows, places, panels, index, panel, out, 0, WIDE)
            _keep_largest(out, numbers[six : six + _ROWS], found)


@njit(**OPTIONS)
def _sort(types, order, first):
    """Sort atoms by species: those of species s become ``order[first[s]:first[s + 1]]``."""
    for i in range(types.size):
        first[types[i] + 1] += 1
    for species in range(first.size - 1):
        first[species + 1] += first[species]
    place = first.copy()
    for i in range(types.size):
        order[place[types[i]]] = i
        place[types[i]] += 1


@njit(**OPTIONS)
def largest_kernel(direct, coupled, bases, types, local, counter, found):
    """Find the largest coefficient of each atom, as `Expansion` defines them.

    Any number of threads may do this with the same arguments, each taking the next atoms that nobody has taken.

    :param direct: for each species, from derivatives to coefficients in the rows of its own group.
    :param coupled: for each species, from derivatives to the shortened coefficients in the other groups.
    :param bases: for each group, from shortened coefficients to coefficients.
    :param types: species of each atom; int64.
    :param local: derivatives; shape (n_atoms, n_local).
    :param counter: number of units that have been taken; int64, shape (1,).
    :param found: output, beginning with zeros; shape (n_atoms,).
    """
    n_species, n_local = direct.depths.size, local.shape[1]
    order, first = np.empty(types.size, dtype=np.int64), np.zeros(n_species + 1, dtype=np.int64)
    _sort(types, order, first)
    rows, places, counted = local.reshape(local.size), np.empty(_ROWS, dtype=np.int64), np.arange(_UNIT)
    stride = max(1, coupled.counts.max()) * WIDE
    out, short = workspace(_ROWS * WIDE), workspace(_UNIT * stride)
    unit, passed = take_next(counter), 0
    for species in range(n_species):
        n_units = (first[species + 1] - first[species] + _UNIT - 1) // _UNIT
        while unit < passed + n_units:
            start = first[species] + (unit - passed) * _UNIT
            atoms = order[start : min(start + _UNIT, first[species + 1])]
            _pass_group(direct, species, rows, 0, n_local, atoms, atoms, places, out, found)
            for panel in range(coupled.counts[species]):
                for six in range(0, atoms.size, _ROWS):
                    _fill_places(atoms, 0, n_local, six, places)
                    _multiply(rows, places, coupled, species, panel, short, six * stride + panel * WIDE, stride)
            begin = 0
            for group in range(n_species):
                if group != species:
                    _pass_group(
                        bases, group, short, begin, stride, counted[: atoms.size], atoms, places, out, found
                    )  # fmt: skip
                    begin += bases.depths[group]
            unit = take_next(counter)
        passed += n_units
