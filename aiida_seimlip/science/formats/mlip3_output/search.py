"""Looking for numbers in what a program printed."""

from __future__ import annotations

import re

NUMBER = r'[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf)'
"""How a number may be printed."""


def has_line(text: str, line: str) -> bool:
    """Return whether one line of a text is this one."""
    return re.search(rf'^{re.escape(line)}$', text, re.MULTILINE) is not None


def find_integer(pattern: str, text: str) -> int | None:
    """Return the whole number that a pattern with one group finds, or None."""
    found = re.search(pattern, text, re.MULTILINE)
    return int(found.group(1)) if found else None


def find_float(pattern: str, text: str) -> float | None:
    """Return the number that a pattern with one group finds, or None."""
    found = re.search(pattern, text, re.MULTILINE)
    return float(found.group(1)) if found else None
