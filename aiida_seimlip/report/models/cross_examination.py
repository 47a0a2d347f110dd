"""Report on a `CrossExaminationWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from aiida import orm

from aiida_seimlip.options.models.cross_examination_results import CrossExaminationResults, DisagreementRecord
from aiida_seimlip.report import words
from aiida_seimlip.report.models import cross_examination_plots as plots
from aiida_seimlip.report.property import PropertyFacts, bullet, known
from aiida_seimlip.report.sections import Figure, NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table

TITLE = 'Two models examined by each other'
SOURCES = {
    'calibration': 'its calibration', 'committee': 'the deviation of its committee',
    'other': 'those of the other model, which it is taken to share', 'threshold': 'none: a threshold',
}  # fmt: skip
"""Where errors are from, in words."""


class CrossExaminationFacts(PropertyFacts):
    """A cross-examination and what was found in its nodes."""

    subject_inputs = ('frames',)

    @cached_property
    def results(self) -> CrossExaminationResults | None:
        """The output `audit`."""
        return self.model('audit', CrossExaminationResults)


def cross_examination_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on a cross-examination as sections; the first one opens a chapter.

    :param node: a `CrossExaminationWorkChain`, in any state.
    """
    facts = CrossExaminationFacts(node)
    found = facts.results
    if found is None:
        return [_chapter(facts), *facts.runs()]
    sections = [_chapter(facts), *_figures(facts, found)]
    for table in _tables(facts, found):
        if table.rows:
            sections.append(Section(facts.anchor(table.name), table.caption, tables=(table,)))
    points = tuple(dict.fromkeys(bullet(text) for text in (*facts.doubts(), *found.doubts)))
    if points:
        sections.append(Section(facts.anchor('doubts'), 'What to distrust', points=points))
    return [*sections, *facts.runs()]


