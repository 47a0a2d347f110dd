"""Report on a `PhononWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiida import orm
from ase import units

from aiida_seimlip.options.crystal.results import PhononComparison, PhononCrystal, PhononRecord
from aiida_seimlip.report.crystal.common import GRADE, WHO, chapter_of, sections_with, who
from aiida_seimlip.report.crystal.plots import Bands, band_structures
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Figure, Section
from aiida_seimlip.report.tables import Cell, Column, Table

TITLE = 'Phonons'


def phonon_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on the phonons of crystals as sections; the first one opens a chapter.

    :param node: a `PhononWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    found = facts.model('properties', PhononComparison)
    crystals = [] if found is None else found.crystals
    drawn = list(_figures(facts, crystals))
    return [chapter_of(facts, TITLE, found), *drawn, *sections_with(facts, tables_on(crystals), crystals)]


def phonon_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables on the phonons of crystals, for a paper or a notebook.

    :param node: a `PhononWorkChain`, in any state.
    """
    found = PropertyFacts(node).model('properties', PhononComparison)
    return [] if found is None else [table for table in tables_on(found.crystals) if table.rows]


def tables_on(crystals: Sequence[PhononCrystal]) -> list[Table]:
    """Return the table of frequencies, that of imaginary modes, and that of thermal properties.

    :param crystals: with their models.
    """
    return [frequencies_table(crystals), imaginary_table(crystals), thermal_table(crystals)]


def frequencies_table(crystals: Sequence[PhononCrystal]) -> Table:
    """Return the range of the frequencies, and how far they are from those of the reference.

    :param crystals: with their models.
    """
    rows = []
    for crystal, model, record in _all(crystals):
        deviation = crystal.deviations.get(model)
        convergence = record.convergence[-1].rms_thz if record.convergence else None
        zero_point = None if record.thermal is None else 1000.0 * record.thermal.zero_point_energy_ev_per_atom
        rows.append([
            *who(crystal.name, model), Cell(record.n_atoms), Cell(record.n_displacements),
            Cell(record.lowest_frequency_thz), Cell(record.highest_frequency_thz), Cell(zero_point),
            Cell(record.n_imaginary_points), Cell(convergence),
            Cell(None if deviation is None else deviation.rms_thz),
            Cell(None if deviation is None else deviation.highest_frequency_percent),
            Cell(None if deviation is None else deviation.zero_point_energy_percent), Cell(record.highest_grade),
        ])  # fmt: skip
    columns = (
        *WHO, Column('n_atoms', 'atoms'), Column('n_displacements', 'displacements'),
        Column('lowest_thz', 'lowest', 'THz', decimals=2), Column('highest_thz', 'highest', 'THz', decimals=2),
        Column('zero_point_mev_per_atom', 'zero point', 'meV/atom', decimals=1),
        Column('n_imaginary_points', 'points with imaginary modes'),
        Column('convergence_thz', 'smaller cell, r.m.s.', 'THz', digits=2),
        Column('rms_thz', 'Δν, r.m.s.', 'THz', digits=2), Column('highest_percent', 'Δ highest', '%', decimals=1),
        Column('zero_point_percent', 'Δ zero point', '%', decimals=1), GRADE,
    )  # fmt: skip
    return Table('phonons', 'Frequencies, on a mesh; imaginary ones are negative', columns, rows)


def imaginary_table(crystals: Sequence[PhononCrystal]) -> Table:
    """Return the imaginary modes by the point of the Brillouin zone.

    :param crystals: with their models.
    """
    rows = [
        [
            *who(crystal.name, model), Cell(', '.join(f'{value:.4g}' for value in modes.q_point)),
            Cell(modes.label or ''), Cell(modes.n_branches), Cell(modes.lowest_frequency_thz),
        ]
        for crystal, model, record in _all(crystals) for modes in record.imaginary
    ]  # fmt: skip
    columns = (
        *WHO, Column('q_point', 'q', is_number=False), Column('label', 'point', is_number=False),
        Column('n_branches', 'modes'), Column('lowest_thz', 'lowest', 'THz', decimals=2),
    )  # fmt: skip
    return Table('imaginary_modes', 'Imaginary modes, the worst first', columns, rows)


def thermal_table(crystals: Sequence[PhononCrystal]) -> Table:
    """Return free energies, entropies and heat capacities by temperature.

    :param crystals: with their models.
    """
    rows = []
    for crystal, model, record in _all(crystals):
        if record.thermal is None:
            continue
        thermal = record.thermal
        for values in zip(
            thermal.temperatures_k, thermal.free_energies_ev_per_atom, thermal.entropies_ev_per_k_per_atom,
            thermal.heat_capacities_ev_per_k_per_atom, strict=True,
        ):  # fmt: skip
            temperature, free_energy, entropy, heat_capacity = values
            rows.append([
                *who(crystal.name, model), Cell(temperature), Cell(1000.0 * free_energy), Cell(entropy / units.kB),
                Cell(heat_capacity / units.kB), Cell(thermal.imaginary_share),
            ])  # fmt: skip
    columns = (
        *WHO, Column('temperature_k', 'temperature', 'K', is_exact=True),
        Column('free_energy_mev_per_atom', 'free energy', 'meV/atom', decimals=1),
        Column('entropy_kb_per_atom', 'entropy', 'k_B/atom', decimals=3),
        Column('heat_capacity_kb_per_atom', 'heat capacity', 'k_B/atom', decimals=3),
        Column('imaginary_share', 'modes left out', is_share=True),
    )  # fmt: skip
    return Table('thermal', 'Thermal properties of the real modes, at constant volume', columns, rows)


def _all(crystals: Sequence[PhononCrystal]) -> Iterator[tuple[PhononCrystal, str, PhononRecord]]:
    """Yield each crystal, model, and what was found of the frequencies."""
    for crystal in crystals:
        for model, record in crystal.models.items():
            if record.highest_frequency_thz is not None:
                yield crystal, model, record


def _figures(facts: PropertyFacts, crystals: Sequence[PhononCrystal]) -> Iterator[Section]:
    """Yield a section for each crystal: its band structures and densities of states by all models."""
    arrays = facts.arrays('curves')
    for number, crystal in enumerate(crystals):
        bands = [
            Bands(model, *(arrays[f'crystal_{number}_{model}_{name}'] for name in Bands.ARRAYS))
            for model in crystal.models if f'crystal_{number}_{model}_distances' in arrays
        ]  # fmt: skip
        if bands:
            name = facts.anchor(f'bands-{number}')
            svg = band_structures(_on_one_path(bands), crystal.ticks, name)
            described = f'Frequencies of {crystal.name} along the path through its Brillouin zone, and their density.'
            yield Section(name, crystal.name, figures=(Figure(svg, described),))


def _on_one_path(bands: Sequence[Bands]) -> list[Bands]:
    """Return bands along the path of the first model: the cells of different models differ a little."""
    length = bands[0].distances[-1]
    return [
        Bands(one.name, one.distances * (length / one.distances[-1]), one.frequencies, one.dos_frequencies, one.dos)
        for one in bands
    ]  # fmt: skip
