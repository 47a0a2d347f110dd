"""Tables of the distinct sites and hops of a crystal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiida_seimlip.cli.structure.made import numbers, refusals, refuse_unusable

if TYPE_CHECKING:
    from aiida import orm
    from ase import Atoms

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.options.structure.defects import HopOptions
    from aiida_seimlip.science.structures.hops import Hop
    from aiida_seimlip.science.structures.sites import Site

    Structure = FramesData | orm.StructureData


def atoms_of(structure: Structure) -> Atoms:
    """Return the one configuration of a node.

    :raises click.UsageError: if its sites are no atoms.
    """
    from aiida_seimlip.data.structure import get_frame

    refuse_unusable(structure)
    return get_frame(structure).to_atoms()[0]


def print_sites(find: Callable[..., list[Site]], structure: Structure, given: Mapping[str, Any]) -> None:
    """Print the distinct sites of an element.

    :param find: that returns them.
    :param structure: the crystal.
    :param given: options of the command by name, None for those left out.
    """
    from aiida_seimlip.cli.tables import print_table

    names = ('symprec', 'min_room')
    with refusals():
        keywords = {name: given[name] for name in names if given.get(name) is not None}
        sites = find(atoms_of(structure), given['symbol'], **keywords)
    rows = [
        (number, site.symbol, site.multiplicity, numbers(site.fractional), f'{site.room:.3f}', site.nearest)
        for number, site in enumerate(sites)
    ]
    headers = ('Site', 'Element', 'Equivalent', 'Fractional coordinates', 'Room (Å)', 'Nearest')
    print_table(rows, headers, nothing='There is no such site.')


def print_hops(found: list[Hop], fits: list[bool]) -> None:
    """Print hops.

    :param found: the hops.
    :param fits: whether end points of each can be made in the supercell.
    """
    from aiida_seimlip.cli.tables import print_table

    rows = [
        (
            number, numbers(hop.lengths), hop.multiplicity, hop.clearance, hop.angle,
            numbers(hop.legs[0].start), numbers(hop.legs[-1].end), fit,
        )
        for number, (hop, fit) in enumerate(zip(found, fits, strict=True))
    ]  # fmt: skip
    headers = ('Hop', 'Lengths (Å)', 'Equivalent', 'Clearance (Å)', 'Angle (°)', 'From', 'To', 'Fits the cell')
    print_table(rows, headers, nothing='There is no such hop.')


def which_fit(atoms: Atoms, found: list[Hop], options: HopOptions) -> list[bool]:
    """Return whether end points of each hop can be made in the supercell."""
    from aiida_seimlip.science.structures.migration import end_points
    from aiida_seimlip.science.structures.supercells import StructureError

    matrix = options.supercell.matrix_for(atoms)
    fits = []
    for hop in found:
        try:
            end_points(atoms, hop, matrix)
        except StructureError:  # the table says so
            fits.append(False)
        else:
            fits.append(True)
    return fits
