"""What the files of crystallographers state beside positions: symmetry and composition, and whether atoms fit it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.data import atomic_numbers

from aiida_seimlip.science.structures.occupancy import composition, explain_occupancies, formula, read_occupancies

SYMMETRY = re.compile(r'_(space_group|symmetry)[_.](name_(h-m|hall)|it_number|int_tables|symop|equiv_pos)')
"""Tags that state the symmetry, in small letters."""

TOLERANCE = 0.05
"""Largest difference, as a share, between numbers of atoms that are stated and that come of the sites."""


def compare_with_statements(path: Path, images: list[Atoms], said: Iterable[str] = ()) -> tuple[str | None, list[str]]:
    """Compare structures with what their file states.

    :param path: of the CIF.
    :param images: as ASE has read them, one for each block.
    :param said: warnings of ASE.
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
        shared = None if '_atom_site_occupancy' in tags else _shared(said, block.get_symbols())
        difference, is_another = _difference(tags, atoms)
        if shared is not None:
            return shared, []
        if difference and not has_symmetry:
            return f'states no symmetry, and its sites alone are not all: {difference}', []
        if is_another and explain_occupancies(atoms) is None:
            return f'has sites that do not make the composition that it states: {difference}', []
        if not has_symmetry:
            notes.append(f'It states no symmetry: its {len(atoms)} sites are taken for all there are.')
        elif difference:
            notes.append(f'Its sites do not make the composition that it states: {difference}.')
    return None, notes


def _shared(said: Iterable[str], symbols: Sequence[str]) -> str | None:
    """Return what is wrong where a reader has found different elements on one site, and has left all but one out."""
    for text in said:
        match = re.search(r'scaled_positions (\d+) and (\d+) are equivalent', text)
        if match is None:
            continue
        one, other = int(match[1]), int(match[2])
        if max(one, other) < len(symbols) and symbols[one] != symbols[other]:
            names = f'{symbols[one]} and {symbols[other]}'
            return f'puts {names} on one site (its sites {one} and {other}), and no occupancies'
    return None


def _difference(tags: Mapping[str, Any], atoms: Atoms) -> tuple[str | None, bool]:
    """Compare the composition stated with that of the sites.

    :return: how they differ, None if they do not, or nothing is stated; and whether it is not only in the number of
        formula units.
    """
    stated = _parse_formula(tags.get('_chemical_formula_sum'))
    if not stated:
        return None, False
    sites = read_occupancies(atoms) or [{symbol: 1.0} for symbol in atoms.get_chemical_symbols()]
    found = composition(sites)
    share = sum(found.values()) / sum(stated.values())
    units = tags.get('_cell_formula_units_z')
    if not isinstance(units, int | float) or not units > 0:
        units = share
    if _is_same(stated, units, found):
        return None, False
    text = ''.join(f'{symbol}{count:g}' for symbol, count in stated.items())
    differ = f'stated is {text} ({units:.4g} times in the cell), the sites make {formula(sites)}'
    return differ, not _is_same(stated, share, found)


def _is_same(stated: Mapping[str, float], units: float, found: Mapping[str, float]) -> bool:
    return all(
        abs(stated.get(symbol, 0.0) * units - found.get(symbol, 0.0)) <= TOLERANCE * max(1.0, found.get(symbol, 0.0))
        for symbol in {*stated, *found}
    )


def _parse_formula(text: Any) -> dict[str, float]:
    counts: dict[str, float] = {}
    for symbol, number in re.findall(r'([A-Z][a-z]?)\s*(\d*\.?\d*)', str(text or '')):
        if symbol not in atomic_numbers:
            return {}
        counts[symbol] = counts.get(symbol, 0.0) + float(number or 1)
    return counts
