"""Report on a `StartsWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.starts.table import StartRecord, StartsTable
from aiida_seimlip.report.property import PropertyFacts, bullet
from aiida_seimlip.report.sections import Figure, NumberTile, Section
from aiida_seimlip.report.starts import pictures, plots
from aiida_seimlip.report.tables import Cell, Column, Table
from aiida_seimlip.science.analysis.rdf import radial_distribution
from aiida_seimlip.science.frames import Frames

CONDENSATION = 'condensation'
PAIRS = (('Li', 'O'), ('Li', 'F'), ('Li', 'Li'), ('C', 'O'), ('P', 'F'), ('O', 'H'))
"""Pairs of elements whose radial distributions are shown, as far as they occur."""
RDF_CUTOFF, RDF_BIN = 7.0, 0.05
MOST_PICTURES = 24
"""So many starts are drawn beside each other; the view that turns has all."""


class StartsFacts(PropertyFacts):
    """Starts, and what was found in the nodes of their WorkChain."""

    @cached_property
    def table(self) -> StartsTable | None:
        """The output `table`."""
        return self.model('table', StartsTable)

    @cached_property
    def starts(self) -> list[StartRecord]:
        """All starts, in the order of the table."""
        return [] if self.table is None else self.table.starts

    def frames(self, name: str) -> Frames | None:
        """Return the configurations of an output, None if it is not there or its arrays were left out of an archive.

        :param name: link label of the output.
        """
        node = self.outputs.get(name)
        if not isinstance(node, FramesData) or node.is_left_out:
            return None
        return node.get_frames()

    @cached_property
    def passed(self) -> dict[str, Frames]:
        """The starts that passed, by name."""
        frames = self.frames('frames')
        if frames is None or self.table is None or len(self.table.names) != len(frames):
            return {}
        return {name: frames[index] for index, name in enumerate(self.table.names)}

    @cached_property
    def packed(self) -> dict[str, Frames]:
        """The packed cells, by name."""
        frames = self.frames('packed')
        names = [start.name for start in self.starts if start.packed_index is not None]
        if frames is None or len(names) != len(frames):
            return {}
        return {start.name: frames[start.packed_index] for start in self.starts if start.packed_index is not None}

    @cached_property
    def ways(self) -> list[plots.Way]:
        """What the engine recorded on the way, start by start."""
        links = self.node.base.links.get_outgoing(
            link_type=LinkType.CALL_WORK, link_label_filter=CONDENSATION
        )  # fmt: skip
        record = next((link.node.outputs.record for link in links.all() if 'record' in link.node.outputs), None)
        if record is None:
            return []
        rows = {name: record.get_array(name) for name in ('frame', 'total', 'temperature', 'density')}
        found = []
        for start in self.starts:
            own = rows['frame'] == (-1 if start.packed_index is None else start.packed_index)
            if own.any():
                calls, temperature, density = (rows[name][own] for name in ('total', 'temperature', 'density'))
                moving = np.where(temperature > 0, temperature, np.nan)
                found.append(plots.Way(start.name, calls, moving, density, start.verdict == 'passed'))
        return found


def starts_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on starts as sections; the first one opens a chapter.

    :param node: a `StartsWorkChain`, in any state.
    """
    facts = StartsFacts(node)
    sections = [_chapter(facts), _compositions(facts), _densities(facts), _pictures(facts), _structure(facts)]
    return [*sections, _doubts(facts), *facts.runs()]


