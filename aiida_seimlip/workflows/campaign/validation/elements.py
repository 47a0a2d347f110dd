"""Elements: that they are known, and that every one of them occurs in some frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm
from ase.data import atomic_numbers

from aiida_seimlip.data.structure import elements_of

SOURCES = ('structures', 'initial_training', 'bootstrap_structures', 'bootstrap_candidates')
"""Inputs whose frames are learned from."""


def faults_of_species(species: Sequence[Any]) -> Iterator[str]:
    """Look for what is no element, and for elements that are named twice."""
    wrong = [symbol for symbol in species if symbol not in atomic_numbers or symbol == 'X']
    if wrong or not species:
        yield f'Input `species` holds {wrong or "no element"}, but must name chemical elements.'
    elif len(set(species)) < len(species):
        yield f'Input `species` is {list(species)}, but must name each element once.'


def faults_of_coverage(inputs: Mapping[str, Any], species: Sequence[str]) -> Iterator[str]:
    """Look for elements that no potential can learn of, because no frame holds them."""
    nodes = [node for name in SOURCES for node in inputs.get(name, {}).values()]
    present = {element for node in nodes for element in elements_of(node)}
    lacking = [element for element in species if element not in present]
    if nodes and lacking:
        yield (
            f'Input `species` names {", ".join(lacking)}, which occur(s) neither in the input `structures` nor in '
            '`initial_training` or what joins the bootstrap: a potential learns only of elements that it has seen.'
        )


def faults_of_elements(name: str, node: orm.Data, species: Sequence[str]) -> Iterator[str]:
    """Look for elements that the campaign is not for.

    :param name: of the input.
    """
    lacking = [element for element in elements_of(node) if element not in species]
    if lacking:
        yield f'Input `{name}` holds {", ".join(lacking)}, which the input `species` {list(species)} lacks.'
