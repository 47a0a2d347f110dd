"""Report on an `ElasticWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator

from aiida import orm

from aiida_seimlip.options.crystal.property import Ions
from aiida_seimlip.options.crystal.results import ElasticComparison, ElasticCrystal, ModuliRecord, StiffnessRecord
from aiida_seimlip.report.crystal.common import GRADE, WHO, chapter_of, sections_with, who
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Section
from aiida_seimlip.report.tables import Cell, Column, Table

TITLE = 'Elasticity'
IONS = Column('ions', 'ions', is_number=False)
MODULI = (
    Column('bulk_gpa', 'bulk modulus', 'GPa'), Column('shear_gpa', 'shear modulus', 'GPa'),
    Column('young_gpa', "Young's modulus", 'GPa'), Column('poisson', "Poisson's ratio"),
    Column('anisotropy', 'anisotropy', decimals=2),
)  # fmt: skip
NAMES = ('bulk_hill_gpa', 'shear_hill_gpa', 'young_gpa', 'poisson', 'anisotropy')
"""Fields of `ModuliRecord` in the order of the columns."""


def elastic_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on the elasticity of crystals as sections; the first one opens a chapter.

    :param node: an `ElasticWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    found = facts.model('properties', ElasticComparison)
    crystals = [] if found is None else found.crystals
    return [chapter_of(facts, TITLE, found), *sections_with(facts, tables_on(crystals), crystals)]


def elastic_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables on the elasticity of crystals, for a paper or a notebook.

    :param node: an `ElasticWorkChain`, in any state.
    """
    found = PropertyFacts(node).model('properties', ElasticComparison)
    return [] if found is None else [table for table in tables_on(found.crystals) if table.rows]


def tables_on(crystals: list[ElasticCrystal]) -> list[Table]:
    """Return the table of moduli and that of all constants.

    :param crystals: with their models.
    """
    return [moduli_table(crystals), constants_table(crystals)]


def moduli_table(crystals: list[ElasticCrystal]) -> Table:
    """Return the moduli of a polycrystal of each crystal, and how far they are from the reference.

    :param crystals: with their models.
    """
    rows = []
    for crystal, model, ions, stiffness in _all(crystals):
        deviation = crystal.deviations.get(model, {}).get(ions)
        differences = ('bulk_hill_percent', 'shear_hill_percent', 'rms_gpa')
        rows.append([
            *who(crystal.name, model), Cell(ions), *_moduli(stiffness.moduli, stiffness.moduli_errors),
            *(Cell(None if deviation is None else getattr(deviation, name)) for name in differences),
            Cell(stiffness.is_stable), Cell(stiffness.eigenvalues_gpa[0]), Cell(crystal.models[model].highest_grade),
        ])  # fmt: skip
    columns = (
        *WHO, IONS, *MODULI, Column('bulk_percent', 'Δ bulk', '%', decimals=1),
        Column('shear_percent', 'Δ shear', '%', decimals=1), Column('rms_gpa', 'Δ C, r.m.s.', 'GPa'),
        Column('is_stable', 'stable', is_number=False), Column('lowest_gpa', 'lowest eigenvalue', 'GPa'), GRADE,
    )  # fmt: skip
    return Table('moduli', 'Moduli, means of Hill over all orientations of the grains', columns, rows)


def constants_table(crystals: list[ElasticCrystal]) -> Table:
    """Return all rows of the stiffness of each crystal, with standard errors.

    :param crystals: with their models.
    """
    rows = []
    for crystal, model, ions, stiffness in _all(crystals):
        for number, (values, errors) in enumerate(zip(stiffness.matrix_gpa, stiffness.errors_gpa, strict=True)):
            cells = [Cell(value, error if value else None) for value, error in zip(values, errors, strict=True)]
            rows.append([*who(crystal.name, model), Cell(ions), Cell(number + 1), *cells])
    columns = (
        *WHO, IONS, Column('row', 'i'),
        *(Column(f'c_i{number}_gpa', f'C_i{number}', 'GPa', decimals=1) for number in range(1, 7)),
    )  # fmt: skip
    caption = 'Stiffness, Voigt order xx, yy, zz, yz, xz, xy, in the axes of the crystal as it was given'
    return Table('stiffness', caption, columns, rows)


def _all(crystals: list[ElasticCrystal]) -> Iterator[tuple[ElasticCrystal, str, Ions, StiffnessRecord]]:
    """Yield each crystal, model, what its ions do, and the stiffness."""
    for crystal in crystals:
        for model, record in crystal.models.items():
            for ions, stiffness in record.stiffness.items():
                yield crystal, model, ions, stiffness


def _moduli(moduli: ModuliRecord | None, errors: ModuliRecord | None) -> list[Cell]:
    if moduli is None:
        return [Cell()] * len(NAMES)
    return [Cell(getattr(moduli, name), None if errors is None else getattr(errors, name)) for name in NAMES]
