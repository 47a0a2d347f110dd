"""Contractions of moments that are tensors, in one form for all that are equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import permutations, product
from math import factorial, prod
from typing import NamedTuple

import numpy as np

Matrix = tuple[tuple[int, ...], ...]


class Moment(NamedTuple):
    """The moment tensor M(μ,ν) with radial function μ and rank ν."""

    mu: int
    nu: int

    @property
    def level(self) -> int:
        """Level 2 + 4μ + ν."""
        return 2 + 4 * self.mu + self.nu


class Tensor(NamedTuple):
    """A contraction of moments with groups of open indices.

    A component has one multi-index (number of x, y and z) per group. A group whose indices all belong to one factor is
    symmetric by itself. In a group that several factors share, a component is the *sum* over all sequences of indices
    with these numbers of x, y and z; this is what is left of the tensor when the group meets a symmetric tensor.

    :param factors: the moments.
    :param edges: number of indices that factors i and j share; symmetric, zero diagonal.
    :param legs: number of open indices of factor i in group g.
    """

    factors: tuple[Moment, ...]
    edges: Matrix
    legs: Matrix

    @property
    def level(self) -> int:
        """Sum of the levels of the factors."""
        return sum(factor.level for factor in self.factors)

    @property
    def n_groups(self) -> int:
        """Number of groups of open indices."""
        return len(self.legs[0])

    @property
    def ranks(self) -> tuple[int, ...]:
        """Number of open indices in each group."""
        return tuple(sum(row[group] for row in self.legs) for group in range(self.n_groups))

    def sources(self, group: int, among: Iterable[int] | None = None) -> list[int]:
        """Return the factors that have open indices in `group`."""
        return [i for i in (range(len(self.factors)) if among is None else among) if self.legs[i][group]]


class Canonical(NamedTuple):
    """The canonical form of a tensor.

    :param tensor: equal for all tensors that differ in the order of factors and groups only.
    :param position: position that each group of the original has in the canonical form.
    :param symmetries: permutations of the groups that leave the tensor the same.
    """

    tensor: Tensor
    position: tuple[int, ...]
    symmetries: tuple[tuple[int, ...], ...]


@cache
def multi_indices(rank: int) -> np.ndarray:
    """Return the multi-indices (a, b, c) with a + b + c = `rank`, x first; shape ((rank + 1) (rank + 2) / 2, 3)."""
    return np.array([(a, b, rank - a - b) for a in range(rank, -1, -1) for b in range(rank - a, -1, -1)])


@cache
def multinomials(rank: int) -> np.ndarray:
    """Return in how many orders each of `multi_indices` can be written."""
    return np.array([factorial(rank) // prod(map(factorial, row)) for row in multi_indices(rank).tolist()])


def position_of(indices: np.ndarray) -> np.ndarray:
    """Return the position of multi-indices of shape (n, 3) in `multi_indices`."""
    rest = indices[:, 1] + indices[:, 2]
    return rest * (rest + 1) // 2 + indices[:, 2]


def single(moment: Moment) -> Tensor:
    """Return a moment as a tensor."""
    return Tensor((moment,), ((0,),), ((moment.nu,),) if moment.nu else ((),))


@cache
def canonical(tensor: Tensor) -> Canonical:
    """Bring a tensor to canonical form by trying the orders of equal factors."""
    factors, edges, legs = tensor
    columns = list(zip(*legs, strict=True))
    best: tuple[Matrix, Matrix] | None = None
    orders: list[tuple[int, ...]] = []
    for order in _factor_orders(tensor):
        reordered = tuple(tuple(edges[i][j] for j in order) for i in order)
        key = reordered, tuple(sorted(tuple(column[i] for i in order) for column in columns))
        if best is None or key < best:
            best, orders = key, []
        if key == best:
            orders.append(order)
    assert best is not None
    rows = tuple(tuple(column[k] for column in best[1]) for k in range(len(factors)))
    form = Tensor(tuple(factors[i] for i in orders[0]), best[0], rows)
    positions = [_group_positions(columns, order) for order in orders]
    first = positions[0]
    symmetries = {
        tuple(other[first.index(slot)] for slot in range(len(first)))
        for position in positions
        for other in _exchange_equal(position, best[1])
    }
    return Canonical(form, tuple(first), tuple(sorted(symmetries)))


def _factor_orders(tensor: Tensor) -> Iterator[tuple[int, ...]]:
    """Yield the orders of factors that sort them by kind and number of open indices."""
    kinds: dict[tuple[Moment, int], list[int]] = defaultdict(list)
    for i, factor in enumerate(tensor.factors):
        kinds[factor, sum(tensor.legs[i])].append(i)
    for parts in product(*(permutations(kinds[kind]) for kind in sorted(kinds))):
        yield tuple(i for part in parts for i in part)


def _group_positions(columns: Sequence[tuple[int, ...]], order: Sequence[int]) -> list[int]:
    """Return the position of each group when groups are sorted with the factors in `order`."""
    ranking = sorted(range(len(columns)), key=lambda group: tuple(columns[group][i] for i in order))
    return [ranking.index(group) for group in range(len(columns))]


def _exchange_equal(position: list[int], columns: Matrix) -> Iterator[list[int]]:
    """Yield `position` with groups of equal columns in all orders."""
    equal: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for slot, column in enumerate(columns):
        equal[column].append(slot)
    slots = list(equal.values())
    for choice in product(*(permutations(group) for group in slots)):
        exchange = {
            old: new
            for group, chosen in zip(slots, choice, strict=True) for old, new in zip(group, chosen, strict=True)
        }  # fmt: skip
        yield [exchange[slot] for slot in position]


@cache
def components(tensor: Tensor) -> tuple[int, np.ndarray]:
    """Number the different components of a canonical tensor.

    :return: their number, and for all combinations of multi-indices (in C order over the groups) the number of the
        component they are equal to by symmetry.
    """
    shape = [len(multi_indices(rank)) for rank in tensor.ranks]
    flat = np.arange(prod(shape)).reshape(shape)
    smallest = np.min([flat.transpose(symmetry) for symmetry in canonical(tensor).symmetries], axis=0)
    kept, number = np.unique(smallest, return_inverse=True)
    return len(kept), number.reshape(-1)
