"""Report on a `NEBWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.options.barrier.results import BarrierRecord, BarrierTable, ComparisonRecord, ProfileRecord
from aiida_seimlip.report import words
from aiida_seimlip.report.barrier import plots
from aiida_seimlip.report.expected import EXPECTED, describe_expected, expected_cells
from aiida_seimlip.report.property import PropertyFacts, bullet, known
from aiida_seimlip.report.sections import Figure, NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table

REFERENCE = 'reference'
LARGE_ERROR = 0.1
"""An error of the barrier above this share of that of the reference is called a doubt."""


class BarrierFacts(PropertyFacts):
    """A migration barrier and what was found in its nodes."""

    subject_inputs = ('initial',)

    @cached_property
    def record(self) -> BarrierRecord | None:
        """The output `barrier`."""
        return self.model('barrier', BarrierRecord)

    @cached_property
    def profile(self) -> dict[str, np.ndarray]:
        """The arrays of the output `profile`."""
        return self.arrays('profile')

    @cached_property
    def title(self) -> str:
        """What was computed of what."""
        moved = sorted({atom.symbol for atom in self.record.moved}) if self.record else []
        name = f'Migration of {", ".join(moved)}' if moved else 'Migration'
        return f'{name} in {self.subject}' if self.subject else name

    def later(self, function: str) -> list[orm.ProcessNode]:
        """Return the calcfunctions of a name that went on with outputs of this process, in order of creation."""
        found: dict[int, orm.ProcessNode] = {}
        for label in ('path', 'labelled', 'barrier'):
            output = self.outputs.get(label)
            links = output.base.links.get_outgoing(link_type=LinkType.INPUT_CALC).all() if output is not None else []
            for link in links:
                if isinstance(link.node, orm.CalcFunctionNode) and link.node.process_label == function:
                    found[link.node.pk or 0] = link.node
        return [node for _, node in sorted(found.items()) if node.is_finished_ok]


def neb_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on a migration barrier as sections; the first one opens a chapter.

    Comparisons with other potentials and with diffusion at finite temperature are found in the provenance graph.

    :param node: a `NEBWorkChain`, in any state.
    """
    facts = BarrierFacts(node)
    sections = [_chapter(facts), _path(facts), *_comparisons(facts), *_temperatures(facts)]
    return [*sections, _doubts(facts), *facts.runs()]


