"""What this package itself writes beside the labels of a frame, in files of any format that keeps names and values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from aiida_seimlip.exchange.readers.found import ENERGY_KINDS, ReadError, Record
from aiida_seimlip.science.features import decode_features

OWN = ('grade', 'md_step', 'origin', 'method', 'energy_kind', 'features')
"""Names of it."""

JSON = '_JSON '
"""What ASE writes in front of a value that is no number and no text."""

_ORIGIN = re.compile(r'([0-9a-f]{8}-[0-9a-f-]{27}):(-?\d+)')


def take_own(record: Record, own: Mapping[str, Any]) -> None:
    """Take over what this package has written; what others write under these names is a feature.

    :param record: the frame; set in place.
    :param own: values of some of the names in `OWN`, as text or as ASE has read them.
    :raises ReadError: if features are damaged.
    """
    for key, value in own.items():
        number = _number(value)
        origin = _ORIGIN.fullmatch(str(value))
        if key == 'grade' and np.isfinite(number):
            record.grade = number
        elif key == 'md_step' and number >= 0 and number == int(number):
            record.step = int(number)
        elif key == 'origin' and origin:
            record.origin = (origin.group(1), int(origin.group(2)))
        elif key == 'method':
            record.method = str(value)
        elif key == 'energy_kind' and value in ENERGY_KINDS:
            record.energy_kind = value
        elif key == 'features' and isinstance(value, Mapping):
            record.features |= {str(name): str(text) for name, text in value.items()}
        elif key == 'features' and str(value).startswith(JSON):
            record.features |= _decode(value.removeprefix(JSON))
        else:
            record.features[key] = str(value)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def _decode(text: str) -> dict[str, str]:
    try:
        return decode_features(text)
    except ValueError as exception:
        raise ReadError(f'`features` is damaged: {exception}') from exception
