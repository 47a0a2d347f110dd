"""Report on a `ComparisonWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.options.comparison.results import CompareResults, Part, QuantityRecord
from aiida_seimlip.options.models.comparison import LABELS
from aiida_seimlip.report import words
from aiida_seimlip.report.barrier.plots import REFERENCE_COLOUR, PathCurve, colour_of, energy_profile
from aiida_seimlip.report.comparison.plots import Distribution, Point, distributions, error_against_speed
from aiida_seimlip.report.models.evaluate import evaluate_sections
from aiida_seimlip.report.property import PropertyFacts, bullet, known
from aiida_seimlip.report.sections import Figure, NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table

TITLE = 'Models side by side'
REFERENCE = 'reference'
"""Name of the reference among paths, and of its frames among radial distributions."""
PARTS: dict[Part, tuple[str, str]] = {
    'errors': ('Errors on the same frames', 'Of components of forces and stresses, and of the energy per atom.'),
    'crystals': ('Crystals', 'Each model at its own minimum.'),
    'barriers': ('Barriers along the same path', 'All models on the same images.'),
    'structure': ('Structure', 'From short dynamics with each model.'),
    'speed': ('Speed', 'Of the same short dynamics, one run after the other.'),
}  # fmt: skip
"""Title and lead of each part."""
N_PANELS = 3
"""Panels side by side."""


class CompareFacts(PropertyFacts):
    """A comparison and what was found in its nodes."""

    subject_inputs = ('start',)

    @cached_property
    def results(self) -> CompareResults | None:
        """The output `comparison`."""
        return self.model('comparison', CompareResults)

    @cached_property
    def models(self) -> list[str]:
        """Names of the models in order."""
        if self.results is None:
            return []
        names = [*self.results.methods, *(name for one in self.results.quantities for name in one.values)]
        return list(dict.fromkeys(names))

    def child(self, name: str) -> orm.WorkChainNode | None:
        """Return a process that did a part of the comparison, None if there is none.

        :param name: label of the link to it.
        """
        links = self.node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
        found = [link.node for link in links if link.link_label == name]
        return found[0] if found and isinstance(found[0], orm.WorkChainNode) else None


def compare_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on models side by side as sections; the first one opens a chapter.

    :param node: a `ComparisonWorkChain`, in any state.
    """
    facts = CompareFacts(node)
    if facts.results is None:
        return [_chapter(facts), *facts.runs()]
    sections = [_chapter(facts)]
    for part, (title, lead) in PARTS.items():
        quantities = [one for one in facts.results.quantities if one.part == part]
        figures = tuple(_figures(facts, part))
        if quantities or figures:
            tables: tuple[Table, ...] = (quantities_table(facts.models, quantities, f'comparison_{part}', title),)
            if part == 'speed':
                tables = (*tables, speeds_table(facts.results))
            said = f'{lead} {_against(facts.results, part)}'.strip()
            sections.append(Section(facts.anchor(part), title, said, figures, tables))
    sections += list(_parity(facts))
    return [*sections, *_differences(facts.results, facts), *_doubts(facts), *facts.runs()]


