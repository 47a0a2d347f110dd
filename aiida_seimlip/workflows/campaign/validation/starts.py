"""The starts of the explorations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import faults_of_structure
from aiida_seimlip.workflows.campaign.validation.elements import faults_of_elements

NAME = re.compile(r'[A-Za-z](\w*[A-Za-z0-9])?', re.ASCII)
"""What AiiDA takes as the name of an input."""


def faults_of_starts(structures: Mapping[str, orm.Data]) -> Iterator[str]:
    """Look for starts that no exploration can begin from, whatever the other inputs are.

    :param structures: by name.
    """
    for name, node in structures.items():
        yield from faults_of_structure(f'structures.{name}', node, periodic='the exploration', moves=True)


def faults_of_structures(structures: Mapping[str, orm.Data], species: Sequence[str]) -> Iterator[str]:
    """Look for names that AiiDA does not take, and for starts without frames or of other elements."""
    if not structures:
        yield 'Input `structures` is empty: at least one start is needed.'
    for name, node in structures.items():
        if not NAME.fullmatch(name):
            yield f'Input `structures` holds the name {name!r}, but names consist of letters, digits and underscores.'
        if isinstance(node, FramesData) and not node.n_frames:
            yield f'Input `structures.{name}` holds no frames.'
        yield from faults_of_elements(f'structures.{name}', node, species)
