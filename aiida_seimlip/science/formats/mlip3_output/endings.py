"""Why a program ended."""

from __future__ import annotations

import re

from aiida_seimlip.science.formats.mlip3_output.search import NUMBER

_BREAK = re.compile(
    rf'(?<!failed: )Breaking threshold exceeded \(MV-grade: ({NUMBER})\)|Exceeded Break Threshold: ({NUMBER})',
    re.IGNORECASE,
)
_MESSAGES = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r'ERROR(?: on proc \d+)?: (?P<message>[^\n]+?)[ \t]*(?:\((?:src|\.\.)/[^\n]*)?$',
        r'^!!!\s+(?P<message>Read a configuration with \(negative\) Stress)\.',
        r'^(?:Rank \d+, )?(?P<message>Atomic number \d+ is not present in the MTP potential!)',
        r'^(?:Rank \d+, )?(?P<message>No selection data provided with MLIP)',
        r'^(?:Rank \d+, )?(?P<message>MaxVol::ReadData\(\): .*)',
        r'^Error: (?P<message>command \S* does not exist)\.',
        r'^\s*(?:mlp \w+: |Error: )(?P<message>\d+ arguments?(?: are| is)? required)',
        r'^(?:Rank \d+, )?(?P<message>Breaking threshold exceeded \(MV-grade: [^)\n]*\))',
        r'^Exception: (?P<message>.*)',
    )
)
_ABORT = re.compile(r'MPI_ABORT was invoked|MPI_Abort\(')
_BANNER = re.compile(
    r'^-{20,}$[\s\S]*?^-{20,}$|^\[[^\]\n]*\] .*$|^Cannot open shared.*$|^\s*WARNING.*$|^.*MPI_Abort\(.*$', re.MULTILINE
)  # of mpirun


def find_error(stdout: str, stderr: str, exit_code: int | None = 0) -> str | None:
    """Return the one message that says why a program ended, without the place in its source code.

    Passing the break threshold has a message, too; see `parse_break`.

    :param exit_code: None if it is unknown. Where it is not zero and no known message is found, what stands on the
        standard error, other than the banners of ``mpirun``, is the message.
    :return: None if there is no message.
    """
    for text in (stderr, stdout):
        found = [match for pattern in _MESSAGES if (match := pattern.search(text))]
        if found:
            message = min(found, key=lambda match: match.start('message')).group('message')
            return ' '.join(message.split())
    rest = [line.strip() for line in _BANNER.sub('', stderr).splitlines() if line.strip()]
    return rest[-1] if exit_code != 0 and rest else None


def parse_break(stderr: str, stdout: str) -> float | None:
    """Return the highest grade at which an exploration passed its break threshold; None if it did not.

    Knows both pair styles, ``mlip`` and ``mtp``, and lines of several MPI ranks that run together. The breaks that
    ``mlp relax`` catches for each configuration do not count.
    """
    grades = [float(one or two) for one, two in _BREAK.findall(f'{stderr}\n{stdout}')]
    return max(grades) if grades else None


def was_aborted(stderr: str) -> bool:
    """Return whether an MPI library says that a program aborted itself, as LAMMPS does for an error on one rank.

    Killed programs do not. What such a program printed last is lost where it goes to a file.
    """
    return _ABORT.search(stderr) is not None
