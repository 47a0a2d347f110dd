"""``aiida-seimlip structure slab``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.utils import decorators

from aiida_seimlip.cli.structure.listing import atoms_of
from aiida_seimlip.cli.structure.made import make, numbers, refusals
from aiida_seimlip.cli.structure.options import STRUCTURE, SYMPREC, check_options, known, with_options

if TYPE_CHECKING:
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.science.structures.slabs import Slab


@click.command('slab')
@with_options(
    STRUCTURE,
    click.option('-m', '--miller', type=int, nargs=3, required=True, metavar='H K L', help='Indices of the surface.'),
    click.option('-t', '--termination', type=int, help='Number of the pair of faces. [default: 0]'),
    click.option('--thickness', type=float, metavar='Å', help='Smallest thickness. [default: 15]'),
    click.option('--vacuum', type=float, metavar='Å', help='Between a slab and its image. [default: 15]'),
    click.option('-r', '--repeat', type=int, nargs=2, metavar='N N', help='Repetitions along the surface.'),
    click.option('--stoichiometric/--any-composition', default=None,
                 help='Whether slabs that lack units, with equal faces, are among them. [default: not]'),
    SYMPREC, click.option('-l', '--list', 'only_list', is_flag=True, help='List the terminations, and make nothing.'),
)  # fmt: skip
@decorators.with_dbenv()
def structure_slab(structure: FramesData | orm.StructureData, only_list: bool, **given: Any) -> None:
    """Cut a slab, whose molecules and molecular ions stay whole."""
    from aiida_seimlip.functions.structure.slab import make_slab
    from aiida_seimlip.options.structure.slab import SlabOptions
    from aiida_seimlip.science.structures.slabs import make_slabs

    content = {name: list(value) if isinstance(value, tuple) else value for name, value in known(given).items()}
    options: SlabOptions = check_options(SlabOptions, content)
    if only_list:
        with refusals():
            print_slabs(make_slabs(atoms_of(structure), **options.keywords))
        return
    make(make_slab, SlabOptions, structure, content, describe=_facts)


def print_slabs(slabs: list[Slab]) -> None:
    """Print the terminations of a surface.

    :param slabs: one of each.
    """
    from aiida_seimlip.cli.tables import print_table

    rows = [
        (
            slab.termination, f'{slab.bottom}/{slab.top}', len(slab.atoms), f'{slab.thickness:.2f}', f'{slab.area:.2f}',
            slab.is_symmetric, '?' if slab.dipole_per_area is None else f'{round(slab.dipole_per_area, 3) + 0.0:.3f}',
            '?' if slab.is_polar is None else slab.is_polar, _missing(slab.missing),
        )
        for slab in slabs
    ]  # fmt: skip
    headers = (
        'Number', 'Faces', 'Atoms', 'Thickness (Å)', 'Area (Å²)', 'Equal faces', 'Dipole (e/Å)', 'Polar', 'Lacks',
    )  # fmt: skip
    print_table(rows, headers, nothing='There is no such slab.')


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a user wants to see of a slab at once."""
    return {
        'surface': ' '.join(map(str, record['miller'])), 'faces': f'{record["bottom"]}/{record["top"]}',
        'thickness (Å)': numbers([record['thickness']]), 'equal faces': 'yes' if record['is_symmetric'] else 'no',
        'polar': {True: 'yes', False: 'no', None: 'unknown'}[record['is_polar']],
        'lacks': _missing(record['missing']) or 'nothing',
    }  # fmt: skip


def _missing(units: Mapping[str, int]) -> str:
    return ', '.join(f'{number} {unit}' for unit, number in units.items())
