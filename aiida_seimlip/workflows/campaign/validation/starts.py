"""The starts of the explorations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
    yield from _faults_of_group('structures', structures, species)


def faults_of_bootstrap(inputs: Mapping[str, Any], species: Sequence[str]) -> Iterator[str]:
    """Look for what joins the bootstrap and is no crystal of whole atoms, holds nothing, or other elements."""
    for name, node in inputs.get('bootstrap_structures', {}).items():
        yield from faults_of_structure(f'bootstrap_structures.{name}', node)
    for group in ('bootstrap_structures', 'bootstrap_candidates'):
        yield from _faults_of_group(group, inputs.get(group, {}), species)


def _faults_of_group(group: str, nodes: Mapping[str, orm.Data], species: Sequence[str]) -> Iterator[str]:
    for name, node in nodes.items():
        if not NAME.fullmatch(name):
            yield f'Input `{group}` holds the name {name!r}, but names consist of letters, digits and underscores.'
        if isinstance(node, FramesData) and not node.n_frames:
            yield f'Input `{group}.{name}` holds no frames.'
        yield from faults_of_elements(f'{group}.{name}', node, species)
