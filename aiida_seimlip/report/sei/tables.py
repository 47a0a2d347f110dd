"""Tables on what `SeiWorkChain` has found."""

from __future__ import annotations

from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.options.sei.results import PotentialRecord, SeiResults
from aiida_seimlip.report.crystal.relaxation import lattice_table
from aiida_seimlip.report.tables import Cell, Column, Table

ERRORS = (
    Column('n_frames', 'frames'),
    Column('energy_mev_per_atom', 'energy', 'meV/atom', decimals=1),
    Column('force_ev_per_angstrom', 'force, component', 'eV/Å', decimals=3),
    Column('stress_gpa', 'stress, component', 'GPa', decimals=2),
)
ALL = 'all'


def sei_tables(results: SeiResults) -> list[Table]:
    """Return all tables.

    :param results: what was found.
    """
    return [
        table
        for table in (errors_table(results), potentials_table(results), lattice_table(results.lattices))
        if table.rows
    ]


def errors_table(results: SeiResults) -> Table:
    """Return the errors of each potential on fresh frames, by composition.

    :param results: what was found.
    """
    names: dict[str, list[str]] = {}
    for name, formula in results.starts.items():
        names.setdefault(formula, []).append(name)
    rows = []
    for potential, record in results.potentials.items():
        if record.left_out is not None:
            continue
        for formula, errors in record.held_out.formulas.items():
            rows.append([_text(potential), _text(', '.join(names.get(formula, ()))), _text(formula), *_errors(errors)])
        if record.held_out.total is not None:
            rows.append([_text(potential), _text(ALL), _text(''), *_errors(record.held_out.total)])
    caption = (
        f'Errors (root mean square) on fresh frames, from which no potential has learned, against {results.teacher}.'
    )
    return Table(
        'held_out', caption,
        (Column('potential', 'potential', is_number=False), Column('start', 'start', is_number=False),
         Column('formula', 'formula', is_number=False), *ERRORS),
        rows,
    )  # fmt: skip


def potentials_table(results: SeiResults) -> Table:
    """Return what each potential is, and the errors of those on a composition that they have never seen.

    :param results: what was found.
    """
    rows = [
        [
            _text(name), Cell(record.level), Cell(record.n_parameters), Cell(record.n_training),
            _text(record.left_out or ''), *_errors(_on_unseen(record)), _text(record.failure or record.uuid or ''),
        ]
        for name, record in results.potentials.items()
    ]  # fmt: skip
    columns = (
        Column('potential', 'potential', is_number=False), Column('level', 'level'),
        Column('n_parameters', 'parameters'), Column('n_training', 'labels'),
        Column('left_out', 'left out', is_number=False), *ERRORS,
        Column('uuid', 'UUID, or what went wrong', is_number=False, in_paper=False),
    )  # fmt: skip
    return Table(
        'potentials', f'Potentials, and errors against {results.teacher} on a composition that was left out: on fresh '
        'frames if there are any, else on those of the training set.',
        columns, rows,
    )  # fmt: skip


def _on_unseen(record: PotentialRecord) -> ErrorsRecord | None:
    """Return the errors on the composition that was left out."""
    if record.left_out is None:
        return None
    return record.held_out.formulas.get(record.left_out) or record.unseen


def _errors(record: ErrorsRecord | None) -> list[Cell]:
    if record is None:
        return [Cell()] * 4
    return [
        Cell(record.n_frames), Cell(record.energy_mev_per_atom), Cell(record.force_ev_per_angstrom),
        Cell(record.stress_gpa),
    ]  # fmt: skip


def _text(value: str) -> Cell:
    return Cell(value)
