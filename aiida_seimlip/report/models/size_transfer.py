"""Report on a `SizeTransferWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from aiida import orm

from aiida_seimlip.options.models.comparison_results import (
    AgreementRecord,
    CellRecord,
    SizeTransferComparison,
    SizeTransferRecord,
)
from aiida_seimlip.report.models.comparison import (
    ERRORS,
    MODEL,
    chapter_of,
    doubts_of,
    end_sections,
    error_cells,
    worst_table,
)
from aiida_seimlip.report.models.comparison_plots import SizeCurve, errors_by_size
from aiida_seimlip.report.property import PropertyFacts, known
from aiida_seimlip.report.sections import Figure, Section
from aiida_seimlip.report.tables import Cell, Column, Table

TITLE = 'Errors by the size of the cell'


def size_transfer_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on errors by size as sections; the first one opens a chapter.

    :param node: a `SizeTransferWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    found = facts.model('properties', SizeTransferComparison)
    if found is None:
        return [chapter_of(facts, TITLE, None), *facts.runs()]
    points = list(doubts_of(found, found.models))
    if found.refusal is not None:
        points = [found.refusal, *points]
    return [chapter_of(facts, TITLE, found), *_figure(facts, found), *end_sections(facts, _tables(found), points)]


def size_transfer_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables on errors by size, for a paper or a notebook.

    :param node: a `SizeTransferWorkChain`, in any state.
    """
    found = PropertyFacts(node).model('properties', SizeTransferComparison)
    return [] if found is None else [table for table in _tables(found) if table.rows]


def _tables(found: SizeTransferComparison) -> list[Table]:
    worst = worst_table({name: record.worst for name, record in found.models.items()})
    return [sizes_table(found.models), cells_table(found.cells), worst]


def sizes_table(models: Mapping[str, SizeTransferRecord]) -> Table:
    """Return the errors of each model by the number of atoms, and their spread among the frames.

    :param models: by name.
    """
    rows = [
        [
            Cell(name), Cell(size.n_atoms), *error_cells(size.errors),
            Cell(size.energy_bias_mev_per_atom, size.energy_bias_error_mev_per_atom),
            Cell(size.energy_scatter_mev_per_atom), Cell(size.energy_scatter_mev_per_root_atom),
            Cell(size.force_scatter_ev_per_angstrom),
        ]
        for name, record in models.items() for size in record.sizes
    ]  # fmt: skip
    columns = (
        MODEL, Column('n_atoms', 'atoms'), *ERRORS, Column('energy_bias_mev_per_atom', 'energy bias', 'meV/atom'),
        Column('energy_scatter_mev_per_atom', 'scatter', 'meV/atom'),
        Column('energy_scatter_mev_per_root_atom', 'scatter × √N', 'meV', in_paper=False),
        Column('force_scatter_ev_per_angstrom', 'force scatter', 'eV/Å'),
    )  # fmt: skip
    return Table('errors_by_size', 'Errors by the number of atoms, with bootstrap intervals', columns, rows)


def cells_table(cells: Sequence[CellRecord]) -> Table:
    """Return the energy of an atom in the supercells without displacements by each model.

    :param cells: the smallest first.
    """
    names = list(dict.fromkeys(name for cell in cells for name in cell.energies_ev_per_atom))
    rows = [
        [Cell(cell.name), Cell(cell.n_atoms), *(Cell(cell.energies_ev_per_atom.get(name)) for name in names)]
        for cell in cells
    ]
    columns = (
        Column('cell', 'supercell', is_number=False), Column('n_atoms', 'atoms'),
        *(Column(f'energy_{name}_ev_per_atom', name, 'eV/atom', decimals=5) for name in names),
    )  # fmt: skip
    return Table('size_consistency', 'Energy of an atom in the supercells without displacements', columns, rows)


def _figure(facts: PropertyFacts, found: SizeTransferComparison) -> list[Section]:
    """Return the errors by size as a figure; none if there are none."""
    models = {name: record for name, record in found.models.items() if record.sizes}
    panels = [
        ('energy RMSE (meV/atom)', [_curve(name, record, 'energy_mev_per_atom') for name, record in models.items()]),
        ('force RMSE (eV/Å)', [_curve(name, record, 'force_ev_per_angstrom') for name, record in models.items()]),
        ('energy bias (meV/atom)', [_bias(name, record) for name, record in models.items()]),
    ]
    if not models:
        return []
    anchor = facts.anchor('sizes')
    described = f'Errors of {", ".join(models)} by the number of atoms, from {found.reference}.'
    lead = (
        f'Bars are bootstrap intervals of {100 * found.confidence:g} %, those of the bias its standard error. The bias '
        'is what all frames share; a model that is local has the same in all sizes.'
    )
    return [Section(anchor, TITLE, lead, figures=(Figure(errors_by_size(panels, anchor), described),))]


def _curve(name: str, record: SizeTransferRecord, quantity: str) -> SizeCurve:
    agreements: list[AgreementRecord | None] = [getattr(size.errors, quantity) for size in record.sizes]
    columns = np.array([
        [np.nan] * 3 if one is None else [one.rmse.value, known(one.rmse.low), known(one.rmse.high)]
        for one in agreements
    ])  # fmt: skip
    return SizeCurve(name, np.array([size.n_atoms for size in record.sizes]), *columns.T)


def _bias(name: str, record: SizeTransferRecord) -> SizeCurve:
    values = np.array([known(size.energy_bias_mev_per_atom) for size in record.sizes])
    errors = np.array([known(size.energy_bias_error_mev_per_atom) for size in record.sizes])
    return SizeCurve(name, np.array([size.n_atoms for size in record.sizes]), values, values - errors, values + errors)
