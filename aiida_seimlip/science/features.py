"""What else is known about a frame, such as where it was filed: names and values as text, packed as JSON."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

LABEL_FEATURES = ('EFS_by',)
"""Features that say who labelled a frame: they go when its labels go."""

MAX_VALUES = 20
"""The values of a feature are counted if there are no more of them than this: more are no classes, but numbers."""

MAX_LENGTH = 100
"""A value that is longer is not counted: it is a text."""


def encode_features(features: Mapping[str, Any]) -> str:
    """Return features as JSON, empty if there are none.

    :param features: values by name; what is no text is written as Python writes it.
    :raises ValueError: if a name or value holds what databases cannot store: a null character, or half of a letter of
        two (a surrogate), which Python leaves of bytes that it cannot read.
    """
    if not features:
        return ''
    text = {str(name): value if isinstance(value, str) else f'{value}' for name, value in features.items()}
    for name, value in text.items():
        if '\x00' in name or '\x00' in value:
            raise ValueError(f'The feature {name!r} of a frame holds a null character.')
        if not (name + value).isascii() and any('\ud800' <= letter <= '\udfff' for letter in name + value):
            raise ValueError(f'The feature {name!r} of a frame is {value!r}, which is no text.')
    return json.dumps(text, sort_keys=True)


def decode_features(packed: str) -> dict[str, str]:
    """Return the features that `encode_features` wrote.

    :raises ValueError: if it is not a JSON object of texts.
    """
    if not packed:
        return {}
    features = json.loads(str(packed))
    if not isinstance(features, dict) or not all(isinstance(value, str) for value in features.values()):
        raise ValueError(f'{packed!r} is not a JSON object of texts.')
    return features


def without_label_features(packed: Iterable[str]) -> list[str]:
    """Return packed features without those that say who labelled the frames."""
    return [
        encode_features({name: value for name, value in decode_features(each).items() if name not in LABEL_FEATURES})
        for each in packed
    ]


def count_values(packed: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return how often each value of each feature occurs, for those features that sort frames into few classes.

    :param packed: features of each frame.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for text, number in Counter(str(each) for each in packed).items():
        for name, value in decode_features(text).items():
            counts[name][value] += number
    return {
        name: dict(sorted(values.items())) for name, values in sorted(counts.items())
        if len(values) <= MAX_VALUES and all(len(value) <= MAX_LENGTH for value in values)
    }  # fmt: skip
