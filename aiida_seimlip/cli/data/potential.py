"""``aiida-seimlip potential``, also ``verdi data seimlip-potential``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.groups import VerdiCommandGroup
from aiida.cmdline.params import arguments, options, types
from aiida.cmdline.utils import decorators, echo

from aiida_seimlip.cli.data.import_potential import potential_import

if TYPE_CHECKING:
    from aiida import orm

    from aiida_seimlip.data.potential import PotentialData

POTENTIAL = arguments.DATUM(
    'potential', metavar='POTENTIAL', type=types.DataParamType(sub_classes=('aiida.data:seimlip.potential',))
)


@click.group('potential', cls=VerdiCommandGroup)
def cmd_potential() -> None:
    """Import, list, show and export potentials."""


cmd_potential.add_command(potential_import)


@cmd_potential.command('list')
@options.PAST_DAYS()
@click.option('--trained', is_flag=True, help='Leave out potentials without coefficients.')
@decorators.with_dbenv()
def potential_list(past_days: int | None, trained: bool) -> None:
    """List the potentials in the profile, newest last."""
    from aiida import orm

    from aiida_seimlip.cli.tables import print_table
    from aiida_seimlip.data.learned import training_sets
    from aiida_seimlip.data.potential import PotentialData

    filters: dict[str, Any] = {'attributes.is_trained': True} if trained else {}
    if past_days is not None:
        filters['ctime'] = {'>': since(past_days)}
    query = orm.QueryBuilder().append(PotentialData, filters=filters, project='*').order_by({PotentialData: 'ctime'})
    rows = []
    for node in query.all(flat=True):
        labels = sum(frames.n_frames for frames in training_sets(node))
        errors = training_errors(node)
        rows.append((
            node.pk, node.uuid[:8], node.ctime, node.family, node.level, node.species, node.n_parameters,
            node.is_trained, labels or None, errors.get('energy (meV/atom)'), errors.get('force (eV/Å)'),
        ))  # fmt: skip
    headers = (
        'PK', 'UUID', 'Created', 'Family', 'Level', 'Species', 'Parameters', 'Trained', 'Labels', 'meV/atom', 'eV/Å',
    )  # fmt: skip
    print_table(rows, headers, nothing='There are no potentials in this profile.')


@cmd_potential.command('show')
@POTENTIAL
@decorators.with_dbenv()
def potential_show(potential: PotentialData) -> None:
    """Show what is known about a potential, and what it learned from."""
    from aiida_seimlip.cli.tables import print_facts, print_table
    from aiida_seimlip.data.learned import find_original, training_sets

    creator, original = potential.creator, find_original(potential)
    print_facts(
        f'Potential {potential.pk} ({potential.uuid})',
        {
            'label': potential.label or None, 'created': potential.ctime,
            'created by': describe_process(creator) if creator else None,
            'calibrated copy of': None if original.pk == potential.pk else f'{original.pk} ({original.uuid})',
            'family': potential.family, 'species in type order': potential.species, 'level': potential.level,
            'parameters': potential.n_parameters, 'cut-off (Å)': potential.cutoff,
            'shortest distance (Å)': potential.min_distance, 'trained': potential.is_trained,
            'selection mode': potential.selection_mode, 'precision': potential.dtype, 'version': potential.version,
            'compositions spanned': None if potential.compositions is None else ', '.join(potential.spanned_formulas),
            'file': ', '.join(potential.members),
        },
    )  # fmt: skip
    errors = training_errors(potential)
    if errors:
        echo.echo('')
        print_facts('Root-mean-square errors on its training set', errors)
    if potential.graded_by is not None:
        echo.echo('')
        print_calibration(potential)
    echo.echo('')
    rows = [(node.pk, node.uuid[:8], node.n_frames, node.formulas) for node in training_sets(potential)]
    print_table(
        rows, ('PK', 'UUID', 'Learned from', 'Formulas'), nothing='It was not trained by a job in this profile.'
    )


@cmd_potential.command('export')
@POTENTIAL
@click.option('-o', '--output-file', type=click.Path(dir_okay=False, path_type=Path), help='File to write.')
@click.option('--pickled', is_flag=True, help='Of MACE: the pickled model, as the tools of MACE read it.')
@options.FORCE(help='Overwrite the file if it is there.')
@decorators.with_dbenv()
def potential_export(potential: PotentialData, output_file: Path | None, pickled: bool, force: bool) -> None:
    """Write the potential file, as the program that made it reads it; of a committee a file for each member."""
    names = potential.pickled_files if pickled else list(potential.members)
    if not names:
        raise click.UsageError(f'Potential {potential.pk} holds no pickled model.')
    first = output_file or Path(Path(names[0]).name)
    paths = [first] if len(names) == 1 else [first.with_stem(f'{first.stem}_{i:02d}') for i in range(len(names))]
    if output_file is None:
        paths = [Path(Path(name).name) for name in names]
    for path in paths:
        refuse_to_write(path, force)
    if set(names) & set(potential.pickled_files):
        echo.echo_warning('Loading this model runs any code that it holds: do so only if you know who made it.')
    for path, name in zip(paths, names, strict=True):
        path.write_bytes(potential.base.repository.get_object_content(name, mode='rb'))
        echo.echo_success(f'Wrote {path}: type numbers in the order {" ".join(potential.species)}.')


# -- parts ------------------------------------------------------------------------------------------------------------


def since(past_days: int) -> Any:
    """Return the time so many days ago."""
    import datetime as dt

    return dt.datetime.now(tz=dt.UTC) - dt.timedelta(days=past_days)


def refuse_to_write(path: Path, force: bool) -> None:
    """End the command if there is no folder for a file, or the file is there and was not to be overwritten.

    :raises click.UsageError: if there is no such folder.
    """
    if not path.absolute().parent.is_dir():
        raise click.UsageError(f'There is no folder {path.parent} to write {path.name} to: make it first.')
    refuse_to_overwrite(path, force)


def refuse_to_overwrite(path: Path, force: bool) -> None:
    """End the command if a file is there and was not to be overwritten."""
    if path.exists() and not force:
        echo.echo_critical(f'The file {path} is there already: use --force to overwrite it.')


def describe_process(process: orm.ProcessNode) -> str:
    """Name a process and how it ended."""
    state = process.process_state.value if process.process_state else 'unknown'
    ended = f'{state} [{process.exit_status}]' if process.exit_status is not None else state
    return f'{process.process_label} {process.pk} ({ended})'


def print_calibration(potential: PotentialData) -> None:
    """Print how large errors of forces are at a grade, or that it is not known.

    :param potential: that knows grades.
    """
    from aiida_seimlip.cli.tables import print_facts, print_table

    found = potential.calibration
    if found is None:
        echo.echo('It is not calibrated: how large errors of forces are at a grade is not known.')
        return
    tested = {
        f'below the {100 * one.level:g} %': f'{100 * one.share:.1f} % of the errors on held-out frames '
        f'({100 * one.low:.1f} to {100 * one.high:.1f} with chance)' if one.n_frames else 'not tested'
        for one in found.coverage
    }  # fmt: skip
    whose = {'atom_grade': 'of the atom', 'frame_grade': 'of the frame'}.get(found.abscissa, found.abscissa)
    facts = {'grade': whose, 'frames': found.n_frames, 'atoms': found.n_atoms, 'labelled by': found.method or None}
    print_facts('Calibrated errors of forces |ΔF| (eV/Å)', {**facts, **tested})
    rows = [(edge, *column) for edge, column in zip(found.edges, zip(*found.quantiles, strict=True), strict=True)]
    headers = ('grade up to', *(f'{100 * level:g} % below' for level in found.levels))
    print_table([*rows, (f'> {found.largest:.4g}', *[None] * len(found.levels))], headers, nothing='')


def training_errors(potential: PotentialData) -> dict[str, float]:
    """Return the errors that the training job reported, in the units of their names."""
    from aiida_seimlip.data.learned import find_original

    creator = find_original(potential).creator
    if creator is None or 'errors' not in creator.outputs:
        return {}
    from aiida_seimlip.functions.evaluation import read_errors

    errors = read_errors(creator.outputs.errors)
    values = {
        'energy (meV/atom)': errors.energy_mev_per_atom, 'force (eV/Å)': errors.force_ev_per_angstrom,
        'stress (GPa)': errors.stress_gpa,
    }  # fmt: skip
    return {name: value for name, value in values.items() if value is not None}
