"""``aiida-seimlip structure``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.groups import VerdiCommandGroup
from aiida.cmdline.utils import decorators

from aiida_seimlip.cli.structure.listing import atoms_of, print_hops, print_sites, which_fit
from aiida_seimlip.cli.structure.made import make, refusals
from aiida_seimlip.cli.structure.options import (
    LIST,
    MECHANISMS,
    MIN_ROOM,
    STRUCTURE,
    SUPERCELL,
    SYMBOL,
    SYMPREC,
    check_options,
    known,
    parameters_of,
    supercell_of,
    with_options,
)
from aiida_seimlip.cli.structure.order import structure_order
from aiida_seimlip.cli.structure.slab import structure_slab

if TYPE_CHECKING:
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.options.structure.defects import HopOptions

    Structure = FramesData | orm.StructureData


@click.group('structure', cls=VerdiCommandGroup)
def cmd_structure() -> None:
    """Make supercells, slabs, ordered cells, point defects, and the end points of hops.

    STRUCTURE is a node with one structure (PK, UUID or label), or a file. Sites and hops are numbered
    from 0, and told apart by the space group of the crystal: give the perfect cell, and the supercell as an option.
    """


@cmd_structure.command('supercell')
@with_options(STRUCTURE, *SUPERCELL)
@decorators.with_dbenv()
def structure_supercell(
    structure: Structure, repeat: Sequence[int] | None, matrix: Sequence[int] | None, edge: float | None
) -> None:
    """Repeat a cell."""
    cell = supercell_of(repeat, matrix, edge)
    if not cell:
        raise click.UsageError('Give --repeat, --matrix or --edge.')
    from aiida_seimlip.functions.structure.defects import make_supercell
    from aiida_seimlip.options.structure.defects import SupercellOptions

    make(make_supercell, SupercellOptions, structure, cell)


@cmd_structure.command('vacancy')
@with_options(
    STRUCTURE, SYMBOL, click.option('--site', type=int, help='Number of the distinct site. [default: 0]'), *SUPERCELL,
    SYMPREC, LIST,
)  # fmt: skip
@decorators.with_dbenv()
def structure_vacancy(structure: Structure, only_list: bool, **given: Any) -> None:
    """Remove one atom."""
    from aiida_seimlip.functions.structure.defects import make_vacancy
    from aiida_seimlip.options.structure.defects import VacancyOptions
    from aiida_seimlip.science.structures.sites import occupied_sites

    if only_list:
        print_sites(occupied_sites, structure, given)
        return
    make(make_vacancy, VacancyOptions, structure, parameters_of(given))


@cmd_structure.command('interstitial')
@with_options(
    STRUCTURE, SYMBOL, click.option('--site', type=int, help='Number of the distinct empty site. [default: 0]'),
    click.option('--position', type=float, nargs=3, metavar='X Y Z', help='Fractional coordinates instead of a site.'),
    MIN_ROOM, *SUPERCELL, SYMPREC, LIST,
)  # fmt: skip
@decorators.with_dbenv()
def structure_interstitial(structure: Structure, only_list: bool, **given: Any) -> None:
    """Add one atom where there is room."""
    from aiida_seimlip.functions.structure.defects import make_interstitial
    from aiida_seimlip.options.structure.defects import InterstitialOptions
    from aiida_seimlip.science.structures.sites import empty_sites

    if given['site'] is not None and given['position'] is not None:
        raise click.UsageError('Give either --site or --position.')
    if only_list:
        print_sites(empty_sites, structure, {'min_room': 1.2, **known(given)})
        return
    make(make_interstitial, InterstitialOptions, structure, parameters_of(given))


@cmd_structure.command('frenkel')
@with_options(
    STRUCTURE, SYMBOL,
    click.option('--vacancy-site', type=int, help='Number of the distinct site that the atom leaves. [default: 0]'),
    click.option('--interstitial-site', type=int, help='Number of the empty site that it goes to. [default: 0]'),
    click.option('--separation', type=float, metavar='Å', help='How far apart the two are, as nearly. [default: 4]'),
    MIN_ROOM, *SUPERCELL, SYMPREC,
)  # fmt: skip
@decorators.with_dbenv()
def structure_frenkel(structure: Structure, **given: Any) -> None:
    """Move one atom from its place to an empty site."""
    from aiida_seimlip.functions.structure.defects import make_frenkel_pair
    from aiida_seimlip.options.structure.defects import FrenkelPairOptions

    make(make_frenkel_pair, FrenkelPairOptions, structure, parameters_of(given))


@cmd_structure.command('hops')
@with_options(
    STRUCTURE, SYMBOL,
    click.option('-m', '--mechanism', type=click.Choice(MECHANISMS), default='vacancy', show_default=True,
                 help='How the atoms migrate.'),
    click.option('-n', '--number', 'numbers', type=int, multiple=True,
                 help='Of the hop to make end points for; can be given again. Without it, the hops are listed.'),
    click.option('--site', type=int, help='Number of the empty site that an interstitial leaves.'),
    click.option('--to-site', type=int, help='Number of the empty site in the end; by default an equivalent one.'),
    click.option('--max-length', type=float, metavar='Å', help='Longest displacement of an atom.'),
    click.option('--min-length', type=float, metavar='Å', help='Shortest displacement, of a Frenkel pair.'),
    click.option('--min-angle', type=float, metavar='°', help='Smallest angle of a knock-off; 180 is straight on.'),
    click.option('--direction', type=float, nargs=3, metavar='U V W', help='In which a Frenkel pair forms.'),
    click.option('--max-angle', type=float, metavar='°', help='Largest angle to that direction.'),
    MIN_ROOM, *SUPERCELL, SYMPREC,
)  # fmt: skip
@decorators.with_dbenv()
def structure_hops(structure: Structure, numbers: tuple[int, ...], **given: Any) -> None:
    """List the distinct hops of a crystal, or make the end points of some of them."""
    from aiida_seimlip.functions.structure.defects import find_hops, make_end_points
    from aiida_seimlip.options.structure.defects import HopOptions

    parameters = parameters_of(given)
    options: HopOptions = check_options(HopOptions, parameters)
    if numbers:
        for number in numbers:
            make(make_end_points, HopOptions, structure, {**parameters, 'number': number})
        return
    with refusals():
        atoms = atoms_of(structure)
        found = find_hops(atoms, options)
        print_hops(found, which_fit(atoms, found, options))


cmd_structure.add_command(structure_order)
cmd_structure.add_command(structure_slab)
