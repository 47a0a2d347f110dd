"""Contractions of moment tensors, and short recipes for their evaluation.

A moment M(μ,ν) is a symmetric Cartesian tensor of rank ν. A contraction of several moments is a multigraph: its
vertices are the moments, and an edge is an index that two of them share. Indices that are left open ("legs") make the
result a tensor again. To evaluate many scalar contractions at little cost, each is split in two parts which are
tensors themselves, and parts are shared wherever they are equal: `Planner` looks for the set of splits with the fewest
products.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations, permutations, product
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


class Bundle(NamedTuple):
    """Indices of a split that are summed over, or handed to the result, together.

    :param rank: number of indices.
    :param is_weighted: whether each multi-index stands for all its orderings, and so counts as many times.
    :param left: group of the left part that these indices are in, or None.
    :param right: group of the right part, or None.
    :param target: group of the result, or None.
    """

    rank: int
    is_weighted: bool
    left: int | None
    right: int | None
    target: int | None


class Split(NamedTuple):
    """A way to build a tensor as a contraction of two others.

    :param left, right: the parts, in canonical form.
    :param bundles: how the indices run.
    """

    left: Tensor
    right: Tensor
    bundles: tuple[Bundle, ...]


class Canonical(NamedTuple):
    """The canonical form of a tensor.

    :param tensor: equal for all tensors that differ in the order of factors and groups only.
    :param position: position that each group of the original has in the canonical form.
    :param symmetries: permutations of the groups that leave the tensor the same.
    """

    tensor: Tensor
    position: tuple[int, ...]
    symmetries: tuple[tuple[int, ...], ...]


# -- multi-indices ----------------------------------------------------------------------------------------------------


@cache
def multi_indices(rank: int) -> np.ndarray:
    """Return the multi-indices (a, b, c) with a + b + c = `rank`, x first; shape ((rank + 1) (rank + 2) / 2, 3)."""
    return np.array([(a, b, rank - a - b) for a in range(rank, -1, -1) for b in range(rank - a, -1, -1)])


@cache
def multinomials(rank: int) -> np.ndarray:
    """Return in how many orders each of `multi_indices` can be written."""
    return np.array([factorial(rank) // prod(map(factorial, row)) for row in multi_indices(rank).tolist()])


def _position(indices: np.ndarray) -> np.ndarray:
    """Return the position of multi-indices of shape (n, 3) in `multi_indices`."""
    rest = indices[:, 1] + indices[:, 2]
    return rest * (rest + 1) // 2 + indices[:, 2]


# -- canonical form ---------------------------------------------------------------------------------------------------


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


# -- splits -----------------------------------------------------------------------------------------------------------


def splits(tensor: Tensor) -> Iterator[Split]:
    """Yield the ways to build a tensor from two parts.

    The open indices of a part are grouped either by the factor they start from, or by where they go to; the second is
    allowed for one of the two parts at a time.
    """
    n = len(tensor.factors)
    seen = set()
    for size in range(1, n // 2 + 1):
        for chosen in combinations(range(n), size):
            rest = tuple(i for i in range(n) if i not in chosen)
            for left, right in ((chosen, rest), (rest, chosen)):
                for by_destination in (False, True):
                    split = _split(tensor, left, right, by_destination)
                    if split not in seen:
                        seen.add(split)
                        yield split


End = tuple[str, int]
"""Where open indices start from, or go to: a factor or a group of the tensor that is split."""


def _split(tensor: Tensor, left: tuple[int, ...], right: tuple[int, ...], by_destination: bool) -> Split:
    """Split in two parts; `by_destination` tells how the open indices of the left part are grouped."""
    ends = _destinations(tensor, left, right) if by_destination else _sources(tensor, left, right)
    left_form, left_groups = _part(tensor, left, ends)
    right_form, right_groups = _part(tensor, right, _sources(tensor, right, left))
    is_shared = [len(tensor.sources(group)) > 1 for group in range(tensor.n_groups)]
    bundles = []
    if by_destination:
        # a group that several factors share holds the sum over all sequences already
        for (kind, which), counts in ends.items():
            group = left_groups[kind, which]
            if kind == 'factor':
                bundles.append(Bundle(counts.total(), len(counts) == 1, group, right_groups['factor', which], None))
            else:
                bundles.append(Bundle(counts.total(), len(counts) == 1 and is_shared[which], group, None, which))
    else:
        bundles += [
            Bundle(tensor.edges[i][j], True, left_groups['factor', i], right_groups['factor', j], None)
            for i in left for j in right if tensor.edges[i][j]
        ]  # fmt: skip
        bundles += [
            Bundle(tensor.legs[i][group], is_shared[group], left_groups['factor', i], None, group)
            for group in range(tensor.n_groups) for i in tensor.sources(group, left)
        ]  # fmt: skip
    bundles += [
        Bundle(tensor.legs[j][group], is_shared[group], None, right_groups['factor', j], group)
        for group in range(tensor.n_groups) for j in tensor.sources(group, right)
    ]  # fmt: skip
    return Split(left_form, right_form, tuple(bundles))


def _sources(tensor: Tensor, chosen: tuple[int, ...], others: tuple[int, ...]) -> dict[End, Counter[int]]:
    """Return the indices of the `chosen` factors that are open without the `others`, by the factor they start from."""
    counts = {i: sum(tensor.edges[i][j] for j in others) + sum(tensor.legs[i]) for i in chosen}
    return {('factor', i): Counter({i: count}) for i, count in counts.items() if count}


def _destinations(tensor: Tensor, chosen: tuple[int, ...], others: tuple[int, ...]) -> dict[End, Counter[int]]:
    """Return the same indices by the factor or group that they go to, and for each by the factor they start from."""
    factors = {('factor', j): Counter({i: tensor.edges[i][j] for i in chosen if tensor.edges[i][j]}) for j in others}
    groups = {
        ('group', group): Counter({i: tensor.legs[i][group] for i in tensor.sources(group, chosen)})
        for group in range(tensor.n_groups)
    }
    return {end: counts for end, counts in (factors | groups).items() if counts}


def _part(tensor: Tensor, chosen: tuple[int, ...], ends: dict[End, Counter[int]]) -> tuple[Tensor, dict[End, int]]:
    """Cut the `chosen` factors out of a tensor.

    :param ends: indices that become open, to be grouped like this; for each group the number of indices by factor.
    :return: the part in canonical form, and its group for each of `ends`. Indices that come from the same single
        factor share a group, since that factor is symmetric.
    """
    groups: list[Counter[int]] = []
    chosen_group: dict[End, int] = {}
    lone: dict[int, int] = {}
    for end, counts in ends.items():
        factor = next(iter(counts))
        if len(counts) == 1 and factor in lone:
            chosen_group[end] = lone[factor]
            groups[lone[factor]] += counts
            continue
        if len(counts) == 1:
            lone[factor] = len(groups)
        chosen_group[end] = len(groups)
        groups.append(counts.copy())
    part = Tensor(
        tuple(tensor.factors[i] for i in chosen),
        tuple(tuple(tensor.edges[i][j] for j in chosen) for i in chosen),
        tuple(tuple(group[i] for group in groups) for i in chosen),
    )
    form = canonical(part)
    return form.tensor, {end: form.position[group] for end, group in chosen_group.items()}


def products(tensor: Tensor, split: Split) -> np.ndarray:
    """Write a split out in components.

    :return: rows (component of the left part, component of the right part, multiplicity, component of the result). No
        pair of components occurs twice in a result, and a result does not follow itself if that can be avoided:
        processors add faster when they need not wait for the sum before.
    """
    grids = np.indices([len(multi_indices(bundle.rank)) for bundle in split.bundles]).reshape(len(split.bundles), -1)
    left = _numbers(split.left, [bundle.left for bundle in split.bundles], split.bundles, grids)
    right = _numbers(split.right, [bundle.right for bundle in split.bundles], split.bundles, grids)
    target, is_first = _targets(tensor, split.bundles, grids)
    weights = np.ones(grids.shape[1], dtype=np.int64)
    for bundle, grid in zip(split.bundles, grids, strict=True):
        if bundle.is_weighted:
            weights *= multinomials(bundle.rank)[grid]
    if split.left == split.right:
        left, right = np.minimum(left, right), np.maximum(left, right)
    n_left, n_right = components(split.left)[0], components(split.right)[0]
    keys = ((target * n_left + left) * n_right + right)[is_first]
    kept, inverse = np.unique(keys, return_inverse=True)
    multiplicity = np.bincount(inverse, weights=weights[is_first]).astype(np.int64)
    result = kept // (n_left * n_right)
    occurrence = np.arange(len(kept)) - np.searchsorted(result, result)
    rows = np.column_stack([kept // n_right % n_left, kept % n_right, multiplicity, result])
    return rows[np.lexsort((result, occurrence))]


def _combinations(
    ranks: Sequence[int], groups: Sequence[int | None], bundles: Sequence[Bundle], grids: np.ndarray
) -> np.ndarray:
    """Return which combination of multi-indices (in C order) the bundles give to the groups of a tensor."""
    flat = np.zeros(grids.shape[1], dtype=np.int64)
    for group, rank in enumerate(ranks):
        total = sum(
            multi_indices(bundle.rank)[grid]
            for bundle, grid, where in zip(bundles, grids, groups, strict=True) if where == group
        )  # fmt: skip
        flat = flat * len(multi_indices(rank)) + _position(np.asarray(total))
    return flat


def _numbers(tensor: Tensor, groups: Sequence[int | None], bundles: Sequence[Bundle], grids: np.ndarray) -> np.ndarray:
    """Return the number of the component that the bundles take of a part."""
    return components(tensor)[1][_combinations(tensor.ranks, groups, bundles, grids)]


def _targets(tensor: Tensor, bundles: Sequence[Bundle], grids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the resulting component, and whether it is the one of its symmetry class to compute."""
    flat = _combinations(tensor.ranks, [bundle.target for bundle in bundles], bundles, grids)
    _, number = components(tensor)
    first = np.unique(number, return_index=True)[1]
    return number[flat], first[number[flat]] == flat


