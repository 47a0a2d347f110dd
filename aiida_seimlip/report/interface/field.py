"""Report on a `FieldWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from aiida import orm

from aiida_seimlip.options.interface.field_results import DriftRecord, FieldPoint, FieldResults
from aiida_seimlip.report import words
from aiida_seimlip.report.interface.field_plots import Path, draw_paths
from aiida_seimlip.report.property import PropertyFacts, bullet, known
from aiida_seimlip.report.sections import Figure, NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table

FIELD = Column('field_V_per_A', 'field', 'V/Å', is_exact=True)
"""First column of most tables."""


class FieldFacts(PropertyFacts):
    """Runs in fields, and what was found in their nodes."""

    @cached_property
    def results(self) -> FieldResults | None:
        """The output `field`."""
        return self.model('field', FieldResults)

    @property
    def points(self) -> list[FieldPoint]:
        """Without a field, then the fields."""
        return self.results.points if self.results else []

    @property
    def drifts(self) -> Iterator[tuple[FieldPoint, DriftRecord]]:
        """The drift of each label in each field."""
        return ((point, drift) for point in self.points for drift in point.drifts)

    @cached_property
    def title(self) -> str:
        """What was computed of what."""
        return f'Ions in a field in {self.subject}' if self.subject else 'Ions in a field'


def field_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on runs in fields as sections; the first one opens a chapter.

    :param node: a `FieldWorkChain`, in any state.
    """
    facts = FieldFacts(node)
    return [
        _chapter(facts),
        _motion(facts),
        _hops(facts),
        _forces(facts),
        _doubts(facts),
        *facts.runs(_runs_table(facts)),
    ]


