"""Tables on what `SeiWorkChain` has found."""

from __future__ import annotations

from collections.abc import Iterator

from aiida_seimlip.options.crystal.lattice import EXPERIMENT
from aiida_seimlip.options.crystal.results import DeviationRecord, LatticeRecord, PhaseRecord
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.options.sei.results import PotentialRecord, SeiResults
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
    return [table for table in (errors_table(results), potentials_table(results), lattice_table(results)) if table.rows]


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


def lattice_table(results: SeiResults) -> Table:
    """Return the lattice of each crystal at the minimum of each model, and how far it is from others.

    :param results: what was found.
    """
    comparison = results.lattices
    rows = []
    name = None if comparison is None else comparison.teacher
    for phase in comparison.phases if comparison is not None else ():
        if phase.experiment is not None:
            rows.append([_text(phase.name), _text(EXPERIMENT), *_lattice(phase.experiment), *[Cell()] * 9])
        for model, record in phase.models.items():
            rows.append([_text(phase.name), _text(model), *_model(phase, model, record, name)])
    teacher = None if comparison is None else comparison.methods.get(name or '')
    return Table(
        'lattices', f'Lattices at the minima of the models; deviations are from the teacher, {teacher or "none"}.',
        (
            Column('crystal', 'crystal', is_number=False), Column('model', 'model', is_number=False),
            Column('a_angstrom', 'a', 'Å', decimals=3), Column('b_angstrom', 'b', 'Å', decimals=3),
            Column('c_angstrom', 'c', 'Å', decimals=3), Column('beta_degrees', 'β', '°', decimals=1),
            Column('a_percent', 'Δa', '%', decimals=1), Column('b_percent', 'Δb', '%', decimals=1),
            Column('c_percent', 'Δc', '%', decimals=1), Column('beta_difference_degrees', 'Δβ', '°', decimals=1),
            Column('volume_percent', 'ΔV', '%', decimals=1),
            Column('experiment_volume_percent', 'ΔV, experiment', '%', decimals=1),
            Column('grade', 'grade', digits=2), Column('learned', 'in the training set', is_number=False),
            Column('remark', 'remark', is_number=False, in_paper=False),
        ),
        rows,
    )  # fmt: skip


def _model(phase: PhaseRecord, model: str, record: LatticeRecord, teacher: str | None) -> Iterator[Cell]:
    """Yield the cells of a model behind its name."""
    found = phase.deviations.get(model, {})
    yield from _lattice(record.cellpar)
    yield from _deviation(found.get(teacher or ''))
    experiment = found.get(EXPERIMENT)
    yield Cell(None if experiment is None else experiment.volume)
    yield Cell(record.grade)
    yield _text('' if model == teacher else 'yes' if model in phase.learned_by else 'no')
    yield _text(explain_minimum(record))


def explain_minimum(record: LatticeRecord) -> str:
    """Say what is wrong with a minimum; empty if nothing is.

    :param record: of a crystal and a model.
    """
    if record.cellpar is None:
        return record.failure or 'there is no minimum'
    faults = [] if record.is_converged else [f'not converged in {record.n_steps} steps']
    if record.keeps_symmetry is False:
        faults.append(f'space group {record.space_group}, which is another one')
    return '; '.join(faults)


def _lattice(cellpar: list[float] | None) -> list[Cell]:
    return [Cell()] * 4 if cellpar is None else [Cell(cellpar[index]) for index in (0, 1, 2, 4)]


def _deviation(record: DeviationRecord | None) -> list[Cell]:
    if record is None:
        return [Cell()] * 5
    return [Cell(value) for value in (record.a, record.b, record.c, record.beta, record.volume)]


def _errors(record: ErrorsRecord | None) -> list[Cell]:
    if record is None:
        return [Cell()] * 4
    return [
        Cell(record.n_frames), Cell(record.energy_mev_per_atom), Cell(record.force_ev_per_angstrom),
        Cell(record.stress_gpa),
    ]  # fmt: skip


def _text(value: str) -> Cell:
    return Cell(value)
