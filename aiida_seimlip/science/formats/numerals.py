"""Numbers as files write them."""

from __future__ import annotations


def to_number(word: str) -> float:
    """Return the number that a word is, finite or not.

    Python's ``float`` takes ``1_000`` as well, which no program writes and a damaged file may hold.

    :param word: without blanks inside.
    :raises ValueError: if it is none.
    """
    if '_' in word:
        raise ValueError(f'could not convert string to float: {word!r}')
    return float(word)
