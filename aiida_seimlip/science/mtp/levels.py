"""Untrained moment tensor potentials of any level, generated from the definition.

The level of a moment M(μ,ν) is 2 + 4μ + ν, the level of a product is the sum of its factors' levels, and a potential of
level L holds all scalar contractions up to L.

A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016); I. S. Novikov et al., Mach. Learn.: Sci. Technol. 2, 025002
(2021).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from ase.data import chemical_symbols

from aiida_seimlip.science.mtp.contractions import (
    Moment,
    Planner,
    Recipe,
    Tensor,
    canonical,
    components,
    multi_indices,
    products,
    single,
)
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

LEVELS = tuple(range(6, 29, 2))
"""Levels that can be generated."""

MAX_FACTORS = 4
"""Highest number of moments in a product, as in MLIP-3: terms up to five-body."""

MAX_MU = 5
"""Highest radial index μ, as in MLIP-3; it matters from level 26 on."""

MAX_NU = 10
"""Highest rank ν of a moment, as in MLIP-3; it matters from level 26 on."""

Scalar = tuple[Tensor, ...]
"""A scalar moment: the product of its connected contractions, sorted."""


class Structure(NamedTuple):
    """What a level fixes; see `MomentTensorPotential` for the arrays."""

    radial_funcs_count: int
    alpha_moments_count: int
    alpha_index_basic: np.ndarray
    alpha_index_times: np.ndarray
    alpha_moment_mapping: np.ndarray


def untrained(
    level: int,
    species: Sequence[str],
    *,
    min_dist: float = 2.0,
    max_dist: float = 5.0,
    radial_basis_size: int = 8,
) -> MomentTensorPotential:
    """Return a moment tensor potential without coefficients.

    The scalar moments are sorted by level: those of a lower level come first and in the same order, so that the
    coefficients of a trained potential are the first coefficients of one of a higher level.

    :param level: even, from 6 to 28.
    :param species: chemical symbols in type order.
    :param min_dist: lower end of the radial functions in Å.
    :param max_dist: cut-off in Å.
    :param radial_basis_size: number of Chebyshev polynomials in each radial function.
    :raises ValueError: if an argument is out of range.
    """
    if level not in LEVELS:
        raise ValueError(f'Level {level} is not an even number from {LEVELS[0]} to {LEVELS[-1]}.')
    unknown = [symbol for symbol in species if symbol not in chemical_symbols[1:]]
    if not species or unknown or len(set(species)) < len(species):
        raise ValueError(f'The species {list(species)} are not one or more different chemical symbols.')
    if not 0.0 <= min_dist < max_dist:
        raise ValueError(f'The distances 0 ≤ min_dist = {min_dist} < max_dist = {max_dist} are not in order.')
    if radial_basis_size < 1:
        raise ValueError(f'The radial basis size {radial_basis_size} is not positive.')
    return MomentTensorPotential(
        species=tuple(species),
        min_dist=min_dist,
        max_dist=max_dist,
        radial_basis_size=radial_basis_size,
        **copy.deepcopy(structure(level)._asdict()),
    )


@cache
def structure(level: int) -> Structure:
    """Generate the moments, products and scalars of a level."""
    connected = connected_scalars(level)
    moments = sorted({factor for tensor in connected for factor in tensor.factors})
    planner = Planner([tensor for tensor in connected if len(tensor.factors) > 1])
    assembly = _Assembly(moments, planner.plan)
    index: dict[Scalar, int] = {}
    for scalar in scalars(connected, level):
        if len(scalar) == 1:
            index[scalar] = assembly.contract(scalar[0])
        else:
            index[scalar] = assembly.multiply(index[scalar[:-1]], index[scalar[-1:]])
    return Structure(
        radial_funcs_count=1 + max(moment.mu for moment in moments),
        alpha_moments_count=assembly.count,
        alpha_index_basic=np.array([(moment.mu, *row) for moment in moments for row in multi_indices(moment.nu)]),
        alpha_index_times=np.concatenate(assembly.times),
        alpha_moment_mapping=np.array(list(index.values())),
    )


class _Assembly:
    """Number the components of tensors one after the other, and collect the products that build them.

    :param moments: the basic moments; their components come first.
    :param plan: how to build every other tensor.
    """

    def __init__(self, moments: Sequence[Moment], plan: Mapping[Tensor, Recipe]) -> None:
        self.count = 0
        self.times: list[np.ndarray] = []
        self._plan = plan
        self._first: dict[Tensor, int] = {}
        for moment in moments:
            self._first[single(moment)] = self._reserve(len(multi_indices(moment.nu)))

    def _reserve(self, n: int) -> int:
        """Take the next `n` numbers; return the first."""
        self.count += n
        return self.count - n

    def contract(self, tensor: Tensor) -> int:
        """Build a tensor, if that is not done yet, after its parts; return the number of its first component."""
        if tensor not in self._first:
            split = self._plan[tensor].split
            left, right = self.contract(split.left), self.contract(split.right)
            self._first[tensor] = self._reserve(components(tensor)[0])
            self.times.append(products(tensor, split) + np.array([left, right, 0, self._first[tensor]]))
        return self._first[tensor]

    def multiply(self, one: int, other: int) -> int:
        """Multiply two scalars; return the number of their product."""
        result = self._reserve(1)
        self.times.append(np.array([[one, other, 1, result]]))
        return result


# -- enumeration ------------------------------------------------------------------------------------------------------


def scalars(connected: Sequence[Tensor], level: int) -> list[Scalar]:
    """Return all products of `connected` scalars up to a level, sorted by level and number of factors."""
    found: list[Scalar] = []

    def extend(product: Scalar, start: int, level_left: int, factors_left: int) -> None:
        for position in range(start, len(connected)):
            tensor = connected[position]
            if tensor.level <= level_left and len(tensor.factors) <= factors_left:
                longer = (*product, tensor)
                found.append(longer)
                extend(longer, position, level_left - tensor.level, factors_left - len(tensor.factors))

    extend((), 0, level, MAX_FACTORS)

    def order(scalar: Scalar) -> tuple[int, int]:
        return sum(tensor.level for tensor in scalar), sum(len(tensor.factors) for tensor in scalar)

    return sorted(found, key=order)


def connected_scalars(level: int) -> list[Tensor]:
    """Return all connected scalar contractions up to a level, in canonical form and a fixed order."""
    moments = [Moment(mu, nu) for mu in range(MAX_MU + 1) for nu in range(MAX_NU + 1) if Moment(mu, nu).level <= level]
    tensors = [single(moment) for moment in moments if moment.nu == 0]
    ranked = [moment for moment in moments if moment.nu > 0]
    for n in range(2, MAX_FACTORS + 1):
        for factors in combinations_with_replacement(ranked, n):
            if sum(factor.level for factor in factors) <= level:
                no_legs: tuple[tuple[int, ...], ...] = ((),) * n
                forms = {
                    canonical(Tensor(factors, edges, no_legs)).tensor
                    for edges in multigraphs([factor.nu for factor in factors])
                    if is_connected(edges)
                }
                tensors += sorted(forms)
    return sorted(tensors, key=lambda tensor: (tensor.level, len(tensor.factors)))


def multigraphs(degrees: Sequence[int]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield the adjacency matrices of all multigraphs without loops whose vertices have these degrees.

    Loops are left out because they bring nothing new: the trace of M(μ,ν) is M(μ,ν-2).
    """
    n = len(degrees)
    if n == 0:
        yield ()
        return
    for row in _deal(degrees[0], degrees[1:]):
        for rest in multigraphs([degree - used for degree, used in zip(degrees[1:], row, strict=True)]):
            yield ((0, *row), *((used, *other) for used, other in zip(row, rest, strict=True)))


def _deal(total: int, limits: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield all ways to write `total` as a sum of non-negative numbers that do not pass their limits."""
    if not limits:
        if total == 0:
            yield ()
        return
    for first in range(min(total, limits[0]) + 1):
        for rest in _deal(total - first, limits[1:]):
            yield (first, *rest)


def is_connected(edges: Sequence[Sequence[int]]) -> bool:
    """Return whether every vertex of a multigraph can be reached from the first."""
    reached = {0}
    pending = [0]
    while pending:
        row = edges[pending.pop()]
        new = [vertex for vertex, count in enumerate(row) if count and vertex not in reached]
        reached.update(new)
        pending += new
    return len(reached) == len(edges)
