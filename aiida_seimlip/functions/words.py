"""Numbers in the sentences that calcfunctions and processes write."""

from __future__ import annotations

NEARLY = 1e-3
"""A share nearer than this to none or all is said to be so."""


def describe_share(value: float) -> str:
    """Write a share in percent; almost nothing is never written as nothing, nor almost all as all.

    :param value: from 0 to 1.
    """
    if 0 < value < NEARLY:
        return f'less than {100 * NEARLY:g} %'
    if 1 - NEARLY < value < 1:
        return f'more than {100 * (1 - NEARLY):g} %'
    return f'{100 * value:.3g} %'


def describe_part(value: float, things: str) -> str:
    """Write how many of some things there are: ``12 % of the frames``, or ``all frames (100 %)``.

    :param value: their share, from 0 to 1.
    :param things: the noun, in plural.
    """
    return f'all {things} (100 %)' if value >= 1 else f'{describe_share(value)} of the {things}'


def describe_count(n: int, thing: str) -> str:
    """Write a number of things with its noun: ``1 iteration``, ``3 iterations``.

    :param n: how many.
    :param thing: the noun, in singular; its plural ends in s.
    """
    return f'{n} {thing}' if n == 1 else f'{n} {thing}s'
