"""Report on a `ConductivityWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.options.transport.results import ConductivityPoint, ConductivityResults, DiffusionPoint
from aiida_seimlip.report import style, words
from aiida_seimlip.report.expected import EXPECTED, expected_cells
from aiida_seimlip.report.property import PropertyFacts, bullet
from aiida_seimlip.report.sections import Figure, NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table
from aiida_seimlip.report.transport import plots
from aiida_seimlip.report.transport.diffusivity import band_of, diffusivity_sections, grade_tile
from aiida_seimlip.report.transport.doubts import doubts_of_transport
from aiida_seimlip.report.transport.tables import TEMPERATURE, DiffusivityFacts, diffusivity_tables

UNKNOWN = (float('nan'), float('nan'))
ELEMENTARY_CHARGE = 1.602176634e-19
BOLTZMANN = 1.380649e-23


class ConductivityFacts(PropertyFacts):
    """A conductivity and what was found in its nodes."""

    @cached_property
    def results(self) -> ConductivityResults | None:
        """The output `conductivity`."""
        return self.model('conductivity', ConductivityResults)

    @property
    def points(self) -> list[ConductivityPoint]:
        """The temperatures, rising."""
        return self.results.points if self.results else []

    @cached_property
    def diffusivity(self) -> orm.WorkChainNode | None:
        """The WorkChain whose diffusivity this rests on: the one that was run, or that gave the input."""
        for process in self.called:
            if isinstance(process, orm.WorkChainNode) and process.process_label == 'DiffusivityWorkChain':
                return process
        node = self.inputs_of(self.node).get('finished__diffusivity')
        links = [] if node is None else node.base.links.get_incoming(link_type=LinkType.RETURN).all()
        return next((link.node for link in links if isinstance(link.node, orm.WorkChainNode)
                     and link.node.process_label == 'DiffusivityWorkChain'), None)  # fmt: skip

    @cached_property
    def graded(self) -> list[DiffusionPoint]:
        """The temperatures of the diffusivity, which know how many frames were graded."""
        return DiffusivityFacts(self.diffusivity).points if self.diffusivity is not None else []

    @cached_property
    def arrhenius_samples(self) -> np.ndarray | None:
        """Samples of (ln D0, Ea) of the diffusivity, if there are any."""
        nodes = (self.outputs.get('diffusivity__posterior'), self.inputs_of(self.node).get('finished__posterior'))
        node = next((node for node in nodes if isinstance(node, orm.ArrayData)), None)
        return node.get_array('arrhenius') if node is not None and 'arrhenius' in node.get_arraynames() else None

    @cached_property
    def subject(self) -> str:
        """The material in words, that of the diffusivity."""
        return PropertyFacts(self.diffusivity).subject if self.diffusivity is not None else ''

    @cached_property
    def title(self) -> str:
        """What was computed of what."""
        ions = ', '.join(self.results.mobile) if self.results else 'ions'
        return f'Conduction by {ions} in {self.subject}' if self.subject else f'Conduction by {ions}'

    @cached_property
    def colours(self) -> dict[str, str]:
        """The colour of each temperature, by its key."""
        return {point.key: plots.COLOURS[n % len(plots.COLOURS)] for n, point in enumerate(self.points)}


def conductivity_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on a conductivity as sections, then that on the diffusivity it rests on; each has a chapter.

    :param node: a `ConductivityWorkChain`, in any state.
    """
    facts = ConductivityFacts(node)
    sections = [_chapter(facts), _conduction(facts), _doubts(facts), *facts.runs()]
    return [*sections, *(diffusivity_sections(facts.diffusivity) if facts.diffusivity is not None else [])]


