"""``aiida-seimlip structure``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.groups import VerdiCommandGroup
from aiida.cmdline.utils import decorators, echo

from aiida_seimlip.cli.launch.types import StructureParam

if TYPE_CHECKING:
    from aiida import orm
    from ase import Atoms

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.options.structure.defects import HopOptions
    from aiida_seimlip.science.structures.hops import Hop
    from aiida_seimlip.science.structures.sites import Site

    Structure = FramesData | orm.StructureData

MECHANISMS = ('vacancy', 'interstitial_direct', 'interstitial_knock_off', 'frenkel_pair_generation')

STRUCTURE = click.argument('structure', type=StructureParam(), metavar='STRUCTURE')
SYMBOL = click.option('-s', '--symbol', default='Li', show_default=True, help='Element of the atom.')
LIST = click.option('-l', '--list', 'only_list', is_flag=True, help='List the distinct sites, and make nothing.')
MIN_ROOM = click.option(
    '--min-room', type=float, metavar='Å', help='Smallest distance from an interstitial to an atom. [default: 1.2]'
)
SUPERCELL = (
    click.option('-r', '--repeat', type=int, nargs=3, metavar='N N N', help='Repetitions along the three vectors.'),
    click.option('--matrix', type=int, nargs=9, metavar='N...', help='Supercell matrix, nine numbers, row by row.'),
    click.option('--edge', type=float, metavar='Å', help='Repeat until every edge is at least so long.'),
)
SYMPREC = click.option(
    '--symprec', type=float, metavar='Å', help='How far an atom may be from its symmetric place. [default: 0.01]'
)


def _with(*decorations: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that applies several, in the order in which their help is shown."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decoration in reversed(decorations):
            function = decoration(function)
        return function

    return decorate


@click.group('structure', cls=VerdiCommandGroup)
def cmd_structure() -> None:
    """Make supercells, point defects, and the end points of hops.

    STRUCTURE is a node with one structure (PK, UUID or label), or a file that ASE reads. Sites and hops are numbered
    from 0, and told apart by the space group of the crystal: give the perfect cell, and the supercell as an option.
    """


@cmd_structure.command('supercell')
@_with(STRUCTURE, *SUPERCELL)
@decorators.with_dbenv()
def structure_supercell(
    structure: Structure, repeat: Sequence[int] | None, matrix: Sequence[int] | None, edge: float | None
) -> None:
    """Repeat a cell."""
    cell = _supercell(repeat, matrix, edge)
    if not cell:
        raise click.UsageError('Give --repeat, --matrix or --edge.')
    from aiida_seimlip.functions.structure.defects import make_supercell
    from aiida_seimlip.options.structure.defects import SupercellOptions

    _make(make_supercell, SupercellOptions, structure, cell)


@cmd_structure.command('vacancy')
@_with(
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
        _print_sites(occupied_sites, structure, given)
        return
    _make(make_vacancy, VacancyOptions, structure, _parameters(given))


@cmd_structure.command('interstitial')
@_with(
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
        _print_sites(empty_sites, structure, {'min_room': 1.2, **_known(given)})
        return
    _make(make_interstitial, InterstitialOptions, structure, _parameters(given))


@cmd_structure.command('frenkel')
@_with(
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

    _make(make_frenkel_pair, FrenkelPairOptions, structure, _parameters(given))


@cmd_structure.command('hops')
@_with(
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
    from aiida_seimlip.science.structures.supercells import StructureError

    parameters = _parameters(given)
    options: HopOptions = _check(HopOptions, parameters)
    if numbers:
        for number in numbers:
            _make(make_end_points, HopOptions, structure, {**parameters, 'number': number})
        return
    atoms = _atoms_of(structure)
    try:
        found = find_hops(atoms, options)
        _print_hops(found, _which_fit(atoms, found, options))
    except StructureError as exception:
        echo.echo_critical(str(exception))


# -- parts ------------------------------------------------------------------------------------------------------------


def _supercell(
    repeat: Sequence[int] | None, matrix: Sequence[int] | None, edge: float | None
) -> dict[str, list[int] | list[list[int]] | float]:
    """Return the options of a supercell; none if it was not asked for."""
    given = [
        name for name, value in (('--repeat', repeat), ('--matrix', matrix), ('--edge', edge)) if value is not None
    ]
    if len(given) > 1:
        raise click.UsageError(f'Give only one of {" and ".join(given)}.')
    if repeat is not None:
        return {'matrix': list(repeat)}
    if matrix is not None:
        return {'matrix': [list(matrix[row : row + 3]) for row in (0, 3, 6)]}
    return {} if edge is None else {'smallest_edge': edge}


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given as the content of a model in `options.defects`."""
    rest = dict(given)
    cell = _supercell(*(rest.pop(name) for name in ('repeat', 'matrix', 'edge')))
    known = {name: list(value) if isinstance(value, tuple) else value for name, value in _known(rest).items()}
    return {**known, **({'supercell': cell} if cell else {})}


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _check(model: Any, parameters: Mapping[str, Any]) -> Any:
    """Return the options, or end with the sentence that says what is wrong with them."""
    fault = model.explain(parameters, 'options')
    if fault is not None:
        raise click.UsageError(fault)
    return model.from_node(parameters)


