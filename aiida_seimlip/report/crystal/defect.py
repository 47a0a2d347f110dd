"""Report on a `DefectWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Sequence

from aiida import orm

from aiida_seimlip.options.crystal.results import DefectComparison, DefectCrystal
from aiida_seimlip.report.crystal.common import WHO, chapter_of, sections_with, who
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Section
from aiida_seimlip.report.tables import Cell, Column, Table


def defect_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on defects as sections; the first one opens a chapter.

    :param node: a `DefectWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    found = facts.model('properties', DefectComparison)
    crystals = [] if found is None else found.crystals
    title = 'Point defects' if found is None else f'Point defects of {found.symbol}'
    return [chapter_of(facts, title, found), *sections_with(facts, [defects_table(crystals)], crystals)]


def defect_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the table of formation energies, for a paper or a notebook.

    :param node: a `DefectWorkChain`, in any state.
    """
    found = PropertyFacts(node).model('properties', DefectComparison)
    table = defects_table([] if found is None else found.crystals)
    return [table] if table.rows else []


def defects_table(crystals: Sequence[DefectCrystal]) -> Table:
    """Return the formation energies of all defects, and how far they are from those of the reference.

    :param crystals: with their models.
    """
    rows = []
    for crystal in crystals:
        for model, record in crystal.models.items():
            found = crystal.deviations.get(model, [])
            differences = {(one.kind, one.site, one.n_atoms): one.difference_ev for one in found}
            for entry in record.defects:
                rows.append([
                    *who(crystal.name, model), Cell(entry.kind.replace('_', ' ')), Cell(entry.site),
                    Cell(entry.multiplicity), Cell(entry.n_atoms), Cell(entry.formation_energy_ev),
                    Cell(differences.get((entry.kind, entry.site, entry.n_atoms))),
                    Cell(record.chemical_potential_ev if entry.kind != 'frenkel_pair' else None), Cell(entry.grade),
                ])  # fmt: skip
    columns = (
        *WHO, Column('kind', 'defect', is_number=False), Column('site', 'site'), Column('multiplicity', 'multiplicity'),
        Column('n_atoms', 'atoms'), Column('formation_energy_ev', 'formation energy', 'eV', decimals=3),
        Column('difference_ev', 'Δ', 'eV', decimals=3),
        Column('chemical_potential_ev', 'chemical potential', 'eV', decimals=3), Column('grade', 'grade', digits=2),
    )  # fmt: skip
    return Table('defects', 'Formation energies, of neutral defects in the cell of the perfect crystal', columns, rows)
