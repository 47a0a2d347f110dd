"""Report on an `InterfaceWorkChain`: sections of a page, and tables."""

from __future__ import annotations

from collections.abc import Iterator

from aiida import orm

from aiida_seimlip.options.interface.interface_results import (
    InterfaceComparison,
    InterfaceDynamicsComparison,
    InterfaceEntry,
)
from aiida_seimlip.report.crystal.common import chapter_of, sections_with
from aiida_seimlip.report.interface.interface_plots import DensityProfile, RegistryMap, density_profiles, registry_maps
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import Figure, Section
from aiida_seimlip.report.tables import Cell, Column, Table

WHICH = Column('interface', 'interface', is_number=False)
MODEL = Column('model', 'model', is_number=False)


def interface_sections(node: orm.WorkChainNode) -> list[Section]:
    """Return the report on interfaces as sections; the first one opens a chapter.

    :param node: an `InterfaceWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    found = facts.model('properties', InterfaceComparison)
    entries = [] if found is None else found.interfaces
    title = 'Interfaces' if found is None else f'Interfaces of {found.film} on {found.substrate}'
    drawn = [section for number, entry in enumerate(entries) for section in _figures(facts, number, entry)]
    sections = [chapter_of(facts, title, found), *drawn, *sections_with(facts, tables_on(found), entries)]
    moved = facts.model('dynamics', InterfaceDynamicsComparison) if 'dynamics' in facts.outputs else None
    if moved is not None and found is not None:
        sections.append(_order_section(facts, found, moved))
    points = tuple(_doubts(found))
    if points:
        sections.append(Section(facts.anchor('structures'), 'What to know of the structures', points=points))
    return sections


def interface_tables(node: orm.WorkChainNode) -> list[Table]:
    """Return the tables on interfaces, for a paper or a notebook.

    :param node: an `InterfaceWorkChain`, in any state.
    """
    facts = PropertyFacts(node)
    tables = tables_on(facts.model('properties', InterfaceComparison))
    if 'dynamics' in facts.outputs:
        tables.append(order_table(facts.model('dynamics', InterfaceDynamicsComparison)))
    return [table for table in tables if table.rows]


def tables_on(found: InterfaceComparison | None) -> list[Table]:
    """Return the tables of energies, of strained layers, of common cells and of shifts.

    :param found: what was found, None if nothing was.
    """
    entries = [] if found is None else found.interfaces
    return [energies_table(entries), layers_table(entries), matches_table(entries), shifts_table(entries)]


def energies_table(entries: list[InterfaceEntry]) -> Table:
    """Return interface energies and works of adhesion, and how far they are from those of the reference.

    :param entries: the interfaces with their models.
    """
    rows = []
    for entry in entries:
        for model, record in entry.models.items():
            deviation = entry.deviations.get(model)
            for number, one in enumerate(record.candidates):
                is_best = number == record.best
                away = deviation if is_best else None
                rows.append([
                    Cell(entry.name), Cell(model), Cell(number), Cell(is_best), Cell(one.interface_energy_j_per_m2),
                    Cell(one.interface_energy_mev_per_angstrom2),
                    Cell(None if away is None else away.interface_energy_j_per_m2),
                    Cell(one.work_of_adhesion_j_per_m2), Cell(one.work_of_adhesion_mev_per_angstrom2),
                    Cell(None if away is None else away.work_of_adhesion_j_per_m2), Cell(one.height_change_angstrom),
                    Cell(one.largest_force_ev_per_angstrom), Cell(one.grade),
                ])  # fmt: skip
    columns = (
        WHICH, MODEL, Column('candidate', 'structure'), Column('is_best', 'lowest', is_number=False),
        Column('interface_energy_j_per_m2', 'interface energy', 'J/m²', decimals=3),
        Column('interface_energy_mev_per_angstrom2', 'the same', 'meV/Å²', decimals=1, in_paper=False),
        Column('interface_energy_deviation_j_per_m2', 'Δ', 'J/m²', decimals=3),
        Column('work_of_adhesion_j_per_m2', 'work of adhesion', 'J/m²', decimals=3),
        Column('work_of_adhesion_mev_per_angstrom2', 'the same', 'meV/Å²', decimals=1, in_paper=False),
        Column('work_of_adhesion_deviation_j_per_m2', 'Δ', 'J/m²', decimals=3),
        Column('height_change_angstrom', 'change of height', 'Å', decimals=2, in_paper=False),
        Column('largest_force_ev_per_angstrom', 'largest force', 'eV/Å', in_paper=False),
        Column('grade', 'grade', digits=2),
    )  # fmt: skip
    return Table('interfaces', 'Interface energies and works of adhesion, without the energy of the strain',
                 columns, rows)  # fmt: skip


def layers_table(entries: list[InterfaceEntry]) -> Table:
    """Return what the strain of both layers costs, and what their surfaces do.

    :param entries: the interfaces with their models.
    """
    rows = []
    for entry in entries:
        for model, record in entry.models.items():
            for side, layer in (('film', record.film), ('substrate', record.substrate)):
                rows.append([
                    Cell(entry.name), Cell(model), Cell(side), Cell(layer.strain_energy_mev_per_atom),
                    Cell(layer.strain_energy_j_per_m2), Cell(layer.surface_energy_j_per_m2),
                    Cell(layer.shear_stress_gpa),
                ])  # fmt: skip
    columns = (
        WHICH, MODEL, Column('side', 'side', is_number=False),
        Column('strain_energy_mev_per_atom', 'strain energy of an atom', 'meV', decimals=2),
        Column('strain_energy_j_per_m2', 'strain energy', 'J/m²', decimals=3),
        Column('surface_energy_j_per_m2', 'surface energy', 'J/m²', decimals=3),
        Column('shear_stress_gpa', 'shear stress', 'GPa', digits=2),
    )  # fmt: skip
    return Table('layers', 'Strained layers, their strain energy for the thickness that they have', columns, rows)


def matches_table(entries: list[InterfaceEntry]) -> Table:
    """Return the common cells and what they hold.

    :param entries: the interfaces.
    """
    rows = [
        [
            Cell(entry.name), Cell(entry.film_faces), Cell(entry.substrate_faces), Cell(entry.area_angstrom2),
            Cell(entry.misfit_percent), *(Cell(value) for value in entry.film_strain_percent),
            *(Cell(value) for value in entry.substrate_strain_percent), Cell(entry.angle_degrees),
            Cell(entry.n_film_atoms), Cell(entry.n_substrate_atoms), Cell(entry.film_thickness_angstrom),
            Cell(entry.substrate_thickness_angstrom),
        ]
        for entry in entries
    ]  # fmt: skip
    strains = [
        Column(f'{side}_{axes}_percent', f'{side} ε {axes}', '%', decimals=2)
        for side in ('film', 'substrate') for axes in ('xx', 'yy', 'xy')
    ]  # fmt: skip
    columns = (
        WHICH, Column('film_faces', 'film', is_number=False), Column('substrate_faces', 'substrate', is_number=False),
        Column('area_angstrom2', 'area', 'Å²', decimals=1), Column('misfit_percent', 'misfit', '%', decimals=2),
        *strains, Column('angle_degrees', 'turned by', '°', decimals=1), Column('n_film_atoms', 'atoms, film'),
        Column('n_substrate_atoms', 'atoms, substrate'),
        Column('film_thickness_angstrom', 'thickness, film', 'Å', decimals=1),
        Column('substrate_thickness_angstrom', 'thickness, substrate', 'Å', decimals=1),
    )  # fmt: skip
    return Table('matches', 'Common cells, and the strain of both layers', columns, rows)


def shifts_table(entries: list[InterfaceEntry]) -> Table:
    """Return the best gap of rigid layers at each shift.

    :param entries: the interfaces.
    """
    rows = [
        [
            Cell(entry.name), Cell(scan.side), *(Cell(value) for value in shift.shift_angstrom),
            Cell(shift.gap_angstrom), Cell(shift.adhesion_j_per_m2),
        ]
        for entry in entries for scan in entry.scans for shift in scan.shifts
    ]  # fmt: skip
    columns = (
        WHICH, Column('side', 'which', is_number=False), Column('x_angstrom', 'x', 'Å', decimals=2),
        Column('y_angstrom', 'y', 'Å', decimals=2), Column('gap_angstrom', 'gap', 'Å', decimals=2),
        Column('adhesion_j_per_m2', 'below the widest gap', 'J/m²', decimals=3),
    )  # fmt: skip
    return Table('shifts', 'Scan of rigid layers, the best gap at each shift', columns, rows)


def order_table(moved: InterfaceDynamicsComparison | None) -> Table:
    """Return the order of the metal before and at the end of dynamics.

    :param moved: what became of the layers, None if nothing is known.
    """
    rows = []
    for run in moved.runs if moved is not None else ():
        for when, texture in (('begin', run.begin), ('end', run.end)):
            if texture is not None:
                rows.append([
                    Cell(run.interface), Cell(run.model), Cell(run.metal), Cell(when), Cell(texture.lattice),
                    Cell(texture.share), Cell(texture.face), Cell(texture.face_share), Cell(texture.angle_degrees),
                ])  # fmt: skip
    columns = (
        WHICH, MODEL, Column('metal', 'metal', is_number=False), Column('when', 'when', is_number=False),
        Column('lattice', 'lattice', is_number=False), Column('share', 'atoms in it', is_share=True),
        Column('face', 'along the interface', is_number=False), Column('face_share', 'of these', is_share=True),
        Column('angle_degrees', 'tilted by', '°', decimals=1),
    )  # fmt: skip
    return Table('order', 'Order of the metal in dynamics, by common neighbour analysis', columns, rows)


def _order_section(facts: PropertyFacts, found: InterfaceComparison, moved: InterfaceDynamicsComparison) -> Section:
    """Return the section on dynamics."""
    table = order_table(moved)
    points = [f'{run.interface}, {run.model}: {run.failure or run.sentence}' for run in moved.runs]
    return Section(
        facts.anchor('order'), 'What became of the layers',
        'Number densities along the normal, of the relaxed interface and over the last quarter of the samples.',
        figures=tuple(_profiles(facts, found)), tables=(table,) if table.rows else (),
        points=tuple(point for point in points if not point.endswith(': ')),
    )  # fmt: skip


def _profiles(facts: PropertyFacts, found: InterfaceComparison) -> Iterator[Figure]:
    """Yield the profiles of each interface and model."""
    arrays = facts.arrays('profiles')
    for number, entry in enumerate(found.interfaces):
        for model in entry.models:
            begins = f'{model}_{number}_'
            if f'{begins}heights' not in arrays:
                continue
            parts = [
                {name.removeprefix(f'{begins}{when}_density_'): array for name, array in sorted(arrays.items())
                 if name.startswith(f'{begins}{when}_density_')}
                for when in ('begin', 'end')
            ]  # fmt: skip
            profile = DensityProfile(arrays[f'{begins}heights'], *parts)
            salt = facts.anchor(f'profiles-{model}-{number}')
            yield Figure(
                density_profiles(profile, salt), f'Number densities along the normal of {entry.name}, {model}.'
            )


def _doubts(found: InterfaceComparison | None) -> Iterator[str]:
    """Yield what is to be known of how structures were made, in sentences."""
    if found is None:
        return
    yield (
        f'All models were given the same structures, from the minima of {found.built_with}; {found.scanned_with} '
        'scanned registry and gap.'
    )
    yield from found.without_match
    for entry in found.interfaces:
        if entry.failure is not None:
            yield f'{entry.name}: {entry.failure}.'
        for doubt in entry.doubts:
            yield f'{entry.name}: {doubt}'


def _figures(facts: PropertyFacts, number: int, entry: InterfaceEntry) -> Iterator[Section]:
    """Yield the section with the maps of the scan of an interface, if shifts were scanned in the plane."""
    maps = [
        RegistryMap(
            scan.side, [shift.shift_angstrom for shift in scan.shifts],
            [shift.adhesion_j_per_m2 for shift in scan.shifts], entry.registry_angstrom,
        )
        for scan in entry.scans if len(scan.shifts) > 1
    ]  # fmt: skip
    if maps:
        name = facts.anchor(f'registry-{number}')
        lead = 'Rigid layers at the best gap of each shift. The cross is the shift that is relaxed first.'
        described = f'Adhesion of rigid layers by the shift of the upper one, of {entry.name}.'
        yield Section(name, entry.name, lead, figures=(Figure(registry_maps(maps, name), described),))
