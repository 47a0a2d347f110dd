"""Report on a `CalibrationWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

from aiida import orm

from aiida_seimlip.data.labels import describe_methods
from aiida_seimlip.options.models.calibration_results import CalibrationResults, CoverageRecord, CurveRecord
from aiida_seimlip.report import words
from aiida_seimlip.report.models import calibration_plots as plots
from aiida_seimlip.report.property import PropertyFacts, bullet, known
from aiida_seimlip.report.sections import Figure, NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table

NAMES = {
    'atom_grade': 'grade of the atom', 'frame_grade': 'grade of the frame',
    'disagreement': 'disagreement of two potentials (eV/Å)',
}  # fmt: skip
"""What the abscissae are called."""


class CalibrationFacts(PropertyFacts):
    """A calibration and what was found in its nodes."""

    subject_inputs = ()

    @cached_property
    def results(self) -> CalibrationResults | None:
        """The output `properties`."""
        return self.model('properties', CalibrationResults)

    @property
    def curves(self) -> dict[str, CurveRecord]:
        """The calibrations, by the array of `points` that they depend on."""
        found: dict[str, CurveRecord] = {}
        if self.results is not None and self.results.grade is not None:
            found['grades'] = self.results.grade
        if self.results is not None and self.results.cross_check is not None:
            found['disagreements'] = self.results.cross_check.curve
        return found


def calibration_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on a calibration as sections; the first one opens a chapter.

    :param node: a `CalibrationWorkChain`, in any state.
    """
    facts = CalibrationFacts(node)
    sections = [_chapter(facts), *(_curve(facts, name, curve) for name, curve in facts.curves.items())]
    return [*sections, _left_out(facts), _doubts(facts), *facts.runs()]


