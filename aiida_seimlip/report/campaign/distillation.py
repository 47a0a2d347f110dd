"""Report on a `DistillationWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from functools import cached_property

from aiida import orm

from aiida_seimlip.options.campaign.distillation_results import AlignmentRecord, DistillationResults, RoundRecord
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.report import words
from aiida_seimlip.report.property import PropertyFacts, bullet
from aiida_seimlip.report.sections import NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table


class DistillationFacts(PropertyFacts):
    """A distillation and what was found in its nodes."""

    subject_inputs = ()

    @cached_property
    def results(self) -> DistillationResults | None:
        """The output `results`."""
        return self.model('results', DistillationResults)

    @property
    def rounds(self) -> list[RoundRecord]:
        """The rounds in order."""
        return [] if self.results is None else self.results.rounds

    @property
    def judged(self) -> list[RoundRecord]:
        """The rounds in which the reference made labels."""
        return [record for record in self.rounds if record.teacher is not None]


def distillation_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on a distillation as sections; the first one opens a chapter.

    :param node: a `DistillationWorkChain`, in any state.
    """
    facts = DistillationFacts(node)
    return [_chapter(facts), _rounds(facts), _labels(facts), _shift(facts), _doubts(facts), *facts.runs()]


def distillation_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of a distillation, for a paper or a notebook.

    :param node: a `DistillationWorkChain`, in any state.
    """
    facts = DistillationFacts(node)
    if facts.results is None:
        return []
    alignment = [] if facts.results.alignment is None else [shift_table(facts.results.alignment)]
    return [rounds_table(facts.rounds), labels_table(facts.results), *alignment]


def rounds_table(rounds: list[RoundRecord]) -> Table:
    """Return what was bought in each round, and the errors of teacher and student on it.

    :param rounds: in order.
    """
    columns = [
        Column('round', 'round'), Column('fresh', 'fresh'), Column('chosen', 'by MaxVol'), Column('failed', 'failed'),
        Column('labels', 'in all'),
        *(
            Column(f'{who}_{what}', f'{who}, {name}', unit)
            for who in ('teacher', 'student')
            for what, name, unit in (('force', 'forces', 'eV/Å'), ('energy', 'energies', 'meV/atom'))
        ),
        Column('within', 'within bounds', is_number=False), Column('tuned', 'teacher trained', is_number=False),
        Column('weight', 'weight'), Column('converged', 'explorations survive', is_number=False),
    ]  # fmt: skip
    rows = [
        [
            Cell(one.round), Cell(one.n_fresh), Cell(one.n_chosen), Cell(one.n_failed), Cell(one.n_reference),
            *_errors(one.teacher), *_errors(one.student), Cell(_said(one.accepted if one.teacher else None)),
            Cell(_said(one.tuned if one.teacher else None)), Cell(one.weight), Cell(_said(one.converged)),
        ]
        for one in rounds
    ]  # fmt: skip
    title = 'Labels of the reference by round, and the errors on them before anything was learned from them'
    return Table('distillation_rounds', title, columns, rows)


def labels_table(results: DistillationResults) -> Table:
    """Return how many labels of each kind the last student learned from.

    :param results: of a distillation.
    """
    alignment = results.alignment
    reference = 'the reference' if alignment is None else alignment.reference_method
    teacher = 'the teacher' if alignment is None else alignment.teacher_method
    columns = (Column('kind', 'labels by', is_number=False), Column('number', 'number'))
    rows = [
        (Cell(f'{reference}, given'), Cell(results.n_given)),
        (Cell(f'{reference}, bought'), Cell(results.n_reference - results.n_given)),
        (Cell(teacher), Cell(results.n_teacher)),
    ]
    return Table('distillation_labels', 'Labels by kind', columns, rows)


def shift_table(alignment: AlignmentRecord) -> Table:
    """Return the shift of each element.

    :param alignment: of the last teacher.
    """
    columns = (Column('element', 'element', is_number=False), Column('shift', 'shift', 'eV/atom'))
    rows = [(Cell(symbol), Cell(value)) for symbol, value in alignment.per_element.items()]
    title = f'What is added to the energies of {alignment.teacher_method}'
    return Table('distillation_shift', title, columns, rows)


def _chapter(facts: DistillationFacts) -> Section:
    results = facts.results
    lead = ' '.join(bullet(text) for text in facts.doubts())
    tiles: list[NumberTile] = []
    if results is not None:
        bought = results.n_reference - results.n_given
        tiles.append(NumberTile(f'{bought}', '', 'labels bought', f'{results.n_given} were given'))
        tiles.append(NumberTile(f'{results.n_teacher}', '', 'labels of the teacher', 'that the student learned from'))
    for name in ('teacher', 'student'):
        if facts.judged:
            error = getattr(facts.judged[-1], name).force_ev_per_angstrom
            value = words.UNKNOWN if error is None else f'{error:.3f}'
            tiles.append(NumberTile(value, 'eV/Å', f'error of the {name}', 'forces, last new labels'))
    tiles.append(facts.time_tile())
    return Section(
        facts.anchor('distillation'), 'Distillation of a teacher', lead, is_chapter=True, tiles=tuple(tiles)
    )  # fmt: skip


def _rounds(facts: DistillationFacts) -> Section:
    lead = (
        'Errors are root mean squares, of components of forces, on the labels of the round, before teacher and student '
        'have learned from them; energies are shifted. The last row is the campaign that asks for no more labels.'
    )
    tables = (rounds_table(facts.rounds),) if facts.rounds else ()
    return Section(facts.anchor('rounds'), 'Rounds', lead, tables=tables, reason='There is no round yet.')


def _labels(facts: DistillationFacts) -> Section:
    tables = () if facts.results is None else (labels_table(facts.results),)
    return Section(facts.anchor('labels'), 'Labels', tables=tables, reason='Nothing was found.')


def _shift(facts: DistillationFacts) -> Section:
    alignment = None if facts.results is None else facts.results.alignment
    if alignment is None:
        return Section(facts.anchor('shift'), 'Zero of the energy', reason='The teacher was not aligned.')
    known = ' and '.join(
        ''.join(f'{symbol}{number if number > 1 else ""}' for symbol, number in part.items())
        for part in alignment.compositions
    )
    lead = (
        f'Found by least squares from {alignment.n_frames} frames that both have labelled; it leaves '
        f'{alignment.residual_mev_per_atom:.2f} meV/atom.'
    )
    if not alignment.is_determined:
        lead += (
            f' The labels hold {known} only, which does not tell the shift of each element: sums over these '
            'compositions are all that counts.'
        )
    return Section(facts.anchor('shift'), 'Zero of the energy', lead, tables=(shift_table(alignment),))


def _doubts(facts: DistillationFacts) -> Section:
    said = [*facts.doubts(), *facts.notes, *([] if facts.results is None else facts.results.doubts)]
    return Section(
        facts.anchor('doubts'), 'What to know', points=tuple(dict.fromkeys(bullet(text) for text in said)),
        reason='Nothing stands out.',
    )  # fmt: skip


def _errors(errors: ErrorsRecord | None) -> tuple[Cell, Cell]:
    if errors is None:
        return Cell(None), Cell(None)
    return Cell(errors.force_ev_per_angstrom), Cell(errors.energy_mev_per_atom)


def _said(value: bool | None) -> str:
    return '' if value is None else ('yes' if value else 'no')
