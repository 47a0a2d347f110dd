"""Report on a `SurfaceWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiida import orm

from aiida_seimlip.options.crystal.property import Ions
from aiida_seimlip.options.interface.results import (
    SurfaceComparison,
    SurfaceCrystal,
    SurfaceEnergyRecord,
    SurfaceEntry,
)
from aiida_seimlip.report.crystal.common import WHO, chapter_of, sections_with, who
from aiida_seimlip.report.interface.plots import Level, surface_levels
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Figure, Section
from aiida_seimlip.report.tables import Cell, Column, Table

TITLE = 'Surface energies'
WHICH = (
    Column('miller', 'surface', is_number=False), Column('faces', 'faces', is_number=False),
    Column('ions', 'ions', is_number=False),
)  # fmt: skip
"""Columns that say which surface it is."""


def surface_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on surface energies as sections; the first one opens a chapter.

    :param node: a `SurfaceWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    found = facts.model('properties', SurfaceComparison)
    crystals = [] if found is None else found.crystals
    drawn = [section for crystal in crystals for section in _figures(facts, crystal)]
    return [chapter_of(facts, TITLE, found), *drawn, *sections_with(facts, tables_on(crystals), crystals)]


def surface_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables on surface energies, for a paper or a notebook.

    :param node: a `SurfaceWorkChain`, in any state.
    """
    found = PropertyFacts(node).model('properties', SurfaceComparison)
    return [] if found is None else [table for table in tables_on(found.crystals) if table.rows]


def tables_on(crystals: Sequence[SurfaceCrystal]) -> list[Table]:
    """Return the table of surface energies and that of all slabs.

    :param crystals: with their models.
    """
    return [energies_table(crystals), slabs_table(crystals)]


def energies_table(crystals: Sequence[SurfaceCrystal]) -> Table:
    """Return the surface energies, and how far they are from converged and from those of the reference.

    :param crystals: with their models.
    """
    rows = []
    for crystal, model, entry, ions, energy in _all(crystals):
        deviation = next(
            (one for one in crystal.deviations.get(model, [])
             if (one.miller, one.termination, one.ions) == (entry.miller, entry.termination, ions)), None,
        )  # fmt: skip
        rows.append([
            *who(crystal.name, model), *_which(entry, ions),
            Cell(energy.surface_energy_j_per_m2, energy.error_j_per_m2), Cell(energy.surface_energy_mev_per_angstrom2),
            Cell(None if deviation is None else deviation.difference_j_per_m2),
            Cell(None if deviation is None else deviation.difference_percent),
            Cell(energy.difference_j_per_m2), Cell(energy.change_j_per_m2), Cell(entry.is_symmetric),
            Cell(entry.is_polar), Cell(energy.grade),
        ])  # fmt: skip
    columns = (
        *WHO, *WHICH, Column('surface_energy_j_per_m2', 'surface energy', 'J/m²', decimals=3),
        Column('surface_energy_mev_per_angstrom2', 'the same', 'meV/Å²', decimals=1, in_paper=False),
        Column('deviation_j_per_m2', 'Δ', 'J/m²', decimals=3), Column('deviation_percent', 'Δ', '%', decimals=1),
        Column('difference_j_per_m2', 'line − thickest slab', 'J/m²', decimals=3),
        Column('change_j_per_m2', 'last change', 'J/m²', decimals=3),
        Column('is_symmetric', 'equal faces', is_number=False), Column('is_polar', 'polar', is_number=False),
        Column('grade', 'grade', digits=2),
    )  # fmt: skip
    caption = (
        'Surface energies, from the line through the energies of slabs of several thicknesses, means of both faces'
    )
    return Table('surface_energies', caption, columns, rows)


def slabs_table(crystals: Sequence[SurfaceCrystal]) -> Table:
    """Return the energy of each slab, and the surface energy that follows from it and the crystal.

    :param crystals: with their models.
    """
    rows = []
    for crystal, model, entry, ions, energy in _all(crystals):
        for place, thickness in enumerate(entry.thicknesses_angstrom):
            of_slab = energy.by_slab_j_per_m2[place] if energy.by_slab_j_per_m2 else None
            rows.append([
                *who(crystal.name, model), *_which(entry, ions), Cell(thickness), Cell(entry.n_formula_units[place]),
                Cell(entry.area_angstrom2), Cell(energy.energies_ev[place]), Cell(of_slab),
            ])  # fmt: skip
    columns = (
        *WHO, *WHICH, Column('thickness_angstrom', 'thickness', 'Å', decimals=2),
        Column('n_formula_units', 'formula units'), Column('area_angstrom2', 'area', 'Å²', decimals=2),
        Column('energy_ev', 'energy', 'eV', decimals=4),
        Column('surface_energy_j_per_m2', 'surface energy', 'J/m²', decimals=3),
    )  # fmt: skip
    return Table('slabs', 'Slabs, with surface energies from each and the crystal at its minimum', columns, rows)


def surface_name(miller: Sequence[int]) -> str:
    """Return the name of a surface, such as ``(1 -1 0)``.

    :param miller: its indices.
    """
    return f'({" ".join(str(index) for index in miller)})'


def _all(
    crystals: Sequence[SurfaceCrystal],
) -> Iterator[tuple[SurfaceCrystal, str, SurfaceEntry, Ions, SurfaceEnergyRecord]]:
    """Yield each crystal, model, surface, what its atoms do, and the energy."""
    for crystal in crystals:
        for model, record in crystal.models.items():
            for entry in record.surfaces:
                for ions, energy in entry.energies.items():
                    yield crystal, model, entry, ions, energy


def _which(entry: SurfaceEntry, ions: Ions) -> list[Cell]:
    return [Cell(surface_name(entry.miller)), Cell(f'{entry.bottom}/{entry.top}'), Cell(ions)]


def _figures(facts: PropertyFacts, crystal: SurfaceCrystal) -> Iterator[Section]:
    """Yield the section with the figure of a crystal, if there are energies."""
    levels = [
        Level(model, f'{surface_name(entry.miller)} {entry.bottom}/{entry.top}', ions, energy.surface_energy_j_per_m2)
        for _, model, entry, ions, energy in _all([crystal]) if energy.surface_energy_j_per_m2 is not None
    ]  # fmt: skip
    if levels:
        name = facts.anchor(f'surfaces-{crystal.name}')
        described = f'Surface energies of {crystal.name} by surface and model.'
        lead = 'Filled marks are relaxed surfaces, empty ones are those of the crystal as it was cut.'
        yield Section(name, crystal.name, lead, figures=(Figure(surface_levels(levels, name), described),))
