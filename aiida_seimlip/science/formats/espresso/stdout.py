"""What pw.x prints that is in no other file of it: why it stopped, and which pseudopotentials it read."""

from __future__ import annotations

import re

REFUSING = (
    'read_', 'readpp', 'iosys', 'card', 'setup', 'latgen', 'set_dft', 'init_dft', 'check_', 'bcast', 'input', 'upf',
    'scan_', 'cell_base', 'tabd', 'set_kup', 'kpoint_grid', 'natomwfc', 'parse',
)  # fmt: skip
"""How the names of routines begin that look at the input: what they object to once, they object to every time."""

ERROR = re.compile(r'Error in routine\s+(\S+)\s*\(\s*(-?\d+)\s*\)\s*:\s*\n?\s*(.*?)\s*\n\s*%{5}', re.DOTALL)
POTENTIAL = re.compile(
    r'PseudoPot\. #\s*\d+ for\s+(\S+)\s+read from file:\s*\n\s*(\S+)\s*\n\s*MD5 check sum:\s*([0-9a-f]{32})'
)


def find_error(text: str) -> tuple[str, str] | None:
    """Return the routine of pw.x that stopped it, and its message; None if none says so.

    :param text: of the standard output, or of the file `CRASH`.
    """
    match = ERROR.search(text)
    if match is None:
        return None
    routine, code, message = match.groups()
    return routine, ' '.join(f'{message} ({routine}, {code})'.split())


def is_refusal(routine: str) -> bool:
    """Return whether a routine that stopped pw.x is one of those that look at its input."""
    return routine.lower().startswith(REFUSING)


def read_potentials(text: str) -> dict[str, str]:
    """Return the MD5 sums of the pseudopotentials that pw.x has read, by the names of the species.

    :param text: of the standard output; empty for a version that prints no sums.
    """
    return {species: md5 for species, _, md5 in POTENTIAL.findall(text)}
