"""Which files stay out of an archive, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

POTCAR_MARK = b'END of PSCTR-controll parameters'
"""A line of every VASP potential, which no other file of VASP has."""

POTCAR_NODES = ('PotcarFileData',)
"""Nodes that hold a VASP potential in a packed file; `PotcarData` only names one by the hash of its content."""

UPF_NODES = ('UpfData',)
"""Nodes that hold a pseudopotential in UPF: of aiida-pseudo and of aiida-core."""

LICENCE = re.compile(
    rb'licen[sc]ed under the(?: terms of the)?\s+((?:Creative\s+Commons|GNU|MIT|BSD)[\w\s-]{0,80}?'
    rb'(?:\d+\.\d+(?:\s+International)?|Licen[sc]e))',
    re.IGNORECASE,
)
"""How a pseudopotential states its licence, as those of SG15 do."""

POTCAR_REASON = 'VASP potentials are licensed, and must not be passed on'
TRAJECTORY_REASON = 'trajectory of an exploration'
RAW_REASON = 'large raw file of a job'

SLIM_BYTES = 32 * 1024
"""Files of jobs above this size are left out of a slim archive."""

TRAJECTORY = 'trajectory'
RETRIEVED = 'retrieved'
"""Labels of the links to what jobs make."""

SCHEDULER_PREFIX = '_scheduler'
"""How AiiDA names what the scheduler prints, with the time stamps that the report needs."""


@dataclass(frozen=True)
class NodeFacts:
    """What the rules look at.

    :param pk: primary key of the node.
    :param kind: class of the node.
    :param created_as: label of the link from its creator; empty if it has none.
    """

    pk: int
    kind: str
    created_as: str = ''


def is_potcar(content: bytes) -> bool:
    """Tell whether content is that of a VASP potential, or of several.

    :param content: the file, or a part of it that is longer than the mark.
    """
    return POTCAR_MARK in content


def find_licence(content: bytes) -> str:
    """Return the licence that a file states, empty if it states none that is recognised.

    :param content: the file, or its beginning.
    """
    match = LICENCE.search(content)
    return ' '.join(match.group(1).decode('utf-8', 'replace').split()) if match else ''


def reason_to_leave_out(node: NodeFacts, path: str, size: int, *, holds_potcar: bool, slim: bool) -> str:
    """Say why a file stays out of the archive.

    VASP potentials always do. Out of a slim archive stay the trajectories of explorations (the candidates, which were
    chosen from them, and all labelled frames go in) and files above `SLIM_BYTES` that jobs read or wrote; the standard
    output of the scheduler, from which the report takes its times, goes in.

    :param node: that holds the file.
    :param path: of the file in the node.
    :param size: in bytes.
    :param holds_potcar: whether the content was found to be that of a VASP potential.
    :param slim: whether the archive is to be slim.
    :return: the reason; empty if the file goes in.
    """
    name = PurePosixPath(path).name
    if holds_potcar or node.kind in POTCAR_NODES or name.upper().startswith('POTCAR'):
        return POTCAR_REASON
    if not slim:
        return ''
    if node.kind == 'FramesData' and node.created_as == TRAJECTORY:
        return TRAJECTORY_REASON
    is_raw = node.kind == 'CalcJobNode' or node.created_as == RETRIEVED
    if is_raw and size > SLIM_BYTES and not name.startswith(SCHEDULER_PREFIX):
        return RAW_REASON
    return ''
