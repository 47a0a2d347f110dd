"""Codes for jobs that none was named for: the only one in the profile that fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiida import orm
from aiida.cmdline.utils import echo

PLUGINS = {
    'mlip3': 'seimlip.mlip3.', 'lammps': 'seimlip.lammps', 'ase': 'seimlip.ase', 'vasp': 'vasp.',
    'quantumespresso': 'quantumespresso.pw', 'mace': 'seimlip.mace',
}  # fmt: skip
"""How the default plugins of codes begin that hold the program of an engine."""


def add_only_codes(given: Mapping[str, Any], engines: Mapping[str, str], sockets: Sequence[str]) -> dict[str, Any]:
    """Return codes with those added that are the only ones in the profile for their jobs, and say so.

    :param given: codes by socket.
    :param engines: engine of each socket.
    :param sockets: those that a code is looked for.
    """
    found = dict(given)
    for socket in sockets:
        engine = engines.get(socket)
        if socket in found or engine not in PLUGINS or (socket == 'selection' and 'training' in found):
            continue
        codes = find_codes(PLUGINS[engine])
        if len(codes) == 1:
            found[socket] = codes[0]
            echo.echo_report(f'Code for `{socket}`: {codes[0].full_label}.')
        elif codes:
            labels = ', '.join(sorted(code.full_label for code in codes))
            echo.echo_report(f'Several codes can do `{socket}`: {labels}. Name one, as --code {socket}=CODE.')
    return found


def find_codes(prefix: str) -> list[orm.AbstractCode]:
    """Return the codes in the profile whose default plugin begins so, without those that are hidden.

    :param prefix: of the entry point.
    """
    query = orm.QueryBuilder().append(orm.AbstractCode, filters={'attributes.input_plugin': {'like': f'{prefix}%'}})
    return [code for code in query.all(flat=True) if not code.is_hidden]
