"""Bands of images between two configurations: whether their ends fit together, and a first path between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.geometry import find_mic, get_distances

MOVED = 0.7
"""An atom that is further than this from its place in the other end, in Å, has moved; a relaxation moves it less."""

CELL_TOLERANCE = 1e-3
"""Largest difference of a component of a cell vector in Å between two ends with the same cell."""

SAME_PLACE = 0.01
"""An atom that is to stay may be further than this in Å from its place in the other end by rounding only."""

MAX_NAMED = 6
"""So many atoms are named in a message."""


def displacements(initial: Atoms, final: Atoms) -> np.ndarray:
    """Return the way of each atom to its nearest image in the other configuration in Å; shape (n_atoms, 3).

    :param initial: where the ways begin; with the cell.
    :param final: where they end; the same atoms in the same order.
    """
    ways, _ = find_mic(final.positions - initial.positions, initial.cell, initial.pbc)
    return np.asarray(ways)


def faults_of_ends(
    initial: Atoms, final: Atoms, *, max_displacement: float, min_displacement: float, check_order: bool = True
) -> Iterator[str]:
    """Yield one sentence for each reason why there is no path between two configurations.

    :param initial: one end.
    :param final: the other end.
    :param max_displacement: no atom may move further than this, in Å.
    :param min_displacement: one atom at least must move further than this, in Å.
    :param check_order: whether to look for an order of the atoms in which less would move.
    """
    if len(initial) != len(final):
        yield f'Input `initial` has {len(initial)} atoms, but input `final` has {len(final)}.'
        return
    if np.any(initial.pbc != final.pbc) or not np.allclose(initial.cell, final.cell, rtol=0.0, atol=CELL_TOLERANCE):
        yield 'Inputs `initial` and `final` have different cells, but the ends of a path must have the same.'
        return
    other = np.flatnonzero(initial.numbers != final.numbers)
    if other.size:
        names = [f'{i} ({initial.symbols[i]} in one, {final.symbols[i]} in the other)' for i in other]
        yield f'Inputs `initial` and `final` have their atoms in different orders; they differ at {_list(names)}.'
        return
    yield from _faults_of_ways(initial, final, max_displacement, min_displacement, check_order)


def faults_of_fixed(initial: Atoms, final: Atoms, *, fixed: Sequence[int]) -> Iterator[str]:
    """Yield one sentence for each reason why atoms cannot stay where they are along a path.

    :param initial: one end.
    :param final: the other end; the same atoms in the same order.
    :param fixed: indices of the atoms that are to stay.
    """
    if not fixed:
        return
    if max(fixed) >= len(initial):
        yield f'Input `options.fixed` names atom {max(fixed)}, but there are {len(initial)}, numbered from 0.'
        return
    ways = np.linalg.norm(displacements(initial, final), axis=1)
    moved = [index for index in sorted(set(fixed)) if ways[index] > SAME_PLACE]
    if moved:
        names = [f'{initial.symbols[i]} {i} ({ways[i]:.3f} Å)' for i in moved]
        yield f'Input `options.fixed` keeps atoms in place that inputs `initial` and `final` move: {_list(names)}.'


def _faults_of_ways(
    initial: Atoms, final: Atoms, max_displacement: float, min_displacement: float, check_order: bool
) -> Iterator[str]:
    order = find_better_order(initial, final) if check_order else None
    if order is not None:
        names = [f'{initial.symbols[i]} {i} is atom {order[i]}' for i in np.flatnonzero(order != np.arange(len(order)))]
        yield (
            'Inputs `initial` and `final` have their atoms in different orders: by the distances, of `initial` in '
            f'`final` {_list(names)}; set `options.end_points.check_order` to false if they truly exchange places.'
        )
        return
    ways = np.linalg.norm(displacements(initial, final), axis=1)
    far = np.flatnonzero(ways > max_displacement)
    if far.size:
        names = [f'{initial.symbols[i]} {i} ({ways[i]:.2f} Å)' for i in far]
        yield f'Between inputs `initial` and `final`, atoms move further than {max_displacement:g} Å: {_list(names)}.'
    elif ways.max() < min_displacement:
        yield (
            f'Inputs `initial` and `final` are the same: no atom moves further than {ways.max():.3f} Å, and '
            f'{min_displacement:g} Å is the least.'
        )


def find_better_order(initial: Atoms, final: Atoms) -> np.ndarray | None:
    """Return an order of the atoms in which fewer of them move, and by less: then the given order is wrong.

    Both must hold. A chain of short hops (an interstitial that knocks an atom on) is told so from a single long one:
    the first moves less, the second fewer atoms. Atoms are assigned by the smallest sum of squared distances.

    :param initial: one end.
    :param final: the other end, of the same atoms by number.
    :return: for each atom of `initial` its index in `final`; None if there is no better order. Shape (n_atoms,).
    """
    from scipy.optimize import linear_sum_assignment

    order = np.arange(len(initial))
    for number in np.unique(initial.numbers):
        atoms = np.flatnonzero(initial.numbers == number)
        _, lengths = get_distances(initial.positions[atoms], final.positions[atoms], cell=initial.cell, pbc=initial.pbc)
        order[atoms] = atoms[linear_sum_assignment(lengths**2)[1]]
    given, best = (np.linalg.norm(displacements(initial, other), axis=1) for other in (final, final[order]))
    is_better = np.sum(best > MOVED) < np.sum(given > MOVED) and np.sum(best**2) < np.sum(given**2) - 1e-6
    return order if is_better else None


def largest_displacement(initial: Atoms, final: Atoms) -> float:
    """Return the distance in Å that the atom moves that moves furthest.

    :param initial: one configuration.
    :param final: the other one; the same atoms in the same order.
    """
    return float(np.linalg.norm(displacements(initial, final), axis=1).max())


def interpolate(
    initial: Atoms, final: Atoms, n_images: int, method: Literal['idpp', 'linear'] = 'idpp', *, max_steps: int = 200,
    fixed: Sequence[int] = (),
) -> list[Atoms]:  # fmt: skip
    """Return a band of images, both ends included, without jumps across the cell.

    The image-dependent pair potential keeps atoms from coming too close: S. Smidstrup et al., J. Chem. Phys. 140,
    214106 (2014).

    :param initial: one end; keeps its positions.
    :param final: the other end; the same atoms in the same order. Each moves to its nearest image.
    :param n_images: number of images between the ends.
    :param method: ``idpp``, or ``linear`` for straight lines.
    :param max_steps: of the optimisation of the pair potential, which need not be exact.
    :param fixed: indices of atoms that the pair potential does not move.
    """
    from ase.mep import NEB, idpp_interpolate

    ways = displacements(initial, final)
    images = []
    for share in np.linspace(0.0, 1.0, n_images + 2):
        image = Atoms(initial.numbers, initial.positions + share * ways, cell=initial.cell, pbc=initial.pbc)
        image.set_constraint(FixAtoms(list(fixed)) if fixed else None)
        images.append(image)
    if method == 'idpp':
        band = NEB(images, method='improvedtangent', remove_rotation_and_translation=False)
        idpp_interpolate(band, traj=None, log=None, mic=bool(np.any(initial.pbc)), steps=max_steps)
    for image in images:
        image.calc = None
        image.set_constraint()
    return images


def _list(names: list[str]) -> str:
    rest = len(names) - MAX_NAMED
    return ', '.join(names[:MAX_NAMED]) + (f' and {rest} more' if rest > 0 else '')