def neb_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of a migration barrier that belong into a paper or a notebook.

    :param node: a `NEBWorkChain`, in any state.
    """
    facts = BarrierFacts(node)
    tables = [*_barrier_tables(facts), *_image_tables(facts)]
    for number, process in enumerate(facts.later('compare_paths')):
        tables.append(_comparison_table(facts, ComparisonRecord(**process.outputs.comparison.get_dict()), number))
    for number, process in enumerate(facts.later('compare_barriers')):
        tables.append(_temperature_table(facts, BarrierTable(**process.outputs.result.get_dict()), number))
    return tables


# -- sections ---------------------------------------------------------------------------------------------------------


def _chapter(facts: BarrierFacts) -> Section:
    record = facts.record
    lead = ' '.join(bullet(text) for text in facts.doubts())
    tiles: list[NumberTile] = []
    if record is not None:
        moved = ', '.join(f'{atom.symbol} (atom {atom.index}) by {atom.distance:.2f} Å' for atom in record.moved)
        lead = f'{lead} {bullet(f"What moves: {moved}")}'.strip() if moved else lead
        note = '' if record.is_converged else 'not converged'
        mood = '' if record.is_converged else 'bad'
        tiles += [
            NumberTile(_energy(record.forward), 'eV', 'barrier forward', note, mood),
            NumberTile(_energy(record.backward), 'eV', 'barrier backward', note, mood),
        ]
        if record.reference is not None:
            error = record.reference.error_mev
            note = f'forward; backward {_signed(error.backward)} meV'
            mood = 'bad' if _share_of_error(record) > LARGE_ERROR else ''
            tiles.append(NumberTile(_signed(error.forward), 'meV', f'error against {_teacher(record)}', note, mood))
        else:
            tiles.append(NumberTile(words.UNKNOWN, '', 'error', 'not checked'))
        tiles.append(_grade_tile(record))
    tiles.append(facts.time_tile())
    return Section(facts.anchor('barrier'), facts.title, lead, is_chapter=True, tiles=tuple(tiles))


def _teacher(record: BarrierRecord | None) -> str:
    """Return what errors are against, in words."""
    method = '' if record is None or record.reference is None else record.reference.method
    return method or 'the reference'


def _grade_tile(record: BarrierRecord) -> NumberTile:
    if not record.n_graded:
        return NumberTile(words.UNKNOWN, '', 'images out of domain', 'no grade was evaluated')
    value, unit = words.share(known(record.share_above_threshold)).rsplit(' ', 1)
    note = f'of {record.n_graded}; highest grade {words.grade(known(record.highest_grade))}; '
    note += describe_expected(record.expected_force_error)
    return NumberTile(value, unit, 'images out of domain', note, 'bad' if record.share_above_threshold else '')


def _path(facts: BarrierFacts) -> Section:
    anchor, title = facts.anchor('path'), 'Along the path'
    if 'coordinate' not in facts.profile:
        return Section(anchor, title, reason='There is no path.')
    curves = [_curve(facts.profile, '', 'potential')]
    lead = 'Energies of the images, and the spline through energies and tangential forces; its top is the barrier.'
    if 'reference_energies' in facts.profile:
        curves.append(_curve(facts.profile, 'reference_', REFERENCE))
        lead += f' Diamonds: {_teacher(facts.record)} on the same images; below, how much higher the potential is.'
    figure = Figure(plots.energy_profile(curves, anchor), _in_words(facts), _legend(curves))
    return Section(anchor, title, lead, (figure,), (*_barrier_tables(facts), *_image_tables(facts)))


def _in_words(facts: BarrierFacts) -> str:
    if facts.record is None:
        return 'Energies along the path.'
    return (
        f'Energies along the path. Barrier forward {_energy(facts.record.forward)} eV, backward '
        f'{_energy(facts.record.backward)} eV.'
    )


def _curve(arrays: dict[str, np.ndarray], prefix: str, name: str) -> plots.PathCurve:
    return plots.PathCurve(
        name, arrays['coordinate'], arrays[f'{prefix}energies'], arrays['spline_coordinate'],
        arrays[f'{prefix}spline_energy'], is_reference=name == REFERENCE,
    )  # fmt: skip


def _legend(curves: list[plots.PathCurve]) -> tuple[tuple[str, str], ...]:
    names = [curve.name for curve in curves if not curve.is_reference]
    legend = [(plots.colour_of(number), name) for number, name in enumerate(names)]
    has_reference = len(names) < len(curves)
    return (*legend, *([(plots.REFERENCE_COLOUR, 'reference, on the same images')] if has_reference else []))


def _comparisons(facts: BarrierFacts) -> Iterator[Section]:
    """Yield sections on what several potentials say about the path."""
    for number, process in enumerate(facts.later('compare_paths')):
        record = ComparisonRecord.model_validate(process.outputs.comparison.get_dict())
        profiles = process.outputs.profiles
        arrays = {name: profiles.get_array(name) for name in profiles.get_arraynames()}
        names = [*record.potentials, *([REFERENCE] if record.reference is not None else [])]
        curves = [_curve(arrays, f'{name}_', name) for name in names]
        anchor = facts.anchor(f'compare{number}')
        text = '; '.join(f'{name}: {_energy(found.forward)} eV' for name, found in record.potentials.items())
        figure = Figure(plots.energy_profile(curves, anchor), f'Barriers forward. {text}.', _legend(curves))
        lead = 'Several potentials on the same images, none of them relaxed again.'
        yield Section(anchor, 'What other potentials say', lead, (figure,), (_comparison_table(facts, record, number),))


def _temperatures(facts: BarrierFacts) -> Iterator[Section]:
    """Yield sections that put the barrier beside activation energies of diffusion."""
    for number, process in enumerate(facts.later('compare_barriers')):
        record = BarrierTable.model_validate(process.outputs.result.get_dict())
        points = [bullet(note) for note in record.notes]
        if record.difference is not None and record.difference_interval is not None:
            points.insert(0, (
                f'The activation energy of diffusion is {_signed(record.difference, 3)} eV above the barrier forward '
                f'(95 %: {words.typeset_interval(*record.difference_interval)} eV).'
            ))  # fmt: skip
        yield Section(
            facts.anchor(f'temperature{number}'), 'At 0 K and at finite temperature',
            'The barrier of one hop on the relaxed path, beside the activation energy from molecular dynamics.',
            tables=(_temperature_table(facts, record, number),), points=tuple(points),
        )  # fmt: skip


def _doubts(facts: BarrierFacts) -> Section:
    said = [*facts.doubts(), *facts.notes]
    record = facts.record
    if record is not None:
        said += record.flags
        said += [f'Image {index} has no label of the reference: {why}' for index, why in
                 sorted(record.reference_failures.items())]  # fmt: skip
        if _share_of_error(record) > LARGE_ERROR and record.reference is not None:
            said.append(
                f'The potential is {abs(record.reference.error_mev.forward):.0f} meV off, which is '
                f'{100 * _share_of_error(record):.0f} % of the barrier of {record.reference.forward:.3f} eV that '
                f'{_teacher(record)} finds on the same images; its own path may be another one'
            )
        if record.reference is None:
            said.append('The barrier was not checked with the reference, so its error is not known')
        if not record.n_graded:
            said.append('No extrapolation grade was evaluated, so whether the potential knew the images is not known')
    return Section(
        facts.anchor('doubts'), 'What to distrust', points=tuple(dict.fromkeys(bullet(text) for text in said)),
        reason='Nothing stands out: the path has converged, its images are known ground, and the reference has seen '
        'them.',
    )  # fmt: skip


# -- tables -----------------------------------------------------------------------------------------------------------

PROFILE_COLUMNS = (
    Column('source', 'energies by', is_number=False), Column('forward_eV', 'forward', 'eV', decimals=3),
    Column('backward_eV', 'backward', 'eV', decimals=3), Column('reaction_eV', 'last above first', 'eV', decimals=3),
    Column('error_forward_meV', 'error forward', 'meV', decimals=1),
    Column('error_backward_meV', 'error backward', 'meV', decimals=1),
    Column('energy_rmse_meV', 'RMSE of the images', 'meV', decimals=1),
    Column('force_rmse_eV_per_A', 'RMSE of forces', 'eV/Å', decimals=3),
    Column('fmax_eV_per_A', 'largest force across', 'eV/Å', decimals=3),
    Column('resolution_meV', 'open by the number of images', 'meV', decimals=1),
    Column('highest_grade', 'highest grade'),
)  # fmt: skip


def _profile_cells(record: ProfileRecord) -> tuple[Cell, Cell, Cell]:
    return Cell(record.forward), Cell(record.backward), Cell(record.reaction_energy)


def _barrier_tables(facts: BarrierFacts) -> Iterator[Table]:
    """Yield the barriers, of the potential and of the reference."""
    record = facts.record
    if record is None:
        return
    reference, empty = record.reference, Cell()
    errors = (empty, empty, empty, empty)
    if reference is not None:
        error = reference.error_mev
        errors = (
            Cell(error.forward), Cell(error.backward), Cell(reference.energy_rmse_mev), Cell(reference.force_rmse)
        )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [(
        Cell('potential'), *_profile_cells(record), *errors, Cell(record.fmax), Cell(record.resolution_mev),
        Cell(record.highest_grade), *expected_cells(record.expected_force_error),
    )]  # fmt: skip
    if reference is not None:
        rows.append((
            Cell(reference.method or REFERENCE), *_profile_cells(reference), *[empty] * 4, Cell(reference.fmax),
            Cell(reference.resolution_mev), *[empty] * 3,
        ))  # fmt: skip
    yield Table('barrier', f'{facts.title}: barriers', (*PROFILE_COLUMNS, *EXPECTED), rows)


def _image_tables(facts: BarrierFacts) -> Iterator[Table]:
    """Yield the images of the path."""
    arrays = facts.profile
    if 'coordinate' not in arrays:
        return
    count = len(arrays['coordinate'])

    def cells(name: str, factor: float = 1.0) -> list[Cell]:
        values = arrays.get(name)
        return [Cell() if values is None or not np.isfinite(value) else Cell(factor * float(value))
                for value in (np.full(count, np.nan) if values is None else values)]  # fmt: skip

    errors = [
        Cell() if mine.value is None or other.value is None else Cell(1e3 * (mine.value - other.value))  # type: ignore[operator]
        for mine, other in zip(cells('energies'), cells('reference_energies'), strict=True)
    ]
    columns = (
        Column('image', 'image'), Column('coordinate_A', 'distance', 'Å', decimals=3),
        Column('energy_eV', 'energy', 'eV', decimals=3), Column('reference_eV', 'reference', 'eV', decimals=3),
        Column('error_meV', 'error', 'meV', decimals=1),
        Column('tangential_eV_per_A', 'force along', 'eV/Å', decimals=3),
        Column('perpendicular_eV_per_A', 'force across', 'eV/Å', decimals=3), Column('grade', 'grade', decimals=2),
    )  # fmt: skip
    rows = list(zip(
        [Cell(number) for number in range(count)], cells('coordinate'), cells('energies'), cells('reference_energies'),
        errors, cells('tangential_forces'), cells('perpendicular_forces'), cells('grades'), strict=True,
    ))  # fmt: skip
    yield Table('images', f'{facts.title}: images of the path', columns, rows)


def _comparison_table(facts: BarrierFacts, record: ComparisonRecord, number: int) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, found in record.potentials.items():
        errors = (found.error_mev.forward, found.error_mev.backward) if found.error_mev else (None, None)
        rows.append((
            Cell(name), *_profile_cells(found), *map(Cell, errors), Cell(found.energy_rmse_mev), Cell(found.force_rmse),
            Cell(found.fmax), Cell(found.resolution_mev), Cell(found.highest_grade),
        ))  # fmt: skip
    if record.reference is not None:
        numbers = _profile_cells(record.reference)
        ends = Cell(record.reference.fmax), Cell(record.reference.resolution_mev), Cell()
        rows.append((Cell(REFERENCE), *numbers, *[Cell()] * 4, *ends))
    return Table(_numbered('comparison', number), f'{facts.title}: potentials on one path', PROFILE_COLUMNS, rows)


def _temperature_table(facts: BarrierFacts, record: BarrierTable, number: int) -> Table:
    columns = (
        Column('source', 'from', is_number=False), Column('temperature_K', 'T', 'K', is_number=False),
        Column('barrier_eV', 'barrier', 'eV', decimals=3), Column('barrier_95_eV', '95 % interval', 'eV', digits=4),
    )  # fmt: skip
    rows = [(Cell(row.source), Cell(row.temperature), Cell(row.barrier), Cell(row.interval)) for row in record.rows]
    name = _numbered('barrier_and_diffusion', number)
    return Table(name, f'{facts.title}: barrier at 0 K and activation energy of diffusion', columns, rows)


def _numbered(name: str, number: int) -> str:
    return name if number == 0 else f'{name}_{number + 1}'


def _share_of_error(record: BarrierRecord) -> float:
    """Return the error of the barrier forward as a share of that of the reference; 0 if that is not known."""
    if record.reference is None or not record.reference.forward:
        return 0.0
    return abs(1e-3 * record.reference.error_mev.forward / record.reference.forward)


def _energy(value: float) -> str:
    return words.typeset(words.with_uncertainty(value))


def _signed(value: float, digits: int = 2) -> str:
    return f'{"+" if value > 0 else ""}{words.typeset(words.with_uncertainty(value, digits=digits))}'
