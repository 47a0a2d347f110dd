"""Report on a `RelaxationWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator

from aiida import orm

from aiida_seimlip.options.crystal.relaxation import EXPERIMENT
from aiida_seimlip.options.crystal.results import LatticeComparison, LatticeCrystal, LatticeDeviation, LatticeRecord
from aiida_seimlip.report.crystal.common import WHO, chapter_of, sections_with, who
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Section
from aiida_seimlip.report.tables import Cell, Column, Table

TITLE = 'Lattices'


def relaxation_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on the lattices of crystals as sections; the first one opens a chapter.

    :param node: a `RelaxationWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    found = facts.model('properties', LatticeComparison)
    crystals = [] if found is None else found.crystals
    return [chapter_of(facts, TITLE, found), *sections_with(facts, [lattice_table(found)], crystals)]


def relaxation_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the table of lattices, for a paper or a notebook.

    :param node: a `RelaxationWorkChain`, in any state.
    """
    table = lattice_table(PropertyFacts(node).model('properties', LatticeComparison))
    return [table] if table.rows else []


def lattice_table(comparison: LatticeComparison | None) -> Table:
    """Return the lattice of each crystal at the minimum of each model, and how far it is from others.

    :param comparison: what was found, None if nothing was.
    """
    rows = []
    name = None if comparison is None else comparison.reference
    for crystal in comparison.crystals if comparison is not None else ():
        if crystal.experiment is not None:
            rows.append([*who(crystal.name, EXPERIMENT), *_lattice(crystal.experiment), *[Cell()] * 10])
        for model, record in crystal.models.items():
            rows.append([*who(crystal.name, model), *_model(crystal, model, record, name)])
    reference = None if comparison is None else comparison.methods.get(name or '')
    return Table(
        'lattices', 'Lattices at the minima of the models'
        + (f', and deviations from {reference}' if reference else ''),
        (
            *WHO, Column('a_angstrom', 'a', 'Å', decimals=3), Column('b_angstrom', 'b', 'Å', decimals=3),
            Column('c_angstrom', 'c', 'Å', decimals=3),
            Column('alpha_degrees', 'α', '°', decimals=1, in_paper=False), Column('beta_degrees', 'β', '°', decimals=1),
            Column('gamma_degrees', 'γ', '°', decimals=1, in_paper=False),
            Column('a_percent', 'Δa', '%', decimals=1), Column('b_percent', 'Δb', '%', decimals=1),
            Column('c_percent', 'Δc', '%', decimals=1), Column('beta_difference_degrees', 'Δβ', '°', decimals=1),
            Column('volume_percent', 'ΔV', '%', decimals=1),
            Column('experiment_volume_percent', 'ΔV, experiment', '%', decimals=1),
            Column('energy_per_formula_ev', 'energy of a formula unit', 'eV', decimals=3),
            Column('grade', 'grade', digits=2), Column('learned', 'in the training set', is_number=False),
            Column('remark', 'remark', is_number=False, in_paper=False, on_page=False),
        ),
        rows,
    )  # fmt: skip


def _model(crystal: LatticeCrystal, model: str, record: LatticeRecord, reference: str | None) -> Iterator[Cell]:
    """Yield the cells of a model behind its name."""
    found = crystal.deviations.get(model, {})
    yield from _lattice(record.cellpar)
    yield from _deviation(found.get(reference or ''))
    experiment = found.get(EXPERIMENT)
    yield Cell(None if experiment is None else experiment.volume)
    yield Cell(record.energy_per_formula_ev)
    yield Cell(record.highest_grade)
    learned = crystal.learned_by.get(model)
    yield Cell('' if learned is None else 'yes' if learned else 'no')
    yield Cell(record.failure or ' '.join(record.doubts))


def _lattice(cellpar: list[float] | None) -> list[Cell]:
    return [Cell()] * 6 if cellpar is None else [Cell(value) for value in cellpar]


def _deviation(record: LatticeDeviation | None) -> list[Cell]:
    if record is None:
        return [Cell()] * 5
    return [Cell(value) for value in (record.a, record.b, record.c, record.beta, record.volume)]