def _make(function: Callable[..., Any], model: Any, structure: Structure, parameters: Mapping[str, Any]) -> None:
    """Run a calcfunction and print what it made."""
    from aiida import orm

    from aiida_seimlip.cli.tables import print_facts
    from aiida_seimlip.science.structures.supercells import StructureError

    complete = _check(model, parameters).to_dict()
    try:
        made = function(structure, orm.Dict(complete))
    except StructureError as exception:
        echo.echo_critical(str(exception))
    record = made.pop('record')
    print_facts(_title(record.get_dict()), {**_facts(record.get_dict()), 'record': f'Dict {record.pk}'})
    for name, node in made.items():
        echo.echo_success(f'{name}: FramesData {node.pk} ({", ".join(node.formulas)})')


def _title(record: Mapping[str, Any]) -> str:
    kind = record.get('kind') or f'{record["mechanism"]}, hop {record["number"]}'
    return str(kind).replace('_', ' ').capitalize()


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a record that a user wants to see at once."""
    cell = record['supercell']
    facts: dict[str, Any] = {'atoms': cell['n_atoms'], 'cells': cell['n_cells'], 'edges (Å)': _numbers(cell['edges'])}
    for change in record.get('changes', ()):
        origin = '' if change['origin'] is None else f' from {_numbers(change["origin"])}'
        sites = '' if change['multiplicity'] is None else f', one of {change["multiplicity"]} equivalent in the cell'
        facts[change['action']] = (
            f'{change["symbol"]} (index {change["index"]}){origin} at {_numbers(change["position"])} Å{sites}'
        )
    for number, atom in enumerate(record.get('moved', ())):
        facts[f'moves ({number + 1})'] = (
            f'{atom["symbol"]} (index {atom["index"]}, {atom["role"]}) by {atom["length"]:.3f} Å'
        )
    if record.get('removed'):
        facts['missing'] = ', '.join(
            f'{atom["symbol"]} at {_numbers(atom["position"])} Å' for atom in record['removed']
        )
    return facts


def _numbers(values: Iterable[float]) -> str:
    return ' '.join(f'{value:.3f}' for value in values)


def _atoms_of(structure: Structure) -> Atoms:
    from aiida_seimlip.data.structure import get_frame

    return get_frame(structure).to_atoms()[0]


def _print_sites(find: Callable[..., list[Site]], structure: Structure, given: Mapping[str, Any]) -> None:
    from aiida_seimlip.cli.tables import print_table
    from aiida_seimlip.science.structures.supercells import StructureError

    names = ('symprec', 'min_room')
    try:
        keywords = {name: given[name] for name in names if given.get(name) is not None}
        sites = find(_atoms_of(structure), given['symbol'], **keywords)
    except StructureError as exception:
        echo.echo_critical(str(exception))
    rows = [
        (number, site.symbol, site.multiplicity, _numbers(site.fractional), f'{site.room:.3f}', site.nearest)
        for number, site in enumerate(sites)
    ]
    headers = ('Site', 'Element', 'Equivalent', 'Fractional coordinates', 'Room (Å)', 'Nearest')
    print_table(rows, headers, nothing='There is no such site.')


def _print_hops(found: list[Hop], fits: list[bool]) -> None:
    from aiida_seimlip.cli.tables import print_table

    rows = [
        (
            number, _numbers(hop.lengths), hop.multiplicity, hop.clearance, hop.angle,
            _numbers(hop.legs[0].start), _numbers(hop.legs[-1].end), fit,
        )
        for number, (hop, fit) in enumerate(zip(found, fits, strict=True))
    ]  # fmt: skip
    headers = ('Hop', 'Lengths (Å)', 'Equivalent', 'Clearance (Å)', 'Angle (°)', 'From', 'To', 'Fits the cell')
    print_table(rows, headers, nothing='There is no such hop.')


def _which_fit(atoms: Atoms, found: list[Hop], options: HopOptions) -> list[bool]:
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