def field_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of runs in fields that belong into a paper.

    :param node: a `FieldWorkChain`, in any state.
    """
    facts = FieldFacts(node)
    tables = (
        _drift_table(facts),
        _current_table(facts),
        _hops_table(facts),
        _parts_table(facts),
        _charges_table(facts),
    )
    return [table for table in tables if table.rows]


# -- sections ---------------------------------------------------------------------------------------------------------


def _chapter(facts: FieldFacts) -> Section:
    results = facts.results
    lead = ' '.join(bullet(text) for text in facts.doubts())
    tiles: list[NumberTile] = []
    if results is not None:
        lead = f'{lead} {results.statement} {results.charges_statement}'.strip()
        tiles += list(_tiles(facts))
    return Section(facts.anchor('field'), facts.title, lead, is_chapter=True, tiles=(*tiles, facts.time_tile()))


def _tiles(facts: FieldFacts) -> Iterator[NumberTile]:
    """Yield mobilities in the strongest field."""
    strongest = max(facts.points, key=lambda point: point.strength, default=None)
    for drift in strongest.drifts if strongest is not None else []:
        if drift.is_mobile and drift.mobility is not None:
            yield NumberTile(
                words.typeset(words.with_uncertainty(drift.mobility, drift.mobility_error)), 'cm²/(V s)',
                f'mobility of {drift.label}', f'in {strongest.strength:g} V/Å' if strongest else '',
            )  # fmt: skip


def _motion(facts: FieldFacts) -> Section:
    anchor, title = facts.anchor('drift'), 'How ions drift'
    drift, current = _drift_table(facts), _current_table(facts)
    if not drift.rows:
        return Section(anchor, title, reason='There is no drift to show.')
    lead = (
        'Drifts along the field, relative to the centre of all atoms that are not mobile, with standard errors from '
        'blocks of time. The control is the drift without a field. The ratio is that of the mobility to that of '
        'Einstein’s relation, qD/kT, with the diffusivity without a field: 1 for ions that move alone in a weak field.'
    )
    paths = list(_paths(facts))
    figures: tuple[Figure, ...] = ()
    if paths:
        svg = draw_paths(paths, salt=anchor)
        figures = (Figure(svg, 'Mean displacements of mobile ions along the field, without and in it.'),)
    return Section(anchor, title, lead, figures, (drift, current))


def _paths(facts: FieldFacts) -> Iterator[Path]:
    """Yield mean displacements of mobile ions along the field, or along the first one without."""
    arrays = facts.arrays('drift')
    fields = [point.field for point in facts.points if point.strength]
    mobile = [drift.label for drift in facts.points[-1].drifts if drift.is_mobile] if facts.points else []
    for point in facts.points:
        direction = point.field if point.strength else fields[0]
        length = sum(component**2 for component in direction) ** 0.5
        for label in mobile:
            name = ''.join(character if character.isalnum() else '_' for character in label)
            for number, run in enumerate(point.runs):
                if f'{run.key}_{name}' in arrays:
                    along = arrays[f'{run.key}_{name}'] @ [component / length for component in direction]
                    what = f'{label}, {point.strength:g} V/Å' if number == 0 else ''
                    yield Path(what, arrays[f'{run.key}_time_ps'], along, point.number, mobile.index(label))


def _hops(facts: FieldFacts) -> Section:
    anchor, title, table = facts.anchor('hops'), 'Who replaces whom', _hops_table(facts)
    if not table.rows:
        return Section(anchor, title, reason='Hops were not followed.')
    lead = (
        'Hops of mobile ions between the places where such ions were at the begin of each run. In a chain, an ion '
        'takes the place that the next one has just left: knock-off.'
    )
    return Section(anchor, title, lead, tables=tuple(t for t in (table, _replacements_table(facts)) if t.rows))


def _forces(facts: FieldFacts) -> Section:
    results = facts.results
    if results is None:
        return Section(facts.anchor('charges'), 'What the field acts on', reason='There are no charges to show.')
    lead = f'Charges: {results.charges_source}. Their sum is {results.net_charge:+.2g} e.'
    tables = tuple(table for table in (_charges_table(facts), _parts_table(facts)) if table.rows)
    return Section(facts.anchor('charges'), 'What the field acts on', lead, tables=tables)


def _doubts(facts: FieldFacts) -> Section:
    points = tuple(dict.fromkeys(bullet(text) for text in _all_doubts(facts)))
    return Section(facts.anchor('doubts'), 'What to distrust', points=points, reason='Nothing stands out.')


def _all_doubts(facts: FieldFacts) -> Iterator[str]:
    """Say what a reader must know before using the numbers."""
    yield from facts.doubts()
    yield from facts.notes
    results = facts.results
    if results is None:
        return
    yield from [results.message] if results.message else []
    yield from results.warnings
    for point in results.points:
        where = f'{point.strength:g} V/Å' if point.strength else 'Without a field'
        yield from (f'{where}: {doubt}' for doubt in point.doubts)
        yield from (f'{where}, hops: {doubt}' for doubt in (point.hops.doubts if point.hops else []))
        yield from (
            f'{where}, {drift.label}: {doubt}' for drift in point.drifts if drift.is_mobile for doubt in drift.doubts
        )
        for run in point.runs:
            if run.share_above_threshold:
                yield (
                    f'{run.key}: {words.share(run.share_above_threshold)} of the frames are out of the potential’s '
                    f'domain, with grades up to {words.grade(known(run.highest_grade))}'
                )


# -- tables -----------------------------------------------------------------------------------------------------------


def _drift_table(facts: FieldFacts) -> Table:
    columns = (
        FIELD, Column('label', 'atoms', is_number=False), Column('n_atoms', 'number'),
        Column('charge_e', 'charge', 'e'), Column('drift_A_per_ps', 'drift', 'Å/ps'),
        Column('control_A_per_ps', 'control', 'Å/ps'),
        Column('mobility_cm2_per_V_s', 'mobility', 'cm²/(V s)'), Column('D_m2_per_s', 'D without field', 'm²/s'),
        Column('einstein_ratio', 'ratio to Einstein'), Column('nonlinearity', 'nonlinearity'),
    )  # fmt: skip
    rows = [
        (Cell(point.strength), Cell(d.label), Cell(d.n_atoms), Cell(d.charge), Cell(d.velocity, d.velocity_error),
         Cell(d.control, d.control_error), Cell(d.mobility, d.mobility_error), Cell(d.D, d.D_std),
         Cell(d.einstein_ratio, d.einstein_ratio_error), Cell(d.nonlinearity))
        for point, d in facts.drifts
    ]  # fmt: skip
    return Table('field_drift', f'{facts.title}: drift and mobility', columns, rows)


def _current_table(facts: FieldFacts) -> Table:
    columns = (
        FIELD, Column('current_A_per_m2', 'current density', 'A/m²'), Column('conductivity_S_per_m', 'σ', 'S/m'),
        Column('duration_ps', 'length of all runs', 'ps', digits=4), Column('runs', 'runs'),
    )  # fmt: skip
    rows = [
        (Cell(p.strength), Cell(p.current_density, p.current_density_error), Cell(p.conductivity, p.conductivity_error),
         Cell(p.duration_ps), Cell(len(p.runs)))
        for p in facts.points if p.strength
    ]  # fmt: skip
    return Table('field_current', f'{facts.title}: current of all atoms', columns, rows)


def _hops_table(facts: FieldFacts) -> Table:
    columns = (
        FIELD, Column('hops', 'hops'), Column('along', 'along the field'), Column('against', 'against it'),
        Column('share_in_chains', 'in chains', is_share=True), Column('longest', 'longest chain'),
        Column('rings', 'rings'), Column('net_A', 'net displacement', 'Å'),
        Column('net_in_chains_A', 'of it in chains', 'Å'), Column('share_at_sites', 'time at sites', is_share=True),
    )  # fmt: skip
    rows = [
        (Cell(p.strength), Cell(h.n_hops), Cell(h.n_along), Cell(h.n_against), Cell(h.share_in_chains),
         Cell(max((int(length) for length in h.chains_by_length), default=None)), Cell(h.n_rings),
         Cell(h.net_displacement), Cell(h.net_displacement_in_chains), Cell(h.share_at_sites))
        for p in facts.points if (h := p.hops) is not None and h.n_hops is not None
    ]  # fmt: skip
    return Table('field_hops', f'{facts.title}: hops and knock-off chains', columns, rows)


def _replacements_table(facts: FieldFacts) -> Table:
    columns = (FIELD, Column('pair', 'comes → goes', is_number=False), Column('times', 'times'))
    rows = [
        (Cell(point.strength), Cell(pair), Cell(count))
        for point in facts.points if point.hops is not None for pair, count in point.hops.replacements.items()
    ]  # fmt: skip
    return Table('field_replacements', f'{facts.title}: who takes whose place', columns, rows)


def _parts_table(facts: FieldFacts) -> Table:
    columns = (
        FIELD, Column('part', 'part', is_number=False), Column('n_atoms', 'atoms'), Column('charge_e', 'charge', 'e'),
        *(Column(f'force_{axis}_eV_per_A', f'force along {axis}', 'eV/Å') for axis in 'xyz'),
        Column('temperature_K', 'T', 'K', digits=4), Column('temperature_still_K', 'T without drift', 'K', digits=4),
        *(Column(f'drift_{axis}_A_per_ps', f'drift along {axis}', 'Å/ps', in_paper=False) for axis in 'xyz'),
    )  # fmt: skip
    rows = [
        (Cell(point.strength), Cell(part.name), Cell(part.n_atoms), Cell(part.charge), *map(Cell, part.force),
         Cell(part.temperature), Cell(part.temperature_still), *map(Cell, part.drift or (None, None, None)))
        for point in facts.points for part in point.parts
    ]  # fmt: skip
    return Table('field_parts', f'{facts.title}: force of the field on each part', columns, rows)


def _charges_table(facts: FieldFacts) -> Table:
    columns = (
        Column('label', 'atoms', is_number=False), Column('n_atoms', 'number'),
        Column('charge_e', 'charge', 'e', digits=4),
        Column('lowest_e', 'lowest', 'e', digits=4), Column('highest_e', 'highest', 'e', digits=4),
        Column('before_e', 'before it was neutral', 'e', digits=4, in_paper=False),
        Column('between_atoms_e', 'between atoms', 'e'), Column('between_frames_e', 'between frames', 'e'),
    )  # fmt: skip
    rows = [
        (Cell(c.label), Cell(c.n_atoms), Cell(c.charge), Cell(c.lowest), Cell(c.highest), Cell(c.before),
         Cell(c.scatter_atoms), Cell(c.scatter_frames))
        for c in (facts.results.charges if facts.results else [])
    ]  # fmt: skip
    return Table('field_charges', f'{facts.title}: fixed charges', columns, rows)


def _runs_table(facts: FieldFacts) -> Table:
    columns = (
        Column('run', 'run', is_number=False), FIELD, Column('seed', 'seed'),
        Column('outcome', 'outcome', is_number=False), Column('steps', 'steps'), Column('steps_asked', 'asked for'),
        Column('temperature_K', 'mean T', 'K', digits=4), Column('temperature_still_K', 'without drift', 'K', digits=4),
        Column('above_threshold', 'frames out of domain', is_share=True), Column('highest_grade', 'highest grade'),
        Column('message', 'what it said', is_number=False, in_paper=False),
    )  # fmt: skip
    rows = [
        (Cell(run.key), Cell(point.strength), Cell(run.seed), Cell(run.outcome), Cell(run.n_steps),
         Cell(run.n_steps_asked), Cell(run.mean_temperature), Cell(run.mean_temperature_still),
         Cell(run.share_above_threshold), Cell(run.highest_grade), Cell(run.message))
        for point in facts.points for run in point.runs
    ]  # fmt: skip
    return Table('field_runs', 'The runs', columns, rows)