# -- planning ---------------------------------------------------------------------------------------------------------


class Recipe(NamedTuple):
    """A split and the number of products it takes."""

    split: Split
    cost: int


@cache
def recipes(tensor: Tensor) -> tuple[Recipe, ...]:
    """Return the cheapest way to build a tensor from each possible pair of parts."""
    best: dict[frozenset[Tensor], Recipe] = {}
    for split in splits(tensor):
        cost = len(products(tensor, split))
        pair = frozenset((split.left, split.right))
        if pair not in best or cost < best[pair].cost:
            best[pair] = Recipe(split, cost)
    return tuple(best.values())


class Planner:
    """Choose how to build a set of scalars with few products.

    Every scalar is planned on its own, given what the plans of all others compute anyway, and this is repeated until
    nothing changes. In the first rounds the cost of a part is divided by a power of the number of scalars that could
    use it, so that parts worth sharing are found.

    :param scalars: contractions without open indices, in canonical form.
    """

    DISCOUNTS = (0.5, 0.3, 0.15, 0.0)
    """Power of the number of possible users by which the cost of a part is divided, round after round."""

    def __init__(self, scalars: Sequence[Tensor]) -> None:
        self.plan: dict[Tensor, Recipe] = {}
        self._n_users: Counter[Tensor] = Counter()
        self._n_possible_users = _count_possible_users(scalars)
        for scalar in scalars:
            self._adopt(scalar, self.DISCOUNTS[0])
        for discount in self.DISCOUNTS:
            self._improve(scalars, discount)
        while self._improve(scalars, 0.0):
            pass

    @property
    def cost(self) -> int:
        """Number of products of the plan."""
        return sum(recipe.cost for recipe in self.plan.values())

    def _improve(self, scalars: Sequence[Tensor], discount: float) -> bool:
        """Plan each scalar anew; return whether the plan became cheaper."""
        before = self.cost
        for scalar in scalars:
            self._drop(scalar)
            self._adopt(scalar, discount)
        return self.cost < before

    def _adopt(self, tensor: Tensor, discount: float) -> None:
        """Plan a tensor, and its parts where they are not planned yet."""
        choices: dict[Tensor, tuple[float, Recipe | None]] = {}
        self._choose(tensor, discount, choices)
        self._enter(tensor, choices)

    def _enter(self, tensor: Tensor, choices: dict[Tensor, tuple[float, Recipe | None]]) -> None:
        if len(tensor.factors) == 1:
            return
        self._n_users[tensor] += 1
        if tensor in self.plan:
            return
        recipe = choices[tensor][1]
        assert recipe is not None
        self.plan[tensor] = recipe
        for part in _parts(recipe):
            self._enter(part, choices)

    def _choose(self, tensor: Tensor, discount: float, choices: dict[Tensor, tuple[float, Recipe | None]]) -> float:
        """Return the additional cost of a tensor, noting the best recipes on the way."""
        if len(tensor.factors) == 1 or tensor in self.plan:
            return 0.0
        if tensor not in choices:
            costs = [
                recipe.cost + sum(
                    self._choose(part, discount, choices) / self._n_possible_users[part] ** discount
                    for part in _parts(recipe)
                )
                for recipe in recipes(tensor)
            ]  # fmt: skip
            index = int(np.argmin(costs))
            choices[tensor] = costs[index], recipes(tensor)[index]
        return choices[tensor][0]

    def _drop(self, tensor: Tensor) -> None:
        """Take a tensor out of the plan, with those of its parts that no other uses."""
        if len(tensor.factors) == 1:
            return
        self._n_users[tensor] -= 1
        if self._n_users[tensor] == 0:
            for part in _parts(self.plan.pop(tensor)):
                self._drop(part)


def _parts(recipe: Recipe) -> tuple[Tensor, ...]:
    """Return the different parts of a recipe."""
    left, right = recipe.split.left, recipe.split.right
    return (left,) if left == right else (left, right)


def _count_possible_users(scalars: Sequence[Tensor]) -> Counter[Tensor]:
    """Count for each tensor the scalars that could be built with it."""
    users: Counter[Tensor] = Counter()
    for scalar in scalars:
        seen: set[Tensor] = set()
        pending = [scalar]
        while pending:
            tensor = pending.pop()
            if tensor not in seen:
                seen.add(tensor)
                if len(tensor.factors) > 1:
                    pending += [part for recipe in recipes(tensor) for part in _parts(recipe)]
        users.update(seen)
    return users