def calibration_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of a calibration, for a paper or a notebook.

    :param node: a `CalibrationWorkChain`, in any state.
    """
    facts = CalibrationFacts(node)
    return [
        table for name, curve in facts.curves.items()
        for table in (quantiles_table(name, curve), coverage_table(name, curve))
    ]  # fmt: skip


def quantiles_table(name: str, curve: CurveRecord) -> Table:
    """Return the quantiles of the errors in each bin of the abscissa, and how often the highest one held.

    :param name: of the abscissa, for that of the file.
    :param curve: a calibration.
    """
    unit = 'eV/Å' if curve.abscissa == 'disagreement' else ''
    columns = [Column('from', 'from', unit), Column('up_to', 'up to', unit)]
    columns += [
        Column(f'q{100 * level:g}_ev_per_angstrom', f'{100 * level:g} % of errors below', 'eV/Å')
        for level in curve.levels
    ]
    columns += [
        Column('tested_atoms', 'held-out atoms'), Column('tested_level', 'level tested', is_share=True),
        Column('share', 'share below', is_share=True), Column('share_95', '95 % interval'),
    ]  # fmt: skip
    rows = []
    tested = curve.coverage_by_bin or [CoverageRecord(level=curve.levels[-1])] * len(curve.upper_ends)
    begins = (0.0, *curve.upper_ends[:-1])
    quantiles = zip(*curve.force_errors_ev_per_angstrom, strict=True)
    for low, high, row, one in zip(begins, curve.upper_ends, quantiles, tested, strict=True):
        rows.append([Cell(low), Cell(high), *map(Cell, row), Cell(one.n_atoms), Cell(one.level), *_share(one)])
    return Table(f'force_errors_by_{name}', f'Errors of forces by the {NAMES[curve.abscissa]}', columns, rows)


def coverage_table(name: str, curve: CurveRecord) -> Table:
    """Return how often the errors on held-out halves of the frames were below each quantile.

    :param name: of the abscissa, for that of the file.
    :param curve: a calibration.
    """
    columns = (
        Column('level', 'should be below', is_share=True), Column('share', 'were below', is_share=True),
        Column('share_95', '95 % interval'), Column('frames', 'frames'), Column('atoms', 'atoms'),
    )  # fmt: skip
    rows = [[Cell(one.level), *_share(one), Cell(one.n_frames), Cell(one.n_atoms)] for one in curve.coverage]
    return Table(f'coverage_by_{name}', 'Coverage on held-out halves of the frames', columns, rows)


def _share(one: CoverageRecord) -> tuple[Cell, Cell]:
    return Cell(one.share), Cell(None if one.low is None or one.high is None else (one.low, one.high))


def _chapter(facts: CalibrationFacts) -> Section:
    results = facts.results
    lead = ' '.join(bullet(text) for text in facts.doubts())
    tiles: list[NumberTile] = []
    if results is not None:
        against = describe_methods(results.methods)
        tiles.append(NumberTile(f'{results.n_frames}', '', 'frames', f'{results.n_atoms} atoms, labelled by {against}'))
        lead = f'{lead} Errors are against {against}.'.strip()
    if results is not None and results.grade is not None:
        curve = results.grade
        tiles.append(NumberTile(words.number(curve.upper_ends[-1]), '', 'largest grade', 'nothing is known beyond it'))
        highest = curve.coverage[-1] if curve.coverage else CoverageRecord(level=curve.levels[-1])
        note = f'should be {words.share(highest.level)}' if highest.share is not None else 'too few frames to test'
        value = words.share(known(highest.share))
        tiles.append(NumberTile(*_split(value), 'of held-out errors below the highest quantile', note))
        tiles.append(NumberTile(_rank(curve), '', 'rank correlation', 'of grade and error'))
    tiles.append(facts.time_tile())
    title = 'Errors of forces by the grade'
    return Section(facts.anchor('calibration'), title, lead, is_chapter=True, tiles=tuple(tiles))


def _curve(facts: CalibrationFacts, name: str, curve: CurveRecord) -> Section:
    anchor, what = facts.anchor(f'by-{name}'), NAMES[curve.abscissa]
    points = facts.arrays('points')
    figures: tuple[Figure, ...] = ()
    if name in points:
        svg = plots.errors_by_abscissa(curve.calibration, points[name], points['force_errors'], what, anchor)
        legend = tuple((plots.colour_of(number), f'{100 * level:g} %') for number, level in enumerate(curve.levels))
        text = f'Length of the error of the force on each atom against the {what}, and its quantiles.'
        figures = (Figure(svg, text, legend),)
    lead = (
        f'Each point is an atom. Steps are quantiles of |ΔF|, the length of the error of a force, by the {what}; '
        f'beyond the line on the right nothing is known. Rank correlation with the error: {_rank(curve)}.'
    )
    tables = quantiles_table(name, curve), coverage_table(name, curve)
    return Section(anchor, f'By the {what.partition(" (")[0]}', lead, figures, tables)


def _left_out(facts: CalibrationFacts) -> Section:
    found = [] if facts.results is None else facts.results.left_out
    counts = Counter(one.reason for one in found)
    rows = [
        (Cell(reason), Cell(number), Cell(', '.join(str(one.index) for one in found if one.reason == reason)))
        for reason, number in counts.most_common()
    ]  # fmt: skip
    columns = (
        Column('reason', 'why', is_number=False), Column('frames', 'frames'),
        Column('indices', 'which', is_number=False, in_paper=False),
    )  # fmt: skip
    tables = (Table('left_out', 'Frames that were left out', columns, rows),) if rows else ()
    reason = 'All frames were used.' if facts.results is not None else 'Nothing was found.'
    return Section(facts.anchor('left-out'), 'What was left out', tables=tables, reason=reason)


def _doubts(facts: CalibrationFacts) -> Section:
    results = facts.results
    said = [*facts.doubts(), *facts.notes, *([] if results is None else results.doubts)]
    return Section(
        facts.anchor('doubts'), 'What to distrust', points=tuple(dict.fromkeys(bullet(text) for text in said)),
        reason='Nothing stands out: for frames like these, errors are what the quantiles tell.',
    )  # fmt: skip


def _rank(curve: CurveRecord) -> str:
    return words.UNKNOWN if curve.rank_correlation is None else f'{curve.rank_correlation:.2f}'


def _split(share: str) -> tuple[str, str]:
    value, _, unit = share.rpartition(' ')
    return (value, unit) if value else (share, '')
