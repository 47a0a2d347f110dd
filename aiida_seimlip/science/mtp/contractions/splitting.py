"""Building a tensor from two parts, and writing that out in components."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from aiida_seimlip.science.mtp.contractions.tensors import (
    Tensor,
    canonical,
    components,
    multi_indices,
    multinomials,
    position_of,
)


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
        flat = flat * len(multi_indices(rank)) + position_of(np.asarray(total))
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
