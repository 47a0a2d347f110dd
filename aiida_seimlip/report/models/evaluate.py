"""Report on an `EvaluateWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from aiida import orm
from ase.data import atomic_numbers

from aiida_seimlip.options.models.comparison_results import EvaluationComparison, ParityRecord, SamplePlan
from aiida_seimlip.report.models.comparison import (
    ERRORS,
    MODEL,
    chapter_of,
    doubts_of,
    end_sections,
    error_cells,
    limits,
    paired,
    plan_of,
    worst_table,
)
from aiida_seimlip.report.models.comparison_plots import Cloud, parity
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Figure, Section
from aiida_seimlip.report.tables import Cell, Column, Table
from aiida_seimlip.science.frames import Frames

TITLE = 'Errors on a test set'
ALL = 'all frames'


def evaluate_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on errors as sections; the first one opens a chapter.

    :param node: an `EvaluateWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    found = facts.model('properties', EvaluationComparison)
    if found is None:
        return [chapter_of(facts, TITLE, None), *facts.runs()]
    plan = plan_of(facts)
    drawn = [figure for name in found.models for figure in _figures(facts, found, plan, name)]
    points = [*doubts_of(found, found.models), *_spread(found)]
    return [chapter_of(facts, TITLE, found), *drawn, *end_sections(facts, _tables(found), points)]


def evaluate_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables on errors, for a paper or a notebook.

    :param node: an `EvaluateWorkChain`, in any state.
    """
    found = PropertyFacts(node).model('properties', EvaluationComparison)
    return [] if found is None else [table for table in _tables(found) if table.rows]


def _tables(found: EvaluationComparison) -> list[Table]:
    models = found.models
    return [
        errors_table(models),
        bias_table(models),
        elements_table(models),
        worst_table({name: one.worst for name, one in models.items()}),
    ]


def errors_table(models: Mapping[str, ParityRecord]) -> Table:
    """Return the errors of each model on all frames, and on those of each composition, temperature and source.

    :param models: by name.
    """
    rows = []
    for name, record in models.items():
        groups = {
            'composition': record.by_formula, 'temperature': record.by_temperature_k, 'source': record.by_source,
        }  # fmt: skip
        if record.total is not None:
            rows.append([Cell(name), Cell(ALL), Cell(''), *error_cells(record.total)])
        for kind, parts in groups.items():
            unit = ' K' if kind == 'temperature' else ''
            rows += [[Cell(name), Cell(kind), Cell(f'{label}{unit}'), *error_cells(part)]
                     for label, part in parts.items() if len(parts) > 1]  # fmt: skip
    columns = (MODEL, Column('of', 'of', is_number=False), Column('which', 'which', is_number=False), *ERRORS)
    return Table('errors', 'Errors, with bootstrap intervals', columns, rows)


def bias_table(models: Mapping[str, ParityRecord]) -> Table:
    """Return what all energies of a model are off by, and what is left without that.

    :param models: by name.
    """
    rows = [
        [
            Cell(name), Cell(record.energy_bias_mev_per_atom), Cell(record.energy_scatter_mev_per_atom),
            Cell(record.highest_grade), Cell(record.n_learned), Cell(len(record.failed_frames)),
        ]
        for name, record in models.items() if record.total is not None
    ]  # fmt: skip
    columns = (
        MODEL, Column('energy_bias_mev_per_atom', 'energy bias', 'meV/atom'),
        Column('energy_scatter_mev_per_atom', 'energy RMSE about the bias', 'meV/atom'),
        Column('highest_grade', 'highest grade', digits=2), Column('n_learned', 'frames learned from'),
        Column('n_failed', 'frames that failed'),
    )  # fmt: skip
    return Table('energy_bias', 'What the energies of each model are off by, on all frames', columns, rows)


def elements_table(models: Mapping[str, ParityRecord]) -> Table:
    """Return the errors of the forces on the atoms of each element.

    :param models: by name.
    """
    rows = [
        [
            Cell(name), Cell(symbol), Cell(part.n_frames), Cell(part.rmse.value), Cell(limits(part.rmse)),
            Cell(part.mae.value), Cell(None if part.r_squared is None else part.r_squared.value), Cell(part.largest),
        ]
        for name, record in models.items() for symbol, part in record.force_by_element_ev_per_angstrom.items()
    ]  # fmt: skip
    columns = (
        MODEL, Column('element', 'element', is_number=False), Column('n_frames', 'frames'),
        Column('force_rmse_ev_per_angstrom', 'force RMSE', 'eV/Å'),
        Column('force_rmse_interval_ev_per_angstrom', 'interval', 'eV/Å'),
        Column('force_mae_ev_per_angstrom', 'force MAE', 'eV/Å'),
        Column('force_r_squared', 'force R²', decimals=4),
        Column('force_largest_ev_per_angstrom', 'largest error', 'eV/Å'),
    )  # fmt: skip
    return Table('errors_by_element', 'Errors of the forces by element, with bootstrap intervals', columns, rows)


def _spread(found: EvaluationComparison) -> Iterator[str]:
    """Yield what the errors are to be compared with."""
    values = (
        ('energies about a constant for each element', found.spread_energy_mev_per_atom, 'meV/atom'),
        ('force components', found.spread_force_ev_per_angstrom, 'eV/Å'),
    )
    for what, value, unit in values:
        if value is not None:
            yield f'To compare with: the root mean square of the {what} of the reference is {value:.3g} {unit}.'


def _figures(facts: PropertyFacts, found: EvaluationComparison, plan: SamplePlan, name: str) -> Iterator[Section]:
    """Yield the parity of a model, if its frames are there."""
    pair = paired(facts, found, plan, name)
    if pair is None or found.models[name].total is None:
        return
    clouds = list(_clouds(*pair))
    if not clouds:
        return
    anchor = facts.anchor(f'parity-{name}')
    svg = parity(clouds, name, found.reference, anchor)
    described = f'Energies and force components by {name} against those by {found.reference}, on {len(pair[0])} frames.'
    lead = 'Energies by composition, force components by element; points on the line agree.'
    yield Section(anchor, f'{name} against {found.reference}', lead, figures=(Figure(svg, described),))


def _clouds(reference: Frames, predicted: Frames) -> Iterator[Cloud]:
    """Yield what is known of energies per atom and of force components."""
    if reference.energies is not None and predicted.energies is not None:
        values = np.array([reference.energies, predicted.energies]) / reference.sizes
        formulas = np.array(reference.formulas)
        groups = [(str(formula), values[:, formulas == formula]) for formula in dict.fromkeys(reference.formulas)]
        known = [(label, part[:, np.isfinite(part).all(axis=0)]) for label, part in groups]
        if any(part.size for _, part in known):
            yield Cloud('Energy', 'eV/atom', [(label, part) for label, part in known if part.size])
    if reference.forces is not None and predicted.forces is not None:
        forces = np.array([reference.forces, predicted.forces])
        of_elements = [(symbol, forces[:, reference.numbers == atomic_numbers[symbol]].reshape(2, -1))
                       for symbol in reference.elements]  # fmt: skip
        known = [(label, part[:, np.isfinite(part).all(axis=0)]) for label, part in of_elements]
        if any(part.size for _, part in known):
            yield Cloud('Force components', 'eV/Å', [(label, part) for label, part in known if part.size])