def cross_examination_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of a cross-examination, for a paper or a notebook.

    :param node: a `CrossExaminationWorkChain`, in any state.
    """
    facts = CrossExaminationFacts(node)
    if facts.results is None:
        return []
    return [table for table in _tables(facts, facts.results) if table.rows]


def _tables(facts: CrossExaminationFacts, found: CrossExaminationResults) -> list[Table]:
    return [_models_table(found), _elements_table(found), _time_table(found), _frames_table(facts, found)]


def _models_table(found: CrossExaminationResults) -> Table:
    columns = (
        Column('model', 'model', is_number=False), Column('method', 'what it is', is_number=False),
        Column('source', 'its errors are from', is_number=False),
        Column('error_ev_per_angstrom', f'{100 * found.level:g} % of errors below, median', 'eV/Å'),
        Column('n_beyond', 'atoms beyond its calibration'),
    )  # fmt: skip
    rows = [
        [Cell(name), Cell(record.method), Cell(SOURCES[record.source]), Cell(record.error_ev_per_angstrom),
         Cell(record.n_beyond)]
        for name, record in found.models.items()
    ]  # fmt: skip
    return Table('models', 'The models, and what is known of their errors', columns, rows)


def _elements_table(found: CrossExaminationResults) -> Table:
    columns = (
        Column('element', 'element', is_number=False), Column('n_atoms', 'atoms'),
        Column('share', 'beyond what is allowed', is_share=True),
        Column('rms_ev_per_angstrom', 'disagreement, RMS', 'eV/Å'),
        Column('largest_ev_per_angstrom', 'largest', 'eV/Å'),
    )  # fmt: skip
    rows = [
        [Cell(symbol), Cell(one.n_atoms), Cell(one.share), Cell(one.rms_ev_per_angstrom),
         Cell(one.largest_ev_per_angstrom)]
        for symbol, one in found.by_element.items()
    ]  # fmt: skip
    return Table('by_element', 'By element', columns, rows)


def _time_table(found: CrossExaminationResults) -> Table:
    columns = (
        Column('first_step', 'from step'), Column('last_step', 'to step'), Column('n_frames', 'frames'),
        Column('share', 'atoms beyond what is allowed', is_share=True), Column('largest_ratio', 'largest ratio'),
    )  # fmt: skip
    rows = [
        [Cell(one.first_step), Cell(one.last_step), Cell(one.n_frames), Cell(one.share), Cell(one.largest_ratio)]
        for one in found.over_time
    ]  # fmt: skip
    return Table('over_time', 'Over time', columns, rows)


def _frames_table(facts: CrossExaminationFacts, found: CrossExaminationResults) -> Table:
    """Return the frames that are kept, the worst first."""
    points = facts.arrays('points')
    columns = (
        Column('frame', 'frame'), Column('step', 'MD step'),
        Column('disagreement_ev_per_angstrom', 'disagreement', 'eV/Å'),
        Column('allowed_ev_per_angstrom', 'allowed', 'eV/Å'), Column('ratio', 'ratio'),
        Column('share', 'atoms beyond', is_share=True),
    )  # fmt: skip
    rows = []
    for index in found.kept if points else ():
        (place,) = np.flatnonzero(points['indices'] == index)
        step = int(points['steps'][place])
        values = (float(points[name][place]) for name in ('norms', 'allowed', 'ratios', 'shares'))
        rows.append([Cell(index), Cell(None if step < 0 else step), *map(Cell, values)])
    return Table('kept_frames', 'Frames of disagreement that are kept', columns, rows)


def _chapter(facts: CrossExaminationFacts) -> Section:
    found = facts.results
    lead = ' '.join(bullet(text) for text in facts.doubts())
    tiles: list[NumberTile] = []
    if found is not None and found.n_frames:
        names = ' and '.join(f'{name} ({record.method})' for name, record in found.models.items())
        lead = f'{lead} {bullet(f"Forces by {names} on the same frames")}'.strip()
        tiles = [NumberTile(str(found.n_frames), '', 'frames', f'{found.n_atoms} atoms'), *_share_tiles(found)]
        if found.largest is not None:
            tiles.append(
                NumberTile(words.number(found.largest.ratio), '×', 'largest disagreement', _where(found.largest))
            )
    tiles.append(facts.time_tile())
    return Section(facts.anchor('chapter'), TITLE, lead, is_chapter=True, tiles=tuple(tiles))


def _share_tiles(found: CrossExaminationResults) -> Iterator[NumberTile]:
    expected = '' if found.share_expected is None else f'{words.share(found.share_expected)} by chance'
    value, unit = _split(words.share(known(found.share_atoms)))
    yield NumberTile(value, unit, 'atoms beyond what is allowed', expected)
    value, unit = _split(words.share(known(found.share_frames)))
    first = 'none' if found.first is None else f'the first at step {found.first.step}'
    yield NumberTile(value, unit, f'frames beyond {found.min_ratio:g} times that', first)


def _where(record: DisagreementRecord) -> str:
    return (
        f'{record.norm_ev_per_angstrom:.3g} eV/Å where {record.allowed_ev_per_angstrom:.3g} are allowed; '
        f'{record.symbol}, atom {record.atom} of frame {record.frame}'
    )


def _figures(facts: CrossExaminationFacts, found: CrossExaminationResults) -> Iterator[Section]:
    points = facts.arrays('points')
    if not points:
        return
    anchor = facts.anchor('time')
    svg = plots.disagreement_over_time(points, found.kept, anchor)
    legend = [(plots.POINTS, 'frame'), (plots.ALLOWED, 'allowed')]
    if found.kept:
        legend.insert(1, (plots.KEPT, 'frame that is kept'))
    lead = 'Of each frame the atom on which the models disagree most, measured by what the errors of both allow it.'
    figure = Figure(svg, 'Disagreement of the forces in each frame, and what is allowed.', tuple(legend))
    yield Section(anchor, 'Disagreement along the run', lead, (figure,))
    if np.ptp(points['atom_allowed']) > 0.0:
        anchor = facts.anchor('allowed')
        svg = plots.disagreement_against_allowed(points['atom_norms'], points['atom_allowed'], anchor)
        figure = Figure(svg, 'Disagreement on each atom against what is allowed.')
        lead = 'Each point is an atom; those above the line are further apart than the errors of both models allow.'
        yield Section(anchor, 'Disagreement and expected error', lead, (figure,))


def _split(share: str) -> tuple[str, str]:
    value, _, unit = share.rpartition(' ')
    return (value, unit) if value else (share, '')
