"""The order in which moments are contracted: products sorted by what they add to."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np


class Schedule(NamedTuple):
    """Products of moments, grouped by the moment that they make, and by each of their factors for the way back.

    :param targets: moments that are sums of products, each after those that it is made of; shape (n_targets,).
    :param target_first: products of target n are ``target_first[n]:target_first[n + 1]``; shape (n_targets + 1,).
    :param target_pairs: the two factors of each product; shape (n_times, 2).
    :param target_factors: shape (n_times,).
    :param sources: moments that are factors, each after those that are made of it; shape (n_sources,).
    :param source_first: uses of source n are ``source_first[n]:source_first[n + 1]``; shape (n_sources + 1,).
    :param source_pairs: moment that is made, and the other factor; shape (n_uses, 2).
    :param source_factors: shape (n_uses,).
    """

    targets: np.ndarray
    target_first: np.ndarray
    target_pairs: np.ndarray
    target_factors: np.ndarray
    sources: np.ndarray
    source_first: np.ndarray
    source_pairs: np.ndarray
    source_factors: np.ndarray


def make_schedule(times: np.ndarray, factors: np.ndarray, n_moments: int) -> Schedule:
    """Sort products.

    :param times: rows (i, j, k): moment k += factor · moment i · moment j; shape (n_times, 3).
    :param factors: shape (n_times,).
    :param n_moments: number of all moments.
    :raises ValueError: if a moment is used before it is complete.
    """
    depth = _depths(times, n_moments)
    targets, target_first, order = _group(times[:, 2], depth)
    is_square = times[:, 0] == times[:, 1]
    uses = np.concatenate([times[:, [0, 2, 1]], times[~is_square][:, [1, 2, 0]]])
    strengths = np.concatenate([np.where(is_square, 2.0, 1.0) * factors, factors[~is_square]])
    sources, source_first, back = _group(uses[:, 0], -depth)
    return Schedule(
        targets, target_first, np.ascontiguousarray(times[order, :2]), factors[order],
        sources, source_first, np.ascontiguousarray(uses[back, 1:]), strengths[back],
    )  # fmt: skip


def _depths(times: np.ndarray, n_moments: int) -> np.ndarray:
    """Return how many products stand one upon another in each moment; shape (n_moments,)."""
    depth = np.zeros(n_moments, dtype=np.int64)
    used = np.zeros(n_moments, dtype=bool)
    for i, j, k in times.tolist():
        if used[k] or k in (i, j):
            raise ValueError(f'Moment {k} is a factor of a product before all that it is made of has been added.')
        used[[i, j]] = True
        depth[k] = max(depth[k], depth[i] + 1, depth[j] + 1)
    return depth


def _group(keys: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct keys by depth, where the rows of each begin, and the order of rows that this takes."""
    order = np.lexsort((keys, depth[keys]))
    ordered = keys[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[starts], np.append(starts, keys.size), order


class Runs(NamedTuple):
    """Monomials and basic moments in runs within which all indices grow by one.

    :param steps: rows (first monomial, last + 1, first parent, axis): each is its parent times a component of the unit
        vector; shape (n_steps, 4).
    :param spans: rows (first basic moment, last + 1, first monomial, radial function); shape (n_spans, 4).
    """

    steps: np.ndarray
    spans: np.ndarray


def make_runs(parent: np.ndarray, axis: np.ndarray, monomial: np.ndarray, radial_function: np.ndarray) -> Runs:
    """Find the runs.

    :param parent: of each monomial, the first of which has none; shape (n_monomials,).
    :param axis: of each monomial; shape (n_monomials,).
    :param monomial: of each basic moment; shape (n_basic,).
    :param radial_function: of each basic moment; shape (n_basic,).
    """
    return Runs(_runs(parent, axis, 1), _runs(monomial, radial_function, 0))


def _runs(values: np.ndarray, labels: np.ndarray, start: int) -> np.ndarray:
    """Return rows (start, stop, first value, label) of the runs in which labels stay and values grow by one."""
    breaks = (np.diff(values[start:]) != 1) | (np.diff(labels[start:]) != 0)
    bounds = np.unique([start, *(start + 1 + np.flatnonzero(breaks)), values.size])
    rows = [(i, j, values[i], labels[i]) for i, j in itertools.pairwise(bounds)]
    return np.array(rows, dtype=np.int64).reshape(-1, 4)
