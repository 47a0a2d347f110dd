"""``aiida-seimlip potential import``: a potential from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.utils import decorators, echo

from aiida_seimlip.cli.data.import_frames import METHOD, SPECIES
from aiida_seimlip.cli.data.storing import store_once
from aiida_seimlip.cli.file_params import FRAMES_OR_FILE

if TYPE_CHECKING:
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.data.potential import PotentialData
    from aiida_seimlip.science.frames import Frames

FILE = click.argument('file', metavar='FILE', type=click.Path(path_type=Path))


@click.command('import')
@FILE
@SPECIES
@click.option(
    '--training', type=FRAMES_OR_FILE,
    help='The frames that it was trained on, or a file of them: its errors on them are printed, and it is refused if '
    'they are not those of such a potential.',
)  # fmt: skip
@METHOD
@click.option('--cutoff', type=click.FloatRange(min=0, min_open=True), help='Cut-off in Å, for a model of MACE.')
@click.option('--trust', is_flag=True, help='Take a model that can run any code: you know who made it.')
@click.option('--label', help='Label of the potential; the name of the file by default.')
@click.option('--group', help='Label of a group to add it to; it is made if it is not there.')
@click.option('--yes', is_flag=True, help='Store it without asking.')
@click.option('-n', '--dry-run', is_flag=True, help='Print what was found, and store nothing.')
@decorators.with_dbenv()
def potential_import(
    file: Path, species: list[str] | None, training: FramesData | Path | None, label: str | None, group: str | None, *,
    method: str | None, cutoff: float | None, trust: bool, yes: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Take in a potential from a file.

    A moment tensor potential of MLIP-3 or MLIP-2 (.almtp, .mtp), trained or not, with or without its active set; or a
    model of MACE, which is not looked into: in TorchScript (`..._compiled.model`), which loads without running the code
    of others, or pickled (.model), which is taken with --trust only.
    """
    from aiida_seimlip.cli.file_params import find_order, take_frames

    frames = None if training is None else take_frames(training, species or (), method).get_frames()
    order: Sequence[str] = species or ()
    if frames is not None and not species and file.is_file():
        order = find_order(file, frames)
    node = read_file(file, order, cutoff=cutoff, is_trusted=trust)
    node.label = label or node.label
    print_potential(node)
    if frames is not None:
        check_errors(node, frames)
    store_once(
        node, 'The same potential is', 'Store it?', 'Stored the potential', yes=yes, dry_run=dry_run, group=group
    )  # fmt: skip


def read_file(
    path: Path, species: Sequence[str] | None, *, cutoff: float | None = None, is_trusted: bool = False
) -> Any:
    """Return a node, not stored yet, that holds a potential from a file.

    :param path: of the file.
    :param species: chemical symbols in type order.
    :param cutoff: in Å, for a model that is not looked into.
    :param is_trusted: whether the user knows who made a model that can run any code.
    :raises click.UsageError: if it cannot be taken in.
    """
    from aiida_seimlip.cli.tables import plain
    from aiida_seimlip.exchange.potentials import PotentialOptions, read_potential
    from aiida_seimlip.exchange.readers.found import ReadError

    try:
        return read_potential(path, PotentialOptions(tuple(species or ()), cutoff, is_trusted))
    except ReadError as exception:
        raise click.UsageError(plain(str(exception))) from exception


def print_potential(node: PotentialData) -> None:
    """Print what was found in a file."""
    from aiida_seimlip.cli.tables import print_facts
    from aiida_seimlip.exchange.imports import EXTRA

    source = node.base.extras.get(EXTRA)['files'][0]
    modes = {'nbh': 'of neighbourhoods', 'cfg': 'of configurations'}
    print_facts(
        f'Found {source["kind"]}',
        {
            'file': source['name'], 'SHA-256': source['sha256'][:12], 'species in type order': list(node.species),
            'level': node.level, 'parameters': node.n_parameters, 'cut-off (Å)': node.cutoff,
            'shortest distance (Å)': node.min_distance, 'trained': node.is_trained,
            'active set': modes.get(node.selection_mode or '', 'none') if node.family == 'mtp' else None,
        },
    )  # fmt: skip
    if node.family == 'mtp' and not node.is_trained:
        echo.echo_warning('It has no coefficients: it is a template, to be trained.')
    elif node.family == 'mtp' and node.selection_mode is None:
        echo.echo_warning('It has no active set, so that it gives no extrapolation grades until one is made.')


def check_errors(node: PotentialData, frames: Frames) -> None:
    """Print the errors of a potential on the frames that it was trained on.

    :raises click.UsageError: if they are so large that it cannot have been trained on them.
    """
    from aiida_seimlip.functions.campaign.review import MAX_ATOMS, describe, explain_errors, explain_order
    from aiida_seimlip.functions.evaluation import predict_errors, sample
    from aiida_seimlip.science.analysis.spread import find_spread
    from aiida_seimlip.science.frames import FramesError

    labelled = frames[frames.labelled]
    if not node.is_trained or not len(labelled):
        raise click.UsageError(
            'The potential is not trained, so that it has no errors.' if len(labelled) else
            'No frame of --training is labelled, so that there is nothing to compare with.'
        )  # fmt: skip
    some = sample(labelled, MAX_ATOMS)
    try:
        errors = predict_errors(node, some)
    except FramesError as exception:
        raise click.UsageError(f'The potential cannot be evaluated on --training: {exception}') from exception
    if errors is None:
        echo.echo_warning(f'Potentials of the family `{node.family}` are not evaluated here.')
        return
    echo.echo_report(f'Errors on {len(some)} of {len(frames)} frames: {describe(errors)}.')
    fault = explain_order(node, some) or explain_errors(errors, None, find_spread(some))
    if fault is not None:
        raise click.UsageError(f'{fault[0].upper()}{fault[1:]}')
