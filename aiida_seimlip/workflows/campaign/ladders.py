"""In which order explorations are run: what has to be survived before a higher temperature is tried.

A *ladder* is a list of rungs, a rung a list of explorations by their keys. A rung may be run when all explorations of
the rungs before it have survived; different ladders do not wait for each other, unless some are held back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest

ALL = 'all'
"""Name of the ladder that all starts climb together."""

Ladder = Sequence[Sequence[str]]


def build_ladders(
    planned: Mapping[str, tuple[str, int]], levels: Sequence[Sequence[int]], first: Mapping[str, int], *, each: bool
) -> dict[str, list[list[str]]]:
    """Return the ladders of an iteration.

    A new potential is first tried where the last one failed, then above, and only then where the last one passed: each
    ladder begins at the level that it broke at.

    :param planned: name of the start and index of the condition, by the key of the exploration.
    :param levels: groups of conditions by index, the lowest temperature first.
    :param first: level to begin with, by the name of the ladder; 0 where there is none.
    :param each: whether each start has a ladder of its own, by the name of which that is known.
    """
    level_of = {index: number for number, level in enumerate(levels) for index in level}
    rungs: dict[str, list[list[str]]] = {}
    for key, (start, index) in planned.items():
        rungs.setdefault(start if each else ALL, [[] for _ in levels])[level_of[index]].append(key)
    begin = {name: first.get(name, 0) for name in rungs}
    return {
        name: [rung for rung in [*found[begin[name] :], *found[: begin[name]]] if rung]
        for name, found in rungs.items()
    }  # fmt: skip


def open_runs(ladders: Mapping[str, Ladder], survived: Collection[str]) -> Iterator[str]:
    """Yield all explorations that may be run, the lower rungs of all ladders first.

    :param survived: keys of the explorations that came to their end.
    """
    for rungs in zip_longest(*(_open_rungs(ladder, survived) for ladder in ladders.values()), fillvalue=()):
        for rung in rungs:
            yield from rung


def hold_back(
    ladders: Mapping[str, Ladder], climbed: Collection[str], survived: Collection[str]
) -> Mapping[str, Ladder]:
    """Return the ladders without those that were climbed before, unless all others have been climbed as well.

    :param climbed: names of the ladders that an earlier potential has climbed to the end.
    :param survived: keys of the explorations that came to their end.
    """
    others = {name: ladder for name, ladder in ladders.items() if name not in climbed}
    return ladders if all(_is_climbed(ladder, survived) for ladder in others.values()) else others


def climbed_ladders(
    ladders: Mapping[str, Ladder], climbed: Collection[str], tried: Collection[str], survived: Collection[str]
) -> list[str]:
    """Return the names of the ladders that were climbed to the end the last time that they were tried.

    :param climbed: names of those of which that was true before.
    :param tried: keys of the explorations that have ended in any way.
    :param survived: keys of those that came to their end.
    """
    found = set(climbed)
    for name, ladder in ladders.items():
        if any(key in tried for rung in ladder for key in rung):
            found = found | {name} if _is_climbed(ladder, survived) else found - {name}
    return sorted(found)


def broken_levels(
    planned: Mapping[str, tuple[str, int]], levels: Sequence[Sequence[int]], broken: Collection[str], *, each: bool
) -> dict[str, int]:
    """Return the level at which each ladder broke, by its name: the lowest one, where there are several.

    :param planned: as in `build_ladders`.
    :param levels: as in `build_ladders`.
    :param broken: keys of the explorations that did not come to their end.
    """
    found: dict[str, int] = {}
    for start, index in (planned[key] for key in broken):
        name, level = start if each else ALL, next(i for i, level in enumerate(levels) if index in level)
        found[name] = min(level, found.get(name, level))
    return found


def _is_climbed(ladder: Ladder, survived: Collection[str]) -> bool:
    return all(key in survived for rung in ladder for key in rung)


def _open_rungs(ladder: Ladder, survived: Collection[str]) -> Iterator[Sequence[str]]:
    for rung in ladder:
        yield rung
        if not all(key in survived for key in rung):
            return
