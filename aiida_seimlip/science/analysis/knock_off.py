"""Knock-off: chains of hops in which each ion takes the site that the next one has just left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.analysis.site_hops import IonHop, SiteError


@dataclass(frozen=True, eq=False)
class HopChain:
    """Hops that belong together, from the ion that pushes all others to the one that is pushed by all.

    :param hops: each arrives at the site that the next one left.
    :param is_ring: whether the last one arrives at the site that the first one left.
    """

    hops: tuple[IonHop, ...]
    is_ring: bool = False

    @property
    def length(self) -> int:
        """Number of hops; 1 for an ion that hops alone."""
        return len(self.hops)

    @property
    def ions(self) -> tuple[int, ...]:
        """Indices of the ions in the track."""
        return tuple(hop.ion for hop in self.hops)

    @property
    def sites(self) -> tuple[int, ...]:
        """Indices of the sites, from the one that is left empty to the one that is filled."""
        return (self.hops[0].from_site, *(hop.to_site for hop in self.hops))

    @property
    def start_ps(self) -> float:
        """When the first ion was last seen at its site, in ps."""
        return min(hop.left_ps for hop in self.hops)

    @property
    def end_ps(self) -> float:
        """When the last ion arrived, in ps."""
        return max(hop.arrived_ps for hop in self.hops)

    @property
    def displacement(self) -> np.ndarray:
        """Sum of the displacements of all ions in Å: what moves if all have the same charge; shape (3,)."""
        return np.sum([hop.displacement for hop in self.hops], axis=0)

    def along(self, direction: Sequence[float] | np.ndarray) -> float:
        """Return the sum of the displacements along a direction in Å.

        :param direction: a vector of any length but zero; shape (3,).
        :raises SiteError: if it is none.
        """
        return float(self.displacement @ _unit(direction))


@dataclass(frozen=True, eq=False)
class ChainSummary:
    """What chains of hops add up to.

    :param n_hops: number of hops.
    :param n_along: number of hops with a displacement along the direction.
    :param n_against: number of hops with one against it.
    :param chains_by_length: number of chains of each length, those of single hops included, rings aside.
    :param n_rings: number of rings, in which ions change places.
    :param share_in_chains: share of the hops that belong to chains of two hops or more, rings aside; nan without hops.
    :param net_displacement: sum of the displacements of all hops along the direction in Å.
    :param net_displacement_in_chains: that of the chains of two hops or more.
    :param replacements: number of times that an ion of the first label took the site of one of the second.
    """

    n_hops: int
    n_along: int
    n_against: int
    chains_by_length: dict[int, int]
    n_rings: int
    share_in_chains: float
    net_displacement: float
    net_displacement_in_chains: float
    replacements: dict[tuple[str, str], int]


def find_chains(hops: Sequence[IonHop], *, window_ps: float) -> list[HopChain]:
    """Join hops to chains, those of single hops included, in order of time.

    Two hops follow one another if the first ion arrives at the site of the second one within `window_ps` of the time at
    which that one was last seen there, before or after it, and the second was there first. Each hop has at most one
    before and one after it; the pairs nearest in time come first.

    :param hops: of one run.
    :param window_ps: in ps; at least the time between frames. The longer, the more hops of vacancies, which wait, look
        like knock-off, which does not.
    :raises SiteError: if the window is negative.
    """
    if not window_ps >= 0.0:
        raise SiteError(f'The window of {window_ps} ps is negative.')
    following = _pairs(hops, window_ps)
    pushed = set(following.values())
    chains = [_chain(hops, start, following) for start in range(len(hops)) if start not in pushed]
    seen = {id(hop) for chain in chains for hop in chain.hops}
    for start, hop in enumerate(hops):
        if id(hop) not in seen:
            ring = _chain(hops, start, following, is_ring=True)
            seen.update(id(member) for member in ring.hops)
            chains.append(ring)
    return sorted(chains, key=lambda chain: (chain.start_ps, chain.ions))


def summarise_chains(chains: Sequence[HopChain], direction: Sequence[float] | np.ndarray) -> ChainSummary:
    """Return what the chains of one or several runs add up to.

    :param chains: of all runs.
    :param direction: to look along, such as the field; a vector of any length but zero; shape (3,).
    :raises SiteError: if the direction is no vector.
    """
    unit = _unit(direction)
    hops = [hop for chain in chains for hop in chain.hops]
    steps = np.array([hop.displacement @ unit for hop in hops])
    long = [chain for chain in chains if chain.length > 1 and not chain.is_ring]
    return ChainSummary(
        n_hops=len(hops), n_along=int(np.sum(steps > 0.0)), n_against=int(np.sum(steps < 0.0)),
        chains_by_length=dict(sorted(Counter(chain.length for chain in chains if not chain.is_ring).items())),
        n_rings=sum(chain.is_ring for chain in chains),
        share_in_chains=sum(chain.length for chain in long) / len(hops) if hops else float('nan'),
        net_displacement=float(steps.sum()), net_displacement_in_chains=float(sum(chain.along(unit) for chain in long)),
        replacements=dict(sorted(Counter(pair for chain in chains for pair in _replacements(chain)).items())),
    )  # fmt: skip


def _pairs(hops: Sequence[IonHop], window: float) -> dict[int, int]:
    """Return for each hop the one whose site it takes, if there is one, as indices."""
    leaving: dict[int, list[int]] = {}
    for index, hop in enumerate(hops):
        leaving.setdefault(hop.from_site, []).append(index)
    candidates = sorted(
        (abs(hop.arrived_ps - hops[other].left_ps), index, other)
        for index, hop in enumerate(hops)
        for other in leaving.get(hop.to_site, ())
        if hops[other].ion != hop.ion
        and hops[other].since_ps < hop.arrived_ps
        and abs(hop.arrived_ps - hops[other].left_ps) <= window + 1e-9
    )
    following: dict[int, int] = {}
    taken: set[int] = set()
    for _, index, other in candidates:
        if index not in following and other not in taken:
            following[index] = other
            taken.add(other)
    return following


def _chain(hops: Sequence[IonHop], start: int, following: dict[int, int], *, is_ring: bool = False) -> HopChain:
    members = [start]
    while (index := following.get(members[-1], start)) != start:
        members.append(index)
    return HopChain(tuple(hops[index] for index in members), is_ring)


def _replacements(chain: HopChain) -> Iterator[tuple[str, str]]:
    """Yield the labels of the ion that comes and of the one that it replaces, link by link."""
    following = (*chain.hops[1:], *chain.hops[:1]) if chain.is_ring else chain.hops[1:]
    for hop, other in zip(chain.hops, following, strict=False):
        yield hop.ion_label, other.ion_label


def _unit(direction: Sequence[float] | np.ndarray) -> np.ndarray:
    vector = np.asarray(direction, dtype=float)
    if vector.shape != (3,) or not np.linalg.norm(vector) > 0.0:
        raise SiteError('The direction is a vector of three numbers that is not zero.')
    return vector / np.linalg.norm(vector)
