"""Report on an `EquationOfStateWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from aiida import orm

from aiida_seimlip.options.crystal.results import (
    EquationOfStateComparison,
    EquationOfStateCrystal,
    EquationOfStateRecord,
)
from aiida_seimlip.report.crystal.common import GRADE, WHO, chapter_of, sections_with, who
from aiida_seimlip.report.crystal.plots import Curve, energy_curves
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Figure, Section
from aiida_seimlip.report.tables import Cell, Column, Table
from aiida_seimlip.science.analysis.equation_of_state import Parameters, energy

TITLE = 'Equations of state'


def eos_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on equations of state as sections; the first one opens a chapter.

    :param node: an `EquationOfStateWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    found = facts.model('properties', EquationOfStateComparison)
    crystals = [] if found is None else found.crystals
    drawn = [_figure(facts, crystal) for crystal in crystals if any(record.fits for record in crystal.models.values())]
    return [chapter_of(facts, TITLE, found), *drawn, *sections_with(facts, [fits_table(crystals)], crystals)]


def eos_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables on equations of state, for a paper or a notebook.

    :param node: an `EquationOfStateWorkChain`, in any state.
    """
    found = PropertyFacts(node).model('properties', EquationOfStateComparison)
    return [] if found is None or not fits_table(found.crystals).rows else [fits_table(found.crystals)]


def fits_table(crystals: Sequence[EquationOfStateCrystal]) -> Table:
    """Return the fits, and how far they are from those of the reference.

    :param crystals: with their models.
    """
    rows = []
    for crystal in crystals:
        for model, record in crystal.models.items():
            for form, fit in record.fits.items():
                deviation = crystal.deviations.get(model, {}).get(form)
                rows.append([
                    *who(crystal.name, model), Cell(form.replace('_', '–')),
                    Cell(fit.volume_per_atom_angstrom3, fit.volume_per_atom_error_angstrom3),
                    Cell(fit.energy_per_atom_ev), Cell(fit.bulk_modulus_gpa, fit.bulk_modulus_error_gpa),
                    Cell(fit.derivative, fit.derivative_error), Cell(fit.residual_mev_per_atom),
                    Cell(None if deviation is None else deviation.volume_percent),
                    Cell(None if deviation is None else deviation.bulk_modulus_percent), Cell(record.highest_grade),
                ])  # fmt: skip
    columns = (
        *WHO, Column('form', 'form', is_number=False),
        Column('volume_angstrom3_per_atom', 'volume of an atom', 'Å³', digits=5),
        Column('energy_ev_per_atom', 'energy of an atom', 'eV', decimals=4),
        Column('bulk_modulus_gpa', 'bulk modulus', 'GPa'),
        Column('derivative', 'its derivative'), Column('residual_mev_per_atom', 'residual', 'meV/atom', digits=2),
        Column('volume_percent', 'ΔV', '%', decimals=1), Column('bulk_modulus_percent', 'ΔB', '%', decimals=1), GRADE,
    )  # fmt: skip
    return Table('equations_of_state', 'Equations of state, at the volume of zero pressure', columns, rows)


def _figure(facts: PropertyFacts, crystal: EquationOfStateCrystal) -> Section:
    curves = [_curve(name, record) for name, record in crystal.models.items() if record.fits]
    name = facts.anchor(f'curve-{crystal.name}')
    svg = energy_curves(curves, name)
    form = next(iter(next(record.fits for record in crystal.models.values() if record.fits)))
    described = f'Energy of an atom of {crystal.name} by its volume, above the minimum of each model.'
    lead = f'Points are evaluated, lines are fits ({form.replace("_", "–")}), each above its own minimum.'
    return Section(name, crystal.name, lead, figures=(Figure(svg, described),), is_half=True)


def _curve(name: str, record: EquationOfStateRecord) -> Curve:
    """Return the points of a model and its first fit, above the minimum of that."""
    form, fit = next(iter(record.fits.items()))
    volumes = np.array(record.volumes_per_atom_angstrom3)
    parameters = Parameters(fit.volume_per_atom_angstrom3, fit.energy_per_atom_ev, fit.bulk_modulus_gpa, fit.derivative)
    line = np.linspace(volumes.min(), volumes.max(), 100)
    heights = [1000.0 * (values - fit.energy_per_atom_ev) for values in (
        np.array(record.energies_per_atom_ev), energy(form, line, parameters),
    )]  # fmt: skip
    return Curve(name, volumes, heights[0], line, heights[1])