def starts_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of starts that belong into a paper or a notebook.

    :param node: a `StartsWorkChain`, in any state.
    """
    facts = StartsFacts(node)
    return [*_starts_tables(facts), *_units_tables(facts)]


# -- sections ---------------------------------------------------------------------------------------------------------


def _chapter(facts: StartsFacts) -> Section:
    lead = ' '.join(bullet(text) for text in facts.doubts())
    title = 'Amorphous starts'
    if facts.table is None:
        return Section(facts.anchor('starts'), title, lead, is_chapter=True, tiles=(facts.time_tile(),))
    passed, starts = facts.table.passed, facts.starts
    lost = len(starts) - len(passed)
    tiles = [NumberTile(str(len(passed)), '', 'starts of use', f'of {len(starts)}', 'bad' if lost else 'good')]
    sizes = [start.n_atoms for start in passed]
    if sizes:
        size = f'{min(sizes)} to {max(sizes)}' if min(sizes) < max(sizes) else str(sizes[0])
        tiles.append(NumberTile(size, '', 'atoms each', f'{sum(sizes)} in all'))
    values = [start.density for start in passed if start.density is not None]
    if values:
        tiles.append(NumberTile(f'{np.median(values):.2f}', 'g/cm³', 'median density', _range(values)))
    broken = sum(start.n_broken > 0 for start in passed)
    tiles.append(NumberTile(str(broken), '', 'with broken units', 'of those of use', 'bad' if broken else ''))
    forces = [start.max_force for start in passed if start.max_force is not None]
    if forces:
        tiles.append(NumberTile(f'{max(forces):.2f}', 'eV/Å', 'largest force left'))
    tiles.append(facts.time_tile())
    return Section(facts.anchor('starts'), title, lead, is_chapter=True, tiles=tuple(tiles))


def _range(values: list[float]) -> str:
    return f'{min(values):.2f} to {max(values):.2f}'


def _compositions(facts: StartsFacts) -> Section:
    anchor, title = facts.anchor('compositions'), 'What they are made of'
    if not facts.starts:
        return Section(anchor, title, reason='No start is known.')
    svg = plots.composition_map(
        [start.name for start in facts.starts], [start.counts for start in facts.starts], anchor
    )  # fmt: skip
    text = 'Number of each molecule in each start; the darker, the nearer to the largest number of it.'
    return Section(anchor, title, text, (Figure(svg, text),))


def _densities(facts: StartsFacts) -> Section:
    anchor, title = facts.anchor('densities'), 'How dense they are'
    rows = [
        plots.DensityRow(start.name, start.packed_density, start.density, start.verdict == 'passed')
        for start in facts.starts
    ]
    if not any(row.packed is not None for row in rows):
        return Section(anchor, title, reason='No density is known.')
    text = 'Density after packing (open), and at the end (full).'
    legend = ((plots.PACKED, 'packed'), (plots.PASSED, 'at the end, of use'), (plots.OTHERS, 'at the end, dropped'))
    figures = [Figure(plots.densities(rows, anchor), text, legend)]
    if facts.ways:
        text += ' Below: on the way, as the engine recorded it.'
        described = 'Density and temperature of each start, by the calls of the model.'
        figures.append(Figure(plots.on_the_way(facts.ways, f'{anchor}-way'), described))
    return Section(anchor, title, text, tuple(figures), (*_starts_tables(facts), *_units_tables(facts)))


def _pictures(facts: StartsFacts) -> Section:
    anchor, title = facts.anchor('pictures'), 'What they look like'
    shown = {**facts.packed, **facts.passed}
    if not shown:
        return Section(anchor, title, reason='There are no frames to draw.')
    verdicts = {start.name: start.verdict for start in facts.starts}
    drawn = [
        pictures.Picture(name if name in facts.passed else f'{name} (packed only)', frame,
                         '' if verdicts.get(name) == 'passed' else 'bad')
        for name, frame in list(shown.items())[:MOST_PICTURES]
    ]  # fmt: skip
    states = []
    for start in facts.starts:
        found = [
            pictures.Picture(label, frames[start.name])
            for label, frames in (('at the end', facts.passed), ('packed', facts.packed)) if start.name in frames
        ]  # fmt: skip
        if found:
            states.append((start.name, _note(start), found))
    symbols = Frames.concatenate(list(shown.values())).elements
    left = len(shown) - len(drawn)
    lead = 'Bonded units are put together where they reach through the boundary of the cell.'
    if left > 0:
        lead += f' The first {len(drawn)} are drawn; below, all {len(shown)} can be turned.'
    figure = Figure(
        pictures.gallery(drawn, anchor), f'The atoms of {len(drawn)} starts in their cells.', pictures.legend(symbols)
    )
    return Section(anchor, title, lead, (figure,), views=(pictures.turnable(states),))


def _note(start: StartRecord) -> str:
    """Say what a start is, below its picture."""
    parts = ', '.join(f'{count} {molecule}' for molecule, count in start.counts.items())
    verdict = '' if start.verdict == 'passed' else f' {(start.reason or start.verdict).rstrip(".")}.'
    density = '' if start.density is None else f', {start.density:.2f} g/cm³'
    return f'{start.n_atoms} atoms: {parts}{density}.{verdict}'


def _structure(facts: StartsFacts) -> Section:
    anchor, title = facts.anchor('rdf'), 'Who is near whom'
    if not facts.passed:
        return Section(anchor, title, reason='No start passed.')
    frames = Frames.concatenate(list(facts.passed.values()))
    known = set(frames.elements)
    pairs = [pair for pair in PAIRS if set(pair) <= known][: len(plots.PAIR_COLOURS)]
    pairs = pairs or [(frames.elements[0], frames.elements[0])]
    found = radial_distribution(frames, pairs=pairs, cutoff=RDF_CUTOFF, bin_width=RDF_BIN)
    curves = [plots.PairCurve('–'.join(pair.pair), pair.r, pair.g) for pair in found.pairs]
    legend = tuple(zip(plots.PAIR_COLOURS, (curve.name for curve in curves), strict=False))
    shells = [(pair, pair.first_shell()) for pair in found.pairs]
    points = tuple(
        f'{"–".join(pair.pair)}: first peak at {shell.peak:.2f} Å, {shell.coordination:.1f} neighbours within '
        f'{shell.minimum:.2f} Å.'
        for pair, shell in shells if shell is not None
    )  # fmt: skip
    text = f'Radial distributions over the {len(frames)} starts of use; peaks of bonds are cut off.'
    return Section(
        anchor, title, text, (Figure(plots.radial_distributions(curves, anchor), text, legend),), points=points
    )


def _doubts(facts: StartsFacts) -> Section:
    said = [*facts.doubts(), *facts.notes, *([] if facts.table is None else facts.table.warnings)]
    for start in facts.starts:
        if start.verdict != 'passed':
            said.append(f'{start.name} is left out: {start.reason}')
    for start in facts.starts:
        said += [f'{start.name}: {doubt}' for doubt in start.doubts]
    return Section(
        facts.anchor('doubts'), 'What to distrust', points=tuple(dict.fromkeys(bullet(text) for text in said)),
        reason='Nothing stands out: every start passed, is relaxed, and its units are whole.',
    )  # fmt: skip


# -- tables -----------------------------------------------------------------------------------------------------------

COLUMNS = (
    Column('name', 'start', is_number=False), Column('composition', 'composition', is_number=False),
    Column('n_atoms', 'atoms'), Column('packing', 'packed by', is_number=False, in_paper=False),
    Column('packed_density_g_per_cm3', 'packed', 'g/cm³', decimals=2),
    Column('density_g_per_cm3', 'density', 'g/cm³', decimals=2),
    Column('energy_per_atom_eV', 'energy', 'eV/atom', decimals=3),
    Column('max_force_eV_per_A', 'largest force', 'eV/Å', decimals=2),
    Column('pressure_GPa', 'pressure', 'GPa', decimals=2),
    Column('temperature_range_K', 'temperatures', 'K', digits=4, in_paper=False),
    Column('shortest_distance_A', 'shortest distance', 'Å', decimals=2, in_paper=False),
    Column('broken_units', 'broken units'), Column('verdict', 'verdict', is_number=False),
)  # fmt: skip


def _starts_tables(facts: StartsFacts) -> Iterator[Table]:
    """Yield the table of all starts."""
    if not facts.starts:
        return
    rows = [
        (
            Cell(start.name), Cell(' '.join(f'{count} {name}' for name, count in start.counts.items())),
            Cell(start.n_atoms), Cell(start.packing), Cell(start.packed_density), Cell(start.density),
            Cell(start.energy_per_atom), Cell(start.max_force), Cell(start.pressure), Cell(start.temperature_range),
            Cell(start.shortest_distance), Cell(start.n_broken), Cell(start.verdict),
        )
        for start in facts.starts
    ]  # fmt: skip
    method = next((start.method for start in facts.starts if start.method), '')
    by = f'; energies, forces and pressures by {method}' if method else ''
    used = [number for number in range(len(COLUMNS)) if any(row[number].value not in (None, '') for row in rows)]
    yield Table(
        'starts',
        f'All starts{by}',
        [COLUMNS[number] for number in used],
        [[row[number] for number in used] for row in rows],
    )


def _units_tables(facts: StartsFacts) -> Iterator[Table]:
    """Yield what became of the units that broke, if some did."""
    rows = [
        (
            Cell(start.name), Cell(name), Cell(units.n_packed), Cell(units.n_whole),
            Cell(', '.join(f'{count} {piece}' for piece, count in units.pieces.items())),
        )
        for start in facts.starts for name, units in start.units.items() if units.n_whole < units.n_packed
    ]  # fmt: skip
    columns = (
        Column('name', 'start', is_number=False), Column('unit', 'unit', is_number=False), Column('packed', 'packed'),
        Column('whole', 'whole'), Column('pieces', 'became', is_number=False),
    )  # fmt: skip
    if rows:
        yield Table('broken_units', 'Units that broke, and what they became', columns, rows)
