"""Changes to valid files, and what a reader may make of them.

Each change is one of four kinds: neutral (what editors do), cut off, a number that became none, and noise. A reader
must give the same after the first, complete frames from the begin after the second, nothing but frames of the valid
file after the third, and finite numbers after the last; or refuse the file in its own words.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from aiida_seimlip.science.frames import Frames

VARIANTS = int(os.environ.get('SEIMLIP_FUZZ_VARIANTS', '100'))
"""Number of variants of each file; more are for a machine with time."""

NUMBER = re.compile(rb'(?<![\w.+-])[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w.])')
NONSENSE = (b'nan', b'-inf', b'1e999', b'1_0', b'x', b'\xff', b'', b'--3', b'0x1', b'*****', b'1,5')
BYTE_ORDER_MARK = b'\xef\xbb\xbf'

Values = list[tuple[bytes, ...]]
"""What counts of each frame, in a form that can be compared."""


@dataclass(frozen=True)
class Valid:
    """A valid file.

    :param content: of the file.
    :param read: reads content and returns what counts of each frame; raises `errors` if it refuses it.
    :param errors: in which a reader refuses a file.
    :param nonsense: words that are no numbers there.
    :param is_text: whether the changes of editors do no harm.
    :param takes_mark: whether a byte order mark does no harm.
    :param tells_end: whether a last number that was cut off can be known from one that was not.
    """

    content: bytes
    read: Callable[[bytes], Values]
    errors: tuple[type[Exception], ...]
    nonsense: tuple[bytes, ...] = NONSENSE
    is_text: bool = True
    takes_mark: bool = True
    tells_end: bool = True


class Variant(NamedTuple):
    """A file that was changed, and how."""

    kind: str
    content: bytes


def values_of(frames: Frames) -> Values:
    """Return what counts of each frame: atoms, positions, cell, energy, forces and stress."""
    assert np.isfinite(frames.positions).all() and np.isfinite(frames.cells).all()
    return [
        tuple(
            np.asarray(value).tobytes()
            for value in (one.numbers, one.positions, one.cells, one.pbc, one.energies, one.forces, one.stresses)
            if value is not None
        )
        for one in frames
    ]  # fmt: skip


def variants(valid: Valid, seed: str, count: int = VARIANTS) -> Iterator[Variant]:
    """Yield changed files, the same for the same seed."""
    chance = random.Random(seed)
    if valid.is_text:
        yield Variant('neutral', valid.content.replace(b'\n', b'\r\n'))
        yield Variant('neutral', valid.content + b'\n \n')
    if valid.is_text and valid.takes_mark:
        yield Variant('neutral', BYTE_ORDER_MARK + valid.content)
    numbers = [match.span() for match in NUMBER.finditer(valid.content)]
    for _ in range(count):
        kind = chance.choice(('cut', 'nonsense', 'nonsense', 'noise') if valid.nonsense else ('cut', 'noise'))
        if kind == 'cut':
            yield Variant(kind, valid.content[: chance.randrange(len(valid.content))])
        elif kind == 'nonsense':
            start, stop = chance.choice(numbers)
            yield Variant(kind, valid.content[:start] + chance.choice(valid.nonsense) + valid.content[stop:])
        else:
            yield Variant(kind, _noise(valid.content, chance))


def check(valid: Valid, variant: Variant, whole: Values) -> bool:
    """Assert that a reader makes of a changed file what it may; return whether it was read.

    :param whole: what counts of the frames of the valid file.
    """
    try:
        found = valid.read(variant.content)
    except valid.errors as exception:
        assert variant.kind != 'neutral', exception
        message = str(exception)
        assert message and '\n' not in message and len(message) < 600, message
        return False
    if variant.kind == 'neutral':
        assert found == whole
    elif variant.kind == 'cut':
        sure = found if valid.tells_end else found[:-1]
        assert sure == whole[: len(sure)]
    elif variant.kind == 'nonsense':
        rest = iter(whole)
        assert all(frame in rest for frame in found), 'a number that is none became a value'
    return True


def _noise(content: bytes, chance: random.Random) -> bytes:
    """Change some bytes, or lines."""
    if chance.random() < 0.5:
        place = chance.randrange(len(content))
        return content[:place] + chance.randbytes(chance.randrange(6)) + content[place + chance.randrange(6) :]
    lines = content.splitlines(keepends=True)
    for _ in range(chance.randint(1, 3)):
        one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
        change = chance.choice(('swap', 'repeat', 'drop'))
        if change == 'swap':
            lines[one], lines[two] = lines[two], lines[one]
        elif change == 'repeat':
            lines.insert(one, lines[two])
        elif len(lines) > 1:
            del lines[one]
    return b''.join(lines)