def conductivity_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables of a conductivity that belong into a paper, and those of its diffusivity.

    :param node: a `ConductivityWorkChain`, in any state.
    """
    facts = ConductivityFacts(node)
    own = [_table(facts), _carriers_table(facts), *_aim_tables(facts)] if facts.points else []
    return [*own, *(diffusivity_tables(facts.diffusivity) if facts.diffusivity is not None else [])]


# -- sections ---------------------------------------------------------------------------------------------------------


def _chapter(facts: ConductivityFacts) -> Section:
    results = facts.results
    lead = ' '.join(bullet(text) for text in facts.doubts())
    tiles: list[NumberTile] = []
    if results is not None:
        lead = f'{lead} {bullet(results.counted_as)}'.strip()
        if results.extrapolation is not None:
            aim = results.extrapolation
            kind = 'extrapolated' if aim.is_extrapolated else 'within the data'
            tiles += [
                NumberTile(
                    words.typeset(words.with_uncertainty(value, digits=2)), unit, f'σ at {aim.temperature:g} K, {kind}',
                    f'95 %: {words.typeset_interval(*interval)}',
                ) for value, unit, interval in (
                    (aim.sigma, 'S/m', aim.interval), (aim.sigma_s_per_cm, 'S/cm', aim.interval_s_per_cm)
                )
            ]  # fmt: skip
        tiles.append(grade_tile(facts.graded))
    tiles.append(facts.time_tile())
    return Section(facts.anchor('conduction'), facts.title, lead, is_chapter=True, tiles=tuple(tiles))


def _conduction(facts: ConductivityFacts) -> Section:
    anchor, title = facts.anchor('sigma'), 'How well it conducts'
    points = list(_points(facts, 'sigma'))
    if not points:
        return Section(anchor, title, reason='There is no conductivity to draw.')
    collective, haven = list(_points(facts, 'collective_sigma')), list(_points(facts, 'haven_ratio'))
    lead = (
        'Conductivities with their 95 % intervals. Circles: Nernst–Einstein, as if ions moved without heeding each '
        'other; filled where the temperature is in the Arrhenius fit of the diffusivity, hollow where it is left out.'
    )
    if collective:
        lead += ' Squares, moved aside a little: from the collective displacement of all ions.'
    if haven:
        lead += ' The Haven ratio is the first divided by the second, both for all mobile ions.'
    svg = plots.conduction(points, collective, haven, _band(facts, points), _aim(facts), salt=anchor)
    text = '; '.join(f'{point.temperature:g} K: {point.value:.2g} S/m' for point in points)
    legend = tuple((facts.colours[point.key], f'{point.temperature:g} K') for point in facts.points)
    tables = (_table(facts), _carriers_table(facts), *_aim_tables(facts))
    return Section(anchor, title, lead, (Figure(svg, f'Conductivities. {text}.', legend),), tables)


def _points(facts: ConductivityFacts, name: str) -> Iterator[plots.Point]:
    for point in facts.points:
        value = getattr(point, name)
        low, high = getattr(point, f'{name}_interval') or UNKNOWN
        if value is not None:
            yield plots.Point(point.temperature, value, low, high, point.used_in_fit, facts.colours[point.key])


def _aim(facts: ConductivityFacts) -> plots.Point | None:
    aim = facts.results.extrapolation if facts.results else None
    if aim is None:
        return None
    return plots.Point(aim.temperature, aim.sigma, *aim.interval, not aim.is_extrapolated, style.INK)


def _band(facts: ConductivityFacts, points: list[plots.Point]) -> plots.Band | None:
    """Return the band of the diffusivity times what turns it into a conductivity, with the density of the aim.

    The Nernst–Einstein relation: sigma = n z² e² D / (k T).
    """
    results = facts.results
    samples = facts.arrhenius_samples
    if results is None or results.extrapolation is None or samples is None:
        return None
    aim = results.extrapolation
    band = band_of(samples, [*(point.temperature for point in points), aim.temperature])
    charge = results.charge * ELEMENTARY_CHARGE
    factor = aim.carrier_density * charge**2 / (BOLTZMANN * band.temperatures)
    return plots.Band(band.temperatures, factor * band.median, factor * band.low, factor * band.high)


def _doubts(facts: ConductivityFacts) -> Section:
    points = tuple(dict.fromkeys(bullet(text) for text in _all_doubts(facts)))
    return Section(
        facts.anchor('doubts'), 'What to distrust', points=points,
        reason='Nothing stands out beyond what is said of the diffusivity.',
    )  # fmt: skip


def _all_doubts(facts: ConductivityFacts) -> Iterator[str]:
    """Say what a reader must know before using the numbers."""
    results = facts.results
    yield from doubts_of_transport(facts, results)
    if results is None:
        return
    aim = results.extrapolation
    if aim is not None and aim.is_extrapolated:
        yield (
            f'σ at {aim.temperature:g} K is extrapolated, with the density of carriers of the cell: in the material '
            'itself the number of defects changes with the temperature'
        )
    if facts.diffusivity is not None:
        yield 'What is to be distrusted of the diffusivity, below, holds here as well'
    if not any(point.haven_ratio is not None for point in results.points):
        yield 'There is no Haven ratio: whether ions push or hinder each other is not known'


# -- tables -----------------------------------------------------------------------------------------------------------


def _table(facts: ConductivityFacts) -> Table:
    columns = (
        TEMPERATURE, Column('sigma_S_per_m', 'σ', 'S/m'), Column('sigma_95_S_per_m', '95 % interval', 'S/m'),
        Column('sigma_S_per_cm', 'σ', 'S/cm'), Column('collective_S_per_m', 'collective σ', 'S/m'),
        Column('collective_95_S_per_m', '95 % interval', 'S/m'), Column('haven', 'Haven ratio'),
        Column('haven_95', '95 % interval'), Column('in_fit', 'in the fit', is_number=False),
    )  # fmt: skip
    rows = [
        (Cell(p.temperature), Cell(p.sigma), Cell(p.sigma_interval), Cell(p.sigma_s_per_cm), Cell(p.collective_sigma),
         Cell(p.collective_sigma_interval), Cell(p.haven_ratio), Cell(p.haven_ratio_interval), Cell(p.used_in_fit))
        for p in facts.points
    ]  # fmt: skip
    return Table('conductivity', f'{facts.title}: conductivities', columns, rows)


def _carriers_table(facts: ConductivityFacts) -> Table:
    columns = (
        TEMPERATURE, Column('carriers', 'carriers in the cell'), Column('volume_A3', 'volume', 'Å³', digits=5),
        Column('density_per_m3', 'carrier density', 'm⁻³'), Column('D_m2_per_s', 'D', 'm²/s'),
        Column('D_95_m2_per_s', '95 % interval', 'm²/s'),
        Column('above_threshold', 'frames out of domain', is_share=True), Column('highest_grade', 'highest grade'),
        *EXPECTED,
        Column('flags', 'what is doubtful', is_number=False, in_paper=False),
    )  # fmt: skip
    rows = [
        (Cell(p.temperature), Cell(p.n_carriers), Cell(p.volume), Cell(p.carrier_density), Cell(p.D),
         Cell(p.D_interval), Cell(p.share_above_threshold), Cell(p.highest_grade),
         *expected_cells(p.expected_force_error), Cell('; '.join(p.flags)))
        for p in facts.points
    ]  # fmt: skip
    return Table('carriers', f'{facts.title}: carriers and what the conductivities rest on', columns, rows)


def _aim_tables(facts: ConductivityFacts) -> Iterator[Table]:
    aim = facts.results.extrapolation if facts.results else None
    if aim is None:
        return
    columns = (
        TEMPERATURE, Column('sigma_S_per_m', 'σ', 'S/m'), Column('sigma_95_S_per_m', '95 % interval', 'S/m'),
        Column('sigma_S_per_cm', 'σ', 'S/cm'), Column('sigma_95_S_per_cm', '95 % interval', 'S/cm'),
        Column('density_per_m3', 'carrier density', 'm⁻³'), Column('extrapolated', 'extrapolated', is_number=False),
    )  # fmt: skip
    row = (
        Cell(aim.temperature), Cell(aim.sigma), Cell(aim.interval), Cell(aim.sigma_s_per_cm),
        Cell(aim.interval_s_per_cm), Cell(aim.carrier_density), Cell(aim.is_extrapolated),
    )  # fmt: skip
    yield Table('conductivity_aim', f'{facts.title}: at the temperature of interest', columns, [row])
