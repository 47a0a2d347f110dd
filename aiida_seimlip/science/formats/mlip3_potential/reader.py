"""Reading of a potential: its text, and its active set if it has one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_potential.active_set import ACTIVE_SET_MARK, ActiveSetReader
from aiida_seimlip.science.formats.mlip3_potential.text import TextReader
from aiida_seimlip.science.formats.source import load_source
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

_DAMAGED = (
    'The line ends of this file were changed (CRLF), which damages the numbers of the active set: take the file as '
    'MLIP wrote it, or leave out all from `#MVS_v1.1` on.'
)


def read_almtp(
    source: str | Path | BinaryIO | bytes, species: Sequence[str] | None = None, *, name: str | None = None
) -> MomentTensorPotential:
    """Read a potential of MLIP-3 or MLIP-2: a template, a checkpoint, or a trained one with or without active set.

    Without ``#MVS_v1.1`` a potential has no active set, be it that it was cut off there, or that MLIP-2 keeps the
    active set in a file of its own.

    :param source: path, open binary file, or content.
    :param species: chemical symbols in type order; None stands for the first elements (H, He, ...). A template takes
        any number of species, whatever its ``species_count``.
    :param name: name of the file for messages; by default its path.
    :raises FormatError: if the content is not sound, or the potential has another number of species.
    """
    data, name = load_source(source, name)
    mark = data.find(ACTIVE_SET_MARK)
    other = re.search(rb'\n#[^\n]{0,40}', data if mark < 0 else data[:mark])
    if other:
        version = other.group().strip().decode('ascii', 'backslashreplace')
        if version == ACTIVE_SET_MARK.strip().decode():
            raise FormatError(_DAMAGED, name=name, byte=other.start() + 1)
        message = f'`{version}` begins an active set of an unknown version.'
        raise FormatError(message, name=name, byte=other.start() + 1)
    potential = TextReader(data if mark < 0 else data[:mark], name).potential(species)
    if mark < 0:
        return potential
    if not potential.is_trained:
        raise FormatError('There is an active set, but no coefficients.', name=name, byte=mark + 1)
    return potential.replace(active_set=ActiveSetReader(data, mark + len(ACTIVE_SET_MARK), name, potential).read())
