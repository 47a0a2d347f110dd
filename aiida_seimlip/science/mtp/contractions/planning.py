"""Choosing how to build many scalars with few products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from aiida_seimlip.science.mtp.contractions.splitting import Split, products, splits
from aiida_seimlip.science.mtp.contractions.tensors import Tensor


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
