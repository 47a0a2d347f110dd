"""Crystals whose sites are occupied in part, or by several elements: what they state, and why they are no atoms.

A site is a mapping of the elements on it to their occupancies, `{'O': 0.5, 'S': 0.5}`. Only a site with one element and
an occupancy of 1 holds an atom.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ase import Atoms

TOLERANCE = 1e-3
"""Largest difference to 1 of the occupancy of a site that counts as occupied by one atom."""

ARRAYS = ('occupancy', 'occupancies', 'occupation')
"""Names of arrays in which files with a column for it have the occupancy of each atom; all 0 is nothing said."""

HOW_TO_ORDER = '`aiida-seimlip structure order` makes ordered cells of it'

Site = Mapping[str, float]


def read_occupancies(atoms: Atoms) -> list[dict[str, float]] | None:
    """Return what is on the site of each atom, as ASE's reader of CIF notes it, or as an array has it.

    ASE keeps a site with several elements as one atom of the most frequent one, and a site that is occupied in part as
    a whole atom; what the file has said is in ``info['occupancy']``, by kind, and the kind of each atom in the array
    ``spacegroup_kinds``.

    :param atoms: as read from a file.
    :return: a mapping from element to occupancy for each atom; None if nothing is said about occupancies.
    """
    symbols = atoms.get_chemical_symbols()
    for name in ARRAYS:
        values = atoms.arrays.get(name)
        if values is not None and values.ndim == 1 and values.dtype.kind in 'fiu' and values.any():
            return [{symbol: float(value)} for symbol, value in zip(symbols, values, strict=True)]
    stated = atoms.info.get('occupancy')
    if not isinstance(stated, Mapping) or not stated:
        return None
    if not all(str(kind).isdecimal() and isinstance(site, Mapping) for kind, site in stated.items()):
        return None  # something else of that name
    by_kind = {int(kind): _read_site(site) for kind, site in stated.items()}
    kinds: Any = atoms.arrays.get('spacegroup_kinds')
    if kinds is None and len(by_kind) == len(atoms):
        kinds = range(len(atoms))
    if kinds is None or any(int(kind) not in by_kind for kind in kinds):
        return list(by_kind.values())  # who is where is lost, but not that there is disorder
    return [by_kind[int(kind)] for kind in kinds]


def _read_site(site: Mapping[str, Any]) -> dict[str, float]:
    """Return the occupancies of a site; one that is not given (`.` or `?` in a CIF) is 1, its default."""
    occupancies = {}
    for label, value in site.items():
        match = re.match(r'[A-Z][a-z]?', str(label))
        symbol = match[0] if match else str(label)
        try:
            occupancies[symbol] = 1.0 if value in (None, '.', '?') else float(value)
        except (TypeError, ValueError):
            occupancies[symbol] = 1.0
    return occupancies


def is_whole(site: Site) -> bool:
    """Return whether a site holds exactly one atom.

    :param site: occupancies by element.
    """
    present = [value for value in site.values() if value > TOLERANCE]
    return len(present) == 1 and abs(present[0] - 1.0) <= TOLERANCE


def explain_disorder(sites: Sequence[Site], whole: Iterable[str]) -> str | None:
    """Say why sites are no atoms.

    :param sites: occupancies by element, for each site.
    :param whole: chemical symbols of the atoms that would be taken for the sites.
    :return: part of a sentence with the composition stated, that of whole atoms, and what to do; None if each site
        holds one atom.
    """
    partial = [(index, site) for index, site in enumerate(sites) if not is_whole(site)]
    if not partial:
        return None
    index, site = partial[0]
    first = ', '.join(f'{symbol} {value:.4g}' for symbol, value in site.items())
    verb = 'is' if len(partial) == 1 else 'are'
    return (
        f'{len(partial)} of {len(sites)} sites {verb} occupied in part or by several elements (site {index}: {first}): '
        f'stated is {formula(sites)}, whole atoms would be {formula([{symbol: 1.0} for symbol in whole])}; '
        f'{HOW_TO_ORDER}'
    )


def explain_occupancies(atoms: Atoms) -> str | None:
    """Say why atoms that were read from a file are not what the file states.

    :param atoms: as read.
    :return: part of a sentence, see `explain_disorder`; None if each site holds one atom, as far as is known.
    """
    sites = read_occupancies(atoms)
    return None if sites is None else explain_disorder(sites, atoms.get_chemical_symbols())


def composition(sites: Iterable[Site]) -> dict[str, float]:
    """Return how many atoms of each element sites hold on average, in Hill order.

    :param sites: occupancies by element.
    """
    counts: dict[str, float] = defaultdict(float)
    for site in sites:
        for symbol, value in site.items():
            counts[symbol] += value
    first = ('C', 'H') if 'C' in counts else ()
    return {symbol: counts[symbol] for symbol in sorted(counts, key=lambda s: (s not in first, s)) if counts[symbol]}


def formula(sites: Iterable[Site]) -> str:
    """Return the chemical formula of sites in Hill order, with up to three decimals: ``Li2O1.5S0.5``.

    :param sites: occupancies by element.
    """
    counts = composition(sites)
    return ''.join(symbol + ('' if text == '1' else text) for symbol, text in _texts(counts))


def _texts(counts: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(symbol, f'{count:.3f}'.rstrip('0').rstrip('.')) for symbol, count in counts.items()]
