"""``aiida-seimlip frames import``: labelled frames from files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.utils import decorators

from aiida_seimlip.cli.data.storing import store_once
from aiida_seimlip.cli.structure_param import SpeciesParam

if TYPE_CHECKING:
    from aiida_seimlip.exchange.readers.found import Found, ReadOptions

UNKNOWN = 'unknown'
"""What a user types who does not know what calculated the labels."""

FILES = click.argument('files', metavar='FILE...', nargs=-1, required=True, type=click.Path(path_type=Path))
METHOD = click.option(
    '--method', metavar='LABEL',
    help=f'What calculated the labels, such as `PBE` or `GFN1-xTB`, where the file does not say; or `{UNKNOWN}`.',
)  # fmt: skip
SPECIES = click.option(
    '--species', type=SpeciesParam(), metavar='SYMBOLS',
    help='Chemical symbols in type order, such as `Li,C,O`, for files that number their types.',
)  # fmt: skip
KEYS = (
    click.option('--energy-key', metavar='KEY', help='Name of the energy (eV) in the file.'),
    click.option('--forces-key', metavar='KEY', help='Name of the forces (eV/Å) in the file.'),
    click.option('--stress-key', metavar='KEY', help='Name of the stress (eV/Å³, positive under tension) in the file.'),
    click.option('--virial-key', metavar='KEY', help='Name of the virial (−volume · stress, in eV) in the file.'),
    click.option(
        '--ignore', metavar='KEY', multiple=True, help='Leave out what stands under this name; may be repeated.'
    ),
    click.option(
        '--energy-kind', type=click.Choice(('free', 'sigma0')),
        help='`free`: the energies belong to the forces; `sigma0`: they are extrapolated to zero smearing.',
    ),
)  # fmt: skip
"""Options that say what stands where in a file."""


def key_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what stands where in a file."""
    for option in reversed(KEYS):
        function = option(function)
    return function


@click.command('import')
@FILES
@SPECIES
@METHOD
@key_options
@click.option('--label', default='', help='Label of the set; the names of the files by default.')
@click.option('--group', help='Label of a group to add the set to; it is made if it is not there.')
@click.option('--yes', is_flag=True, help='Store it without asking.')
@click.option('-n', '--dry-run', is_flag=True, help='Print what was found, and store nothing.')
@decorators.with_dbenv()
def frames_import(
    files: tuple[Path, ...], species: list[str] | None, method: str | None, label: str, group: str | None, *, yes: bool,
    dry_run: bool, **keys: Any,
) -> None:  # fmt: skip
    """Take in labelled frames from files, as one set.

    Configurations of MLIP (.cfg), extended XYZ, trajectories and databases of ASE, vasprun.xml, OUTCAR, folders of
    DeePMD, and what `frames export` has written; compressed or not. What was found is printed first.
    """
    from aiida_seimlip.cli.data.found import print_found
    from aiida_seimlip.exchange.imports import make_node

    found = read_files(files, make_options(species, method, **keys))
    print_found(found)
    require_method(found, method)
    node = make_node(found, label)
    store_once(
        node, 'The same frames with the same labels are', 'Store them?', f'Stored {node.n_frames} frames',
        yes=yes, dry_run=dry_run, group=group,
    )  # fmt: skip


def make_options(species: Sequence[str] | None, method: str | None, **keys: Any) -> ReadOptions:
    """Return what the user says about files.

    :param species: chemical symbols in type order.
    :param method: what calculated the labels.
    :param keys: values of the options in `KEYS`.
    """
    from aiida_seimlip.exchange.readers.found import LabelKeys, ReadOptions

    return ReadOptions(
        species=tuple(species or ()),
        method='' if method in (None, UNKNOWN) else method.strip(),
        energy_kind=keys.get('energy_kind') or '',
        keys=LabelKeys(
            energy=keys.get('energy_key'), forces=keys.get('forces_key'), stress=keys.get('stress_key'),
            virial=keys.get('virial_key'), ignored=frozenset(keys.get('ignore', ())),
        ),
    )  # fmt: skip


def read_files(files: tuple[Path, ...], options: ReadOptions) -> Found:
    """Read files into one set.

    :raises click.UsageError: if one cannot be taken in.
    """
    from aiida_seimlip.cli.tables import plain
    from aiida_seimlip.exchange.readers.found import ReadError
    from aiida_seimlip.exchange.readers.registry import read_frames

    try:
        return read_frames(files, options)
    except ReadError as exception:
        raise click.UsageError(plain(str(exception))) from exception


def require_method(found: Found, method: str | None) -> None:
    """Ask for what calculated the labels where neither the files nor the user say it.

    :raises click.UsageError: if nobody says it.
    """
    frames = found.frames
    computed = frames.is_computed
    if method or not computed.any():
        return
    if frames.methods is None or (frames.methods[computed] == '').any():
        raise click.UsageError(
            'The files do not say what calculated the labels: name it, such as --method PBE, or say --method '
            f'{UNKNOWN}.'
        )
