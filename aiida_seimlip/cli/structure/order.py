"""``aiida-seimlip structure order``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.utils import decorators, echo

from aiida_seimlip.cli.file_params import POTENTIAL_OR_FILE, take_potential
from aiida_seimlip.cli.structure.options import SUPERCELL, check_options, known, supercell_of, with_options
from aiida_seimlip.cli.structure_param import SPECIES_KEY, StructureParam, print_notes

if TYPE_CHECKING:
    from aiida import orm

    from aiida_seimlip.data.potential import PotentialData


class DisorderedParam(StructureParam):
    """As `StructureParam`, for crystals whose sites are occupied in part or by several elements."""

    def _read(
        self, path: Path, index: int | None, param: click.Parameter | None, ctx: click.Context | None
    ) -> orm.StructureData:  # fmt: skip
        from aiida_seimlip.data.structure import structure_from_sites
        from aiida_seimlip.exchange.structures import StructureFileError, read_structures
        from aiida_seimlip.science.structures.occupancy import read_occupancies

        try:
            found = read_structures(path, index=index, is_single=True, allow_disorder=True)
            (atoms,) = found.images
            sites = read_occupancies(atoms)
            if not atoms.pbc.all():
                raise StructureFileError(f'The file {path} holds no crystal: it is not periodic in all directions.')
            if sites is None or len(sites) != len(atoms):
                raise StructureFileError(f'The file {path} states no occupancies: there is nothing to order.')
            node = structure_from_sites(atoms.cell.array, atoms.positions, sites)
        except ValueError as exception:
            self.fail(str(exception), param, ctx)
        print_notes(path, found)
        node.label = path.name
        return node


class ChargesParam(click.ParamType):
    """Oxidation states, as ``Li=1,O=-2``."""

    name = 'element=charge,...'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        """Split the pairs and check them."""
        from ase.data import atomic_numbers

        if not isinstance(value, str):
            return dict(value)
        charges: dict[str, float] = {}
        for pair in value.split(','):
            symbol, _, number = (part.strip() for part in pair.partition('='))
            try:
                charges[symbol] = float(number)
            except ValueError:
                self.fail(f'`{pair}` is not of the form ELEMENT=CHARGE, such as `Li=1`.', param, ctx)
            if symbol not in atomic_numbers or symbol == 'X':
                self.fail(f'`{symbol}` is not an element.', param, ctx)
        return charges


@click.command('order')
@with_options(
    click.argument('structure', type=DisorderedParam(), metavar='STRUCTURE'), *SUPERCELL,
    click.option('-n', '--number', type=click.IntRange(1), help='Cells to keep. [default: 5]'),
    click.option('--seed', type=click.IntRange(0), help='Of a search, where they are too many. [default: 0]'),
    click.option('--oxidation-states', type=ChargesParam(), help='By default common ones that make it neutral.'),
    click.option('--potential', type=POTENTIAL_OR_FILE,
                 help='Rank by this potential, or its file, instead of the energy of the charges.'),
    click.option('--min-distance', type=float, metavar='Å', help='Nearer sites are not both occupied. [default: 1]'),
    click.option('--max-enumerated', type=click.IntRange(1), help='Look at all of up to so many. [default: 20000]'),
    click.option('--round', 'rounded', is_flag=True, default=None, help='Take the nearest whole numbers of atoms.'),
)  # fmt: skip
@decorators.with_dbenv()
def structure_order(structure: orm.Data, potential: PotentialData | Path | None, **given: Any) -> None:
    """Make ordered cells of a crystal with partial occupancies, split sites or shared sites.

    All arrangements that differ by symmetry are looked at, or the best of a search are taken where there are too many.
    They are stored as structures, the lowest energy of their charges (or of the potential) first.
    """
    from aiida import orm

    from aiida_seimlip.functions.structure.ordering import explain_ordering, order_crystal
    from aiida_seimlip.options.structure.ordering import OrderingOptions

    if not isinstance(structure, orm.StructureData):
        raise click.UsageError('Frames hold whole atoms: there is nothing to order.')
    supercell = supercell_of(*(given.pop(name) for name in ('repeat', 'matrix', 'edge')))
    parameters = {**known(given), **({'supercell': supercell} if supercell else {})}
    complete = check_options(OrderingOptions, parameters).to_dict()
    options = OrderingOptions.from_node(complete)
    species = click.get_current_context().meta.get(SPECIES_KEY) or ()
    model = take_potential(potential, species) if potential is not None else None
    fault = explain_ordering(structure, options, model)
    if fault is not None:
        raise click.UsageError(fault)
    extra = {} if model is None else {'potential': model}
    outputs, node = order_crystal.run_get_node(structure, orm.Dict(complete), **extra)
    if not node.is_finished_ok:
        raise click.UsageError(str(node.exit_message))
    made: Any = outputs
    _print(made['record'], [made['ordered'][name] for name in sorted(made['ordered'])])


def _print(record: orm.Dict, structures: Sequence[orm.StructureData]) -> None:
    from aiida_seimlip.cli.tables import print_facts, print_table

    content = record.get_dict()
    charges = ', '.join(f'{symbol} {value:+g}' for symbol, value in content['oxidation_states'].items())
    counted = content['n_arrangements'] is not None
    print_facts('Ordering', {
        'stated': content['stated'], 'cells': content['supercell']['n_cells'],
        'oxidation states': charges, 'arrangements': content['n_arrangements'] if counted else 'too many to count',
        'distinct': content['n_distinct'], 'record': f'Dict {record.pk}',
    })  # fmt: skip
    for note in content['notes']:
        echo.echo_warning(note)
    cells = content['cells']
    names = {'electrostatic_energy': 'Charges (meV/atom)', 'predicted_energy': 'Potential (meV/atom)'}
    known_names = [name for name in names if cells[0][name] is not None]
    rows: list[list[Any]] = []
    for node, cell in zip(structures, cells, strict=True):
        size = len(node.sites)
        above = [1e3 * (cell[name] - min(other[name] for other in cells)) / size for name in known_names]
        rows.append([f'StructureData {node.pk}', cell['formula'], size, cell['degeneracy'], *above])
    headers = ['Node', 'Formula', 'Atoms', 'Equivalent', *(names[name] for name in known_names)]
    print_table(rows, headers, nothing='There is no ordered cell.')
