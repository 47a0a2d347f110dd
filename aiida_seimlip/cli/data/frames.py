"""``aiida-seimlip frames``, also ``verdi data seimlip-frames``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.groups import VerdiCommandGroup
from aiida.cmdline.params import arguments, options, types
from aiida.cmdline.utils import decorators, echo

from aiida_seimlip.cli.data.import_frames import frames_import

if TYPE_CHECKING:
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.science.frames import Frames

FORMATS = ('extxyz', 'cfg', 'npz')
FRAMES = arguments.DATUM(
    'frames', metavar='FRAMES', type=types.DataParamType(sub_classes=('aiida.data:seimlip.frames',))
)


@click.group('frames', cls=VerdiCommandGroup)
def cmd_frames() -> None:
    """Import, list, show and export sets of frames."""


cmd_frames.add_command(frames_import)


@cmd_frames.command('list')
@options.PAST_DAYS()
@click.option(
    '--labelled',
    is_flag=True,
    help='Only sets in which all frames have an energy and forces that no potential predicted.',
)
@click.option(
    '--method', help='Only sets with energies by this method, such as `PBE`; `unknown` for those of no known one.'
)
@click.option(
    '--feature', 'features', multiple=True, metavar='NAME=VALUE',
    help='Only sets with a frame of this feature, such as `config_type=bulk`; may be given several times.',
)  # fmt: skip
@decorators.with_dbenv()
def frames_list(past_days: int | None, labelled: bool, method: str | None, features: tuple[str, ...]) -> None:
    """List the sets of frames in the profile, newest last."""
    from aiida import orm

    from aiida_seimlip.cli.data.potential import since
    from aiida_seimlip.cli.tables import print_table
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.data.labels import describe_method

    filters: dict[str, Any] = {'attributes.is_labelled': True} if labelled else {}
    if method is not None:
        filters['attributes.methods'] = {'has_key': '' if method == 'unknown' else method}
    for feature in features:
        name, mark, value = feature.partition('=')
        if not mark:
            raise click.UsageError(f'The feature `{feature}` is not of the form NAME=VALUE.')
        filters[f'attributes.feature_values.{name}'] = {'has_key': value}
    if past_days is not None:
        filters['ctime'] = {'>': since(past_days)}
    query = orm.QueryBuilder().append(FramesData, filters=filters, project='*').order_by({FramesData: 'ctime'})
    rows = [
        (
            node.pk, node.uuid[:8], node.ctime, node.n_frames, node.formulas, node.is_labelled,
            ', '.join(describe_method(method) for method in node.methods) or None,
            node.base.attributes.get('grade_max'), node.creator.process_label if node.creator else None,
        )
        for node in query.all(flat=True)
    ]  # fmt: skip
    headers = ('PK', 'UUID', 'Created', 'Frames', 'Formulas', 'Labelled', 'Method', 'Highest grade', 'Created by')
    print_table(rows, headers, nothing='There are no frames in this profile.')


@cmd_frames.command('show')
@FRAMES
@click.option('--all', 'show_all', is_flag=True, help='Print a line for every frame, not only for the first 20.')
@decorators.with_dbenv()
def frames_show(frames: FramesData, show_all: bool) -> None:
    """Show what is known about a set, and a line for each frame."""
    from aiida_seimlip.cli.data.card import KINDS
    from aiida_seimlip.cli.data.potential import describe_process
    from aiida_seimlip.cli.tables import print_facts, print_table
    from aiida_seimlip.data.labels import describe_method

    attributes = frames.base.attributes.all
    print_facts(
        f'Frames {frames.pk} ({frames.uuid})',
        {
            'label': frames.label or None, 'created': frames.ctime,
            'created by': describe_process(frames.creator) if frames.creator else None,
            'frames': frames.n_frames, 'atoms': frames.n_atoms, 'formulas': frames.formulas,
            'labelled': f'{attributes["n_labelled"]} of {frames.n_frames}',
            'predicted': f'{frames.n_predicted} of {frames.n_frames}' if frames.n_predicted else None,
            'methods': {describe_method(method): count for method, count in frames.methods.items()} or None,
            'energies': {KINDS[kind]: count for kind, count in frames.energy_kinds.items()} or None,
            **{f'feature {name}': values for name, values in frames.feature_values.items()},
            'energy (eV/atom)': _span(attributes['energy_per_atom_min'], attributes['energy_per_atom_max']),
            'largest force (eV/Å)': attributes['force_max'],
            'shortest distance (Å)': _span(attributes['shortest_distance_min'], attributes['shortest_distance_max']),
            'highest grade': attributes['grade_max'],
        },
    )  # fmt: skip
    packed = frames.get_frames()
    number = len(packed) if show_all else min(20, len(packed))
    echo.echo('')
    print_table(
        [_describe(packed[index], index) for index in range(number)],
        ('Index', 'Formula', 'eV/atom', 'Force', 'Method', 'Grade', 'MD step', 'Origin'), nothing='It holds no frame.',
    )  # fmt: skip
    if number < len(packed):
        echo.echo(f'... and {len(packed) - number} more: use --all to see them.')


@cmd_frames.command('export')
@FRAMES
@click.option('-F', '--format', 'fmt', type=click.Choice(FORMATS), help='Format; by default, by the file name.')
@click.option('-o', '--output-file', type=click.Path(dir_okay=False, path_type=Path), help='File to write.')
@click.option(
    '-s', '--species', help='Chemical symbols in type order for cfg, such as `Li,C,O`; by default, by atomic number.'
)
@options.FORCE(help='Overwrite the file if it is there.')
@decorators.with_dbenv()
def frames_export(
    frames: FramesData, fmt: str | None, output_file: Path | None, species: str | None, force: bool
) -> None:
    """Write frames with all that is known about them to a file.

    extxyz: readable by ASE and many others, labels included. cfg: MLIP-3's format. npz: the packed arrays as they are.
    `frames import` reads each of them again: the same energies, forces, stresses and hashes to the last bit.
    """
    from aiida_seimlip.cli.data.potential import refuse_to_write

    if fmt is None:
        fmt = output_file.suffix.lstrip('.') if output_file else 'extxyz'
        fmt = {'xyz': 'extxyz'}.get(fmt, fmt)
        if fmt not in FORMATS:
            echo.echo_critical(f'The name {output_file} does not tell the format: give --format.')
    path = output_file or Path(f'frames-{frames.pk}.{fmt}')
    refuse_to_write(path, force)
    try:
        note = WRITERS[fmt](path, frames.get_frames(trace=True), species)
    except ValueError as exception:
        echo.echo_critical(str(exception))
    echo.echo_success(f'Wrote {frames.n_frames} frames to {path}{note}.')


# -- parts ------------------------------------------------------------------------------------------------------------


def _write_extxyz(path: Path, frames: Frames, _: str | None) -> str:
    from aiida_seimlip.exchange.writers import write_extxyz_file

    write_extxyz_file(path, frames)
    return ''


def _write_cfg(path: Path, frames: Frames, species: str | None) -> str:
    from aiida_seimlip.exchange.writers import write_cfg_file

    order = [symbol.strip() for symbol in species.split(',')] if species else list(frames.elements)
    for note in write_cfg_file(path, frames, order):
        echo.echo_warning(note)
    return f', types {", ".join(f"{index} = {symbol}" for index, symbol in enumerate(order))}'


def _write_npz(path: Path, frames: Frames, _: str | None) -> str:
    from aiida_seimlip.exchange.writers import write_packed_file

    return f', arrays {", ".join(write_packed_file(path, frames))}'


WRITERS = {'extxyz': _write_extxyz, 'cfg': _write_cfg, 'npz': _write_npz}


def _span(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f'{low:.4f} to {high:.4f}'


def _describe(frame: Frames, index: int) -> tuple[Any, ...]:
    """Return a line of the table for a single frame."""
    import numpy as np

    from aiida_seimlip.data.labels import describe_method

    energy = None if frame.energies is None else float(frame.energies[0] / frame.sizes[0])
    force = None if frame.forces is None else float(np.linalg.norm(frame.forces, axis=1).max())
    grade = None if frame.grades is None else float(frame.grades[0])
    step = None if frame.origin_steps is None or frame.origin_steps[0] < 0 else int(frame.origin_steps[0])
    origin = None
    if frame.origin_uuids is not None and frame.origin_uuids[0] and frame.origin_indices is not None:
        origin = f'{frame.origin_uuids[0][:8]}:{frame.origin_indices[0]}'
    method = None if frame.methods is None or not frame.methods[0] else describe_method(str(frame.methods[0]))
    return index, frame.formulas[0], energy, force, method, grade, step, origin
