"""What the files of crystallographers state beside positions: symmetry and composition, and whether atoms fit it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.data import atomic_numbers

from aiida_seimlip.science.structures.occupancy import composition, formula, read_occupancies

SYMMETRY = re.compile(r'_(space_group|symmetry)[_.](name_(h-m|hall)|it_number|int_tables|symop|equiv_pos)')
"""Tags that state the symmetry, in small letters."""

TOLERANCE = 0.05
"""Largest difference, as a share, between numbers of atoms that are stated and that come of the sites."""


def compare_with_statements(path: Path, images: list[Atoms]) -> tuple[str | None, list[str]]:
    """Compare structures with what their file states.

    :param path: of the CIF.
    :param images: as ASE has read them, one for each block.
    :return: why they cannot be used, if they cannot (part of a sentence), and what to tell the user.
    """
    from ase.io.cif import parse_cif

    notes = []
    with path.open('rb') as handle:
        blocks = [block for block in parse_cif(handle) if block.has_structure()]
    if len(blocks) != len(images):
        return None, []
    for block, atoms in zip(blocks, images, strict=True):
        tags: Mapping[str, Any] = dict(block)
        has_symmetry = any(SYMMETRY.match(tag) for tag in tags)
        difference = _difference(tags, atoms)
        if difference and not has_symmetry:
            return f'states no symmetry, and its sites alone are not all: {difference}', []
        if not has_symmetry:
            notes.append(f'It states no symmetry: its {len(atoms)} sites are taken for all there are.')
        elif difference:
            notes.append(f'Its sites do not make the composition that it states: {difference}.')
    return None, notes


def _difference(tags: Mapping[str, Any], atoms: Atoms) -> str | None:
    """Return how the composition stated differs from that of the sites; None if it does not, or is not stated."""
    stated = _parse_formula(tags.get('_chemical_formula_sum'))
    if not stated:
        return None
    sites = read_occupancies(atoms) or [{symbol: 1.0} for symbol in atoms.get_chemical_symbols()]
    found = composition(sites)
    units = tags.get('_cell_formula_units_z')
    if not isinstance(units, int | float) or not units > 0:
        units = sum(found.values()) / sum(stated.values())
    symbols = set(stated) | set(found)
    if all(
        abs(stated.get(s, 0.0) * units - found.get(s, 0.0)) <= TOLERANCE * max(1.0, found.get(s, 0.0)) for s in symbols
    ):
        return None
    text = ''.join(f'{symbol}{count:g}' for symbol, count in stated.items())
    return f'stated is {text} ({units:.4g} times in the cell), the sites make {formula(sites)}'


def _parse_formula(text: Any) -> dict[str, float]:
    counts: dict[str, float] = {}
    for symbol, number in re.findall(r'([A-Z][a-z]?)\s*(\d*\.?\d*)', str(text or '')):
        if symbol not in atomic_numbers:
            return {}
        counts[symbol] = counts.get(symbol, 0.0) + float(number or 1)
    return counts