def compare_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables on models side by side, for a paper or a notebook.

    :param node: a `ComparisonWorkChain`, in any state.
    """
    facts = CompareFacts(node)
    if facts.results is None:
        return []
    every = (
        quantities_table(facts.models, facts.results.quantities, 'comparison', TITLE),
        differences_table(facts.results), speeds_table(facts.results),
    )  # fmt: skip
    return [table for table in every if table.rows]


def quantities_table(models: Sequence[str], quantities: Sequence[QuantityRecord], name: str, caption: str) -> Table:
    """Return quantities as rows and models as columns; the best model is named where it is better beyond chance.

    :param models: names in order.
    :param quantities: to show.
    :param name: of the table.
    :param caption: of the table.
    """
    columns = [
        Column('quantity', 'quantity', is_number=False), Column('of', 'of', is_number=False),
        Column('unit', 'unit', is_number=False),
        Column('reference', 'reference', on_page=any(one.reference is not None for one in quantities)),
    ]  # fmt: skip
    columns += [Column(model, model) for model in models]
    columns += [Column('best', 'best', is_number=False)]
    rows = []
    for one in quantities:
        reference = Cell() if one.reference is None else Cell(one.reference.value, one.reference.error)
        cells = [
            Cell(one.values[model].value, one.values[model].error, is_best=model == one.best)
            if model in one.values else Cell() for model in models
        ]  # fmt: skip
        rows.append([Cell(one.name), Cell(one.of), Cell(one.unit), reference, *cells, Cell(one.best or '')])
    return Table(name, caption, columns, rows)


def differences_table(found: CompareResults) -> Table:
    """Return the differences of every two models with their intervals, as far as there are any.

    :param found: what was found.
    """
    columns = (
        Column('quantity', 'quantity', is_number=False), Column('of', 'of', is_number=False),
        Column('unit', 'unit', is_number=False), Column('one', 'model', is_number=False),
        Column('other', 'less', is_number=False), Column('difference', 'difference'),
        Column('interval', 'interval'), Column('better', 'better', is_number=False),
    )  # fmt: skip
    rows = [
        [
            Cell(one.name if one.goal != 'reference' else f'{one.name}, distance from the reference'), Cell(one.of),
            Cell(one.unit), Cell(record.one), Cell(record.other), Cell(record.difference),
            Cell(None if record.low is None or record.high is None else (record.low, record.high)),
            Cell(record.better or ''),
        ]
        for one in found.quantities for record in one.differences if record.low is not None
    ]  # fmt: skip
    return Table('differences', 'Differences of every two models', columns, rows)


def speeds_table(found: CompareResults) -> Table:
    """Return what ran the dynamics of each model, how fast, and what its accuracy costs.

    :param found: what was found.
    """
    columns = (
        Column('model', 'model', is_number=False), Column('engine', 'engine', is_number=False),
        Column('code', 'code', is_number=False, in_paper=False), Column('n_atoms', 'atoms'), Column('n_runs', 'runs'),
        Column('milliseconds_per_step', 'time of a step', 'ms'),
        Column('force_rmse_ev_per_angstrom', 'force RMSE', 'eV/Å'),
        Column('beaten_by', 'better and faster', is_number=False),
    )  # fmt: skip
    costs = {cost.model: cost for cost in found.costs}
    rows = []
    for name, speed in found.speeds.items():
        cost = costs.get(name)
        rows.append([
            Cell(name), Cell(speed.engine), Cell(speed.code), Cell(speed.n_atoms), Cell(speed.n_runs),
            Cell(1000.0 * speed.seconds_per_step),
            Cell(None if cost is None else cost.force_rmse_ev_per_angstrom.value),
            Cell('' if cost is None else ', '.join(cost.beaten_by)),
        ])  # fmt: skip
    return Table('speeds', 'Speed and cost', columns, rows)


# -- sections ---------------------------------------------------------------------------------------------------------


def _chapter(facts: CompareFacts) -> Section:
    found = facts.results
    lead = ' '.join(bullet(text) for text in facts.doubts())
    tiles = []
    if found is not None:
        models = '; '.join(f'{name}: {method}' for name, method in found.methods.items())
        lead = (
            f'{lead} Models: {models}. A model is called the best of a row where it is better than every other one '
            f'beyond chance ({100 * found.confidence:g} %).'
        ).strip()
        tiles = list(_tiles(found))
    tiles.append(facts.time_tile())
    return Section(facts.anchor('chapter'), TITLE, lead, is_chapter=True, tiles=tuple(tiles))


def _tiles(found: CompareResults) -> Iterator[NumberTile]:
    """Yield the most accurate and the fastest model."""
    for key, label in (('force_rmse', 'most accurate forces'), ('ns_per_day', 'fastest')):
        one = next((one for one in found.quantities if (one.key, one.of) == (key, '')), None)
        if one is None or not one.values:
            continue
        order = sorted(one.values, key=lambda name: one.values[name].value, reverse=one.goal == 'highest')
        value = f'{words.number(one.values[order[0]].value)} {one.unit}'
        beyond = 'beyond chance' if one.best == order[0] else 'not beyond chance'
        yield NumberTile(order[0], '', label, f'{value}; {beyond}' if len(order) > 1 else value)


def _against(found: CompareResults, part: Part) -> str:
    """Return what the numbers of a part are compared with, in a sentence."""
    references = {'errors': found.error_reference, 'crystals': found.crystal_reference}
    reference = references.get(part, found.reference)
    if part == 'speed':
        return ''
    if reference is None:
        return 'There is no reference among the models.' if part != 'crystals' else (
            'There is no reference among the models: lattices are compared with experiment, where it is known.'
        )  # fmt: skip
    return f'Compared with {"the labels that frames carry" if reference == LABELS else reference}.'


def _figures(facts: CompareFacts, part: Part) -> Iterator[Figure]:
    if part == 'barriers':
        yield from _profiles(facts)
    elif part == 'structure':
        yield from _structure(facts)
    elif part == 'speed':
        yield from _costs(facts)


def _costs(facts: CompareFacts) -> Iterator[Figure]:
    assert facts.results is not None
    points = [
        Point(
            cost.model, cost.ns_per_day.value, known(cost.ns_per_day.error), cost.force_rmse_ev_per_angstrom.value,
            known(cost.force_rmse_ev_per_angstrom.low), known(cost.force_rmse_ev_per_angstrom.high),
        )
        for cost in facts.results.costs
    ]  # fmt: skip
    if points:
        svg = error_against_speed(points, facts.models, facts.anchor('cost'))
        yield Figure(svg, 'Error of the forces of each model against its speed; better is to the lower right.')


def _structure(facts: CompareFacts) -> Iterator[Figure]:
    node = facts.outputs.get('rdf')
    if not isinstance(node, orm.ArrayData):
        return
    attributes, arrays = node.base.attributes.all, facts.arrays('rdf')
    names = [name for name in (*facts.models, REFERENCE) if name in attributes]
    pairs = {
        pair['key']: f'{pair["centre"]}–{pair["neighbour"]}' for name in names for pair in attributes[name]['pairs']
    }
    assert facts.results is not None
    source = REFERENCE if REFERENCE in names else facts.results.reference
    panels = [
        (
            title,
            [
                Distribution(
                    name, arrays[f'{name}_{key}_r'], arrays[f'{name}_{key}_g'], arrays[f'{name}_{key}_g_error'],
                    name == source,
                )
                for name in names if f'{name}_{key}_r' in arrays
            ],
        )
        for key, title in pairs.items()
    ]  # fmt: skip
    legend = tuple(
        (REFERENCE_COLOUR if name == source else colour_of(facts.models.index(name)), name) for name in names
    )
    for begin in range(0, len(panels), N_PANELS):
        part = panels[begin : begin + N_PANELS]
        svg = distributions(part, facts.models, facts.anchor(f'rdf-{begin}'))
        text = f'Radial distributions of {", ".join(title for title, _ in part)} by {", ".join(names)}.'
        yield Figure(svg, text, legend if begin + N_PANELS >= len(panels) else ())


def _profiles(facts: CompareFacts) -> Iterator[Figure]:
    """Yield the energies along each path by all models."""
    assert facts.results is not None
    for path, record in facts.results.paths.items():
        arrays = facts.arrays(f'profiles__{path}')
        models = [name for name in facts.models if name in record.potentials]
        names = [*models, *([REFERENCE] if record.reference is not None else [])]
        curves = [
            PathCurve(
                name, arrays['coordinate'], arrays[f'{name}_energies'], arrays['spline_coordinate'],
                arrays[f'{name}_spline_energy'], is_reference=name == REFERENCE and record.reference is not None,
            )
            for name in names if f'{name}_energies' in arrays
        ]  # fmt: skip
        if curves:
            legend = [(colour_of(number), name) for number, name in enumerate(models)]
            legend += [(REFERENCE_COLOUR, str(facts.results.reference))] if record.reference is not None else []
            svg = energy_profile(curves, facts.anchor(f'path-{path}'))
            yield Figure(svg, f'Energies along the path {path} by {", ".join(names)}.', tuple(legend))


def _parity(facts: CompareFacts) -> Iterator[Section]:
    """Yield the parity of each model, as the report on the errors has it."""
    child = facts.child('errors')
    if child is not None:
        yield from (section for section in evaluate_sections(child) if section.figures)


def _differences(found: CompareResults, facts: CompareFacts) -> Iterator[Section]:
    table = differences_table(found)
    if table.rows:
        lead = (
            'Of errors, frames are drawn for both models alike (paired bootstrap); of other numbers, from their '
            'standard errors. Who is better is said where the interval does not hold 0.'
        )
        yield Section(facts.anchor('differences'), 'Differences of every two models', lead, tables=(table,))


def _doubts(facts: CompareFacts) -> Iterator[Section]:
    assert facts.results is not None
    missing = [f'{name}: {reason}' for name, reason in facts.results.missing.items()]
    points = tuple(dict.fromkeys(bullet(text) for text in (*missing, *facts.results.doubts)))
    if points:
        yield Section(facts.anchor('doubts'), 'What to distrust', points=points)
