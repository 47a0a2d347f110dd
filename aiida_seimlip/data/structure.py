"""One configuration from any node that holds one, and what can be wrong with a node that should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiida import orm
from aiida.orm.nodes.data.structure import Kind, Site

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.occupancy import explain_disorder

UNKNOWN = 'X'
"""Symbol of AiiDA and ASE for a site of which nobody says what is there."""


def get_frame(node: orm.Data) -> Frames:
    """Return the one configuration of a node; labels are left out.

    :param node: a structure, or frames.
    :raises ValueError: if there is not exactly one frame, or a site of a structure is not one whole atom.
    """
    if isinstance(node, orm.StructureData):
        fault = explain_sites(node)
        if fault is not None:
            raise ValueError(f'In the structure, {fault}.')
        return Frames.from_atoms([node.get_ase()])  # type: ignore[no-untyped-call]
    assert isinstance(node, FramesData)
    frames: Frames = node.get_frames()
    if len(frames) != 1:
        raise ValueError(f'There are {len(frames)} frames, but exactly one is needed.')
    return frames.without_labels()


def elements_of(node: orm.Data) -> tuple[str, ...]:
    """Return the chemical symbols that occur in a structure or in frames."""
    return node.elements if isinstance(node, FramesData) else tuple(sorted(node.get_symbols_set()))


def occupancies_of(structure: orm.StructureData) -> list[dict[str, float]]:
    """Return what is on each site of a structure: a mapping from element to occupancy.

    :param structure: of any kinds, alloys and vacancies included.
    """
    kinds = {kind.name: dict(zip(kind.symbols, kind.weights, strict=True)) for kind in structure.kinds}
    return [dict(kinds[site.kind_name]) for site in structure.sites]


def explain_sites(structure: orm.StructureData) -> str | None:
    """Say why the sites of a structure are no atoms.

    :param structure: of any kinds.
    :return: part of a sentence, None if each site holds one atom.
    """
    sites = occupancies_of(structure)
    unknown = [index for index, site in enumerate(sites) if UNKNOWN in site]
    if unknown:
        return f'site {unknown[0]} is of the kind `{UNKNOWN}`, which is no element'
    return explain_disorder(sites, [max(site, key=lambda symbol: site[symbol]) for site in sites])


def faults_of_structure(
    name: str, node: orm.Data, *, periodic: str | None = None, moves: bool = False
) -> Iterator[str]:
    """Yield one sentence for each reason why a start cannot be used.

    :param name: of the input, such as `structures.crystal`.
    :param node: a structure, or any number of frames.
    :param periodic: what takes only cells that are periodic in all three directions, such as `LAMMPS`; None if nothing
        does.
    :param moves: whether molecular dynamics begin from it.
    """
    if isinstance(node, orm.StructureData):
        fault = explain_sites(node)
        if fault is not None:
            yield f'Input `{name}` is no crystal of whole atoms: {fault}.'
            return
        pbc, sizes = np.array([node.pbc], dtype=bool), np.array([len(node.sites)])
    elif isinstance(node, FramesData):
        frames = node.get_frames()
        pbc, sizes = frames.pbc, frames.sizes
    else:
        return
    if periodic is not None:
        yield from _faults_of_periodicity(name, pbc, periodic)
    if moves:
        yield from _faults_of_rest(name, sizes)


def _faults_of_periodicity(name: str, pbc: np.ndarray, periodic: str) -> Iterator[str]:
    open_ones = np.flatnonzero(~pbc.all(axis=1))
    if not open_ones.size:
        return
    flags = pbc[open_ones[0]]
    if flags.any():
        seen = f'periodic along {_list([letter for letter, flag in zip("abc", flags, strict=True) if flag])} only'
        remedy = 'keep the vacuum in the cell and set its `pbc` to true in all directions'
    else:
        seen, remedy = 'not periodic', 'put it into a box with vacuum, and set `pbc` to true'
    yield (
        f'Input `{name}`{_which(open_ones, len(pbc))} is {seen}, but {periodic} needs cells that are periodic in all '
        f'three directions: {remedy}.'
    )


def _faults_of_rest(name: str, sizes: np.ndarray) -> Iterator[str]:
    single = np.flatnonzero(sizes == 1)
    if single.size:
        yield (
            f'Input `{name}`{_which(single, len(sizes))} holds one atom, which cannot move against others, so that it '
            'has no temperature: give a supercell (`aiida-seimlip structure supercell`).'
        )


def _which(indices: np.ndarray, n_frames: int) -> str:
    """Return which of the frames are meant, empty if there is one only."""
    if n_frames == 1:
        return ''
    return f' (frame {indices[0]}' + (f' and {indices.size - 1} more)' if indices.size > 1 else ')')


def _list(words: Sequence[Any]) -> str:
    return ' and '.join(map(str, words))


def structure_from_sites(
    cell: np.ndarray, positions: np.ndarray, sites: Sequence[Mapping[str, float]]
) -> orm.StructureData:
    """Return a crystal with kinds whose weights are the occupancies.

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param positions: of the sites in Å; shape (n_sites, 3).
    :param sites: for each site the occupancies by element.
    """
    structure: Any = orm.StructureData(cell=np.asarray(cell).tolist(), pbc=(True, True, True))
    make_kind: Any = Kind
    make_site: Any = Site
    names: dict[tuple[tuple[str, float], ...], str] = {}
    for position, site in zip(positions, sites, strict=True):
        key = tuple(sorted((symbol, min(round(value, 6), 1.0)) for symbol, value in site.items() if value > 0.0))
        if key not in names:
            names[key] = f'{"".join(symbol for symbol, _ in key)}{len(names) + 1}'
            symbols, weights = zip(*key, strict=True)
            structure.append_kind(make_kind(symbols=symbols, weights=weights, name=names[key]))
        structure.append_site(make_site(kind_name=names[key], position=[float(value) for value in position]))
    return structure
