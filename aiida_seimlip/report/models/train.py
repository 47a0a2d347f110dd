"""Report on a `TrainWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.evaluation import read_errors
from aiida_seimlip.options.records import DetailedErrorsRecord, ErrorsRecord
from aiida_seimlip.report import words
from aiida_seimlip.report.models import train_plots as plots
from aiida_seimlip.report.property import PropertyFacts, bullet, known
from aiida_seimlip.report.sections import Figure, NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table

TRAINING = 'training'
HELD_OUT = 'held_out_errors__'
ALL = 'all frames'
MEMBER = 'member_'

ERRORS = (
    Column('n_frames', 'frames'), Column('energy_rmse_mev_per_atom', 'energy RMSE', 'meV/atom'),
    Column('force_rmse_ev_per_angstrom', 'force RMSE', 'eV/Å'), Column('stress_rmse_gpa', 'stress RMSE', 'GPa'),
)  # fmt: skip


class TrainFacts(PropertyFacts):
    """A training and what was found in its nodes."""

    subject_inputs = ()

    @cached_property
    def potential(self) -> PotentialData | None:
        """The output `potential`."""
        node = self.outputs.get('potential')
        return node if isinstance(node, PotentialData) else None

    @cached_property
    def errors(self) -> ErrorsRecord | None:
        """Errors on the training set."""
        node = self.outputs.get('errors')
        return read_errors(node) if isinstance(node, orm.Dict) else None

    @cached_property
    def held_out(self) -> dict[str, DetailedErrorsRecord]:
        """Errors on each held-out set."""
        found = {}
        for name in self.outputs:
            record = self.model(name, DetailedErrorsRecord) if name.startswith(HELD_OUT) else None
            if record is not None:
                found[name.removeprefix(HELD_OUT)] = record
        return found

    @cached_property
    def curves(self) -> dict[str, np.ndarray]:
        """The history, of a committee that of each member."""
        arrays = self.arrays('history')
        members = {name.removeprefix(MEMBER): array for name, array in arrays.items() if name.startswith(MEMBER)}
        return {**arrays, **members}


def train_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on a training as sections; the first one opens a chapter.

    :param node: a `TrainWorkChain`, in any state.
    """
    facts = TrainFacts(node)
    return [_chapter(facts), *_curve(facts), *_errors(facts), *facts.runs()]


def train_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of a training, for a paper or a notebook.

    :param node: a `TrainWorkChain`, in any state.
    """
    facts = TrainFacts(node)
    return [table for table in (errors_table(facts), atoms_table(facts), history_table(facts)) if table.rows]


def errors_table(facts: TrainFacts) -> Table:
    """Return the errors on the training set, and on each held-out set and its compositions.

    :param facts: of a training.
    """
    rows = [] if facts.errors is None else [[Cell(TRAINING), Cell(ALL), *_cells(facts.errors)]]
    for name, record in facts.held_out.items():
        rows.append([Cell(name), Cell(ALL), *_cells(record)])
        parts = record.by_formula if len(record.by_formula) > 1 else {}
        rows += [[Cell(name), Cell(formula), *_cells(part)] for formula, part in parts.items()]
    columns = (Column('set', 'set', is_number=False), Column('which', 'which', is_number=False), *ERRORS)
    return Table('errors', 'Root-mean-square errors', columns, rows)


def atoms_table(facts: TrainFacts) -> Table:
    """Return the energies of isolated atoms that were computed.

    :param facts: of a training.
    """
    node = facts.outputs.get('lone_atoms')
    atoms = node.get_frames().to_atoms() if isinstance(node, FramesData) else []
    rows = [[Cell(image.symbols[0]), Cell(float(image.get_potential_energy()))] for image in atoms]
    columns = (Column('element', 'element', is_number=False), Column('energy_ev', 'energy', 'eV', digits=9))
    return Table('isolated_atoms', 'Energies of isolated atoms by the reference', columns, rows)


def history_table(facts: TrainFacts) -> Table:
    """Return the losses and errors by epoch or iteration, of the first member where there are several.

    :param facts: of a training.
    """
    units = {
        'loss': '', 'validation_loss': '', 'energy_rmse': 'eV/atom', 'force_rmse': 'eV/Å', 'learning_rate': '',
    }  # fmt: skip
    names = [name for name in units if name in facts.curves]
    arrays = [np.atleast_2d(facts.curves[name])[0] for name in names]
    columns = [Column('number', 'number'), *(Column(name, name.replace('_', ' '), units[name]) for name in names)]
    length = min((array.size for array in arrays), default=0)
    rows = [[Cell(number), *(Cell(float(array[number])) for array in arrays)] for number in range(length)]
    return Table('history', 'Learning curve', columns, rows)


def _cells(record: ErrorsRecord) -> list[Cell]:
    values = (record.energy_mev_per_atom, record.force_ev_per_angstrom, record.stress_gpa)
    return [Cell(record.n_frames), *map(Cell, values)]


def _chapter(facts: TrainFacts) -> Section:
    tiles, potential = [], facts.potential
    if facts.errors is not None:
        tiles.append(_tile(facts.errors, 'force error on the training set'))
    tiles += [_tile(record, f'force error on `{name}`') for name, record in facts.held_out.items()]
    if potential is not None and len(potential.members) > 1:
        scale = potential.deviation_scale
        note = 'no scale is known' if scale is None else f'an error is {scale:.2g} times their deviation'
        tiles.append(NumberTile(f'{len(potential.members)}', '', 'members', note))
    tiles.append(facts.time_tile())
    lead = ' '.join(bullet(text) for text in facts.doubts())
    if potential is not None:
        size = '' if potential.n_parameters is None else f' with {potential.n_parameters:,} parameters'
        lead = f'{lead} {potential.family.upper()} for {", ".join(potential.species)}{size}.'.strip()
    return Section(facts.anchor('training'), 'Training', lead, is_chapter=True, tiles=tuple(tiles))


def _tile(record: ErrorsRecord, label: str) -> NumberTile:
    value = words.number(known(record.force_ev_per_angstrom))
    return NumberTile(value, 'eV/Å', label, f'RMSE per component, {record.n_frames} frames')


def _curve(facts: TrainFacts) -> Iterator[Section]:
    if facts.curves.get('loss', np.zeros(0)).size:
        anchor = facts.anchor('curve')
        figure = Figure(plots.learning_curve(facts.curves, anchor), 'Losses and errors as the training went on.')
        yield Section(anchor, 'Learning curve', 'Lines of one colour are the members of a committee.', (figure,))


def _errors(facts: TrainFacts) -> Iterator[Section]:
    tables = tuple(table for table in (errors_table(facts), atoms_table(facts)) if table.rows)
    if tables:
        yield Section(facts.anchor('errors'), 'Errors', 'Of forces and stresses, per component.', tables=tables)
