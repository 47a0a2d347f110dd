"""Calcfunctions of `SurfaceWorkChain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms
from ase.geometry import cell_to_cellpar

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.models import (
    MINIMUM,
    CrystalFrames,
    frames_of_minima,
    head_of,
    identify,
    joined_crystals,
    read_model,
)
from aiida_seimlip.functions.model_jobs import grades_of
from aiida_seimlip.options.crystal.property import Ions
from aiida_seimlip.options.interface.results import (
    SurfaceComparison,
    SurfaceCrystal,
    SurfaceDeviation,
    SurfaceEnergyRecord,
    SurfaceEntry,
    SurfaceRecord,
)
from aiida_seimlip.options.interface.surface import PlannedSurface, SurfaceOptions
from aiida_seimlip.science.analysis.surface_energy import J_PER_M2, fit_surface_energy
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.science.structures.slabs import Slab
from aiida_seimlip.science.structures.supercells import StructureError
from aiida_seimlip.science.structures.whole_units import find_broken_units

CONVERGED = 0.02
"""Surface energies in J/m² that differ by more, between the line and a slab or between two slabs, are doubtful."""


@calcfunction
def gather_conventional_cells(options: orm.Dict, **groups: Any) -> FramesData:
    """Return all crystals, one frame each: conventional cells of the phases of the package, the others as they are.

    :param options: of a property, which name phases (`CRYSTALS`).
    :param groups: see `gather_crystals`.
    """
    return joined_crystals([CRYSTALS[name].conventional() for name in options.get_dict().get('crystals', [])], groups)


@calcfunction
def make_surfaces(options: orm.Dict, minima: FramesData) -> FramesData:
    """Return the slabs of all crystals, those of one surface from thin to thick.

    :param options: as `SurfaceOptions`.
    :param minima: one frame for each crystal.
    """
    settings = SurfaceOptions.from_node(options)
    return FramesData(frames_of_minima(minima, lambda atoms: [slab.atoms for slab in slabs_of(settings, atoms)]))


@calcfunction
def measure_surfaces(options: orm.Dict, names: orm.List, crystals: FramesData, **groups: Any) -> dict[str, orm.Dict]:
    """Find the surface energies of each crystal by each model.

    :param options: as `SurfaceOptions`.
    :param names: of the crystals.
    :param crystals: as they were given, one frame each.
    :param groups: ``models``: by name what there is of each model; see `read_model`.
    :return: ``properties`` as a `SurfaceComparison`.
    """
    settings = SurfaceOptions.from_node(options)
    models = groups['models']
    found = [SurfaceCrystal(**identity) for identity in identify(names, crystals, settings.symprec)]
    for model, outputs in models.items():
        read = read_model(settings, outputs, len(found), lambda frame: len(slabs_of(settings, frame.to_atoms()[0])))
        for crystal, frames in zip(found, read, strict=True):
            crystal.models[model] = surfaces_of(settings, frames)
    for crystal in found:
        crystal.deviations = find_deviations(crystal, settings.reference)
    comparison = SurfaceComparison(**head_of(settings, models), crystals=found)
    return {'properties': orm.Dict(comparison.model_dump(mode='json'))}


def slabs_of(settings: SurfaceOptions, atoms: Atoms) -> list[Slab]:
    """Return all slabs of a crystal, none if there is no way to make them."""
    try:
        return [slab for surface in settings.plan(atoms) for slab in surface.slabs]
    except StructureError:
        return []


def surfaces_of(settings: SurfaceOptions, frames: CrystalFrames) -> SurfaceRecord:
    """Return the surface energies of a crystal by a model.

    :param settings: what was asked for.
    :param frames: the minimum, and the slabs.
    """
    record = SurfaceRecord(**{**frames.common, 'failure': frames.failures.get(MINIMUM)})
    if frames.minimum is None:
        return record
    (atoms,) = frames.minimum.to_atoms()
    record.cellpar = [float(value) for value in cell_to_cellpar(atoms.cell.array)]
    try:
        planned, wanted = settings.plan(atoms), settings.planes_of(atoms)
    except StructureError as exception:
        record.failure = str(exception)
        return record
    record.surfaces = [_entry(surface) for surface in planned]
    each = len(settings.thicknesses)
    for ions in settings.ions:
        slabs = frames.single[ions]
        for place, (surface, entry) in enumerate(zip(planned, record.surfaces, strict=True)):
            found = slabs[place * each : (place + 1) * each]
            entry.energies[ions] = _energy(surface, found, record.energy_per_atom_ev)
    made = {surface.slabs[0].miller for surface in planned}
    record.doubts += [
        f'{_indices(index)}: all its terminations are polar, and none was computed (option `polar`).'
        for index in wanted if index not in made
    ]  # fmt: skip
    record.doubts += [doubt for entry in record.surfaces for doubt in _find_doubts(entry)]
    return record


def find_deviations(crystal: SurfaceCrystal, reference: str | None) -> dict[str, list[SurfaceDeviation]]:
    """Return how far the surface energies of each model are from those of the reference.

    :param crystal: with its models.
    :param reference: name of a model, None if there is none.
    """
    if reference is None or reference not in crystal.models:
        return {}
    known = dict(_energies(crystal.models[reference]))
    return {
        name: [
            SurfaceDeviation(
                miller=list(key[0]), termination=key[1], ions=key[-1], difference_j_per_m2=energy - known[key],
                difference_percent=100.0 * (energy / known[key] - 1.0),
            )
            for key, energy in _energies(record) if key in known
        ]
        for name, record in crystal.models.items() if name != reference
    }  # fmt: skip


def _energies(record: SurfaceRecord) -> Iterator[tuple[tuple[tuple[int, ...], int, str, str, Ions], float]]:
    """Yield indices, number and faces of each surface and what the atoms do, and its energy in J/m²."""
    for entry in record.surfaces:
        for ions, found in entry.energies.items():
            if found.surface_energy_j_per_m2 is not None:
                key = (tuple(entry.miller), entry.termination, entry.bottom, entry.top, ions)
                yield key, found.surface_energy_j_per_m2


def _entry(surface: PlannedSurface) -> SurfaceEntry:
    """Return the record of a surface, without energies."""
    slab = surface.slabs[0]
    return SurfaceEntry(
        miller=list(slab.miller), termination=slab.termination, bottom=slab.bottom, top=slab.top,
        is_symmetric=slab.is_symmetric, is_polar=slab.is_polar, cuts_bonds=slab.cuts_bonds, area_angstrom2=slab.area,
        thicknesses_angstrom=[slab.thickness for slab in surface.slabs],
        n_formula_units=[slab.n_formula_units for slab in surface.slabs],
    )  # fmt: skip


def _energy(
    surface: PlannedSurface, found: Sequence[Frames | str], energy_per_atom: float | None
) -> SurfaceEnergyRecord:  # fmt: skip
    """Return the surface energy from the slabs that there are.

    :param surface: whose slabs they are.
    :param found: each slab, or why it is missing.
    :param energy_per_atom: of the crystal in eV, None if it is not known.
    """
    there = {place: frame for place, frame in enumerate(found) if not isinstance(frame, str)}
    energies = {place: float(frame.energies[0]) for place, frame in there.items() if frame.energies is not None}
    record = SurfaceEnergyRecord(energies_ev=[energies.get(place) for place in range(len(found))])
    record.failure = next((frame for frame in found if isinstance(frame, str)), None)
    forces = [np.linalg.norm(frame.forces, axis=1).max() for frame in there.values() if frame.forces is not None]
    record.largest_force_ev_per_angstrom = float(max(forces)) if forces else None
    record.grade = max((grade for frame in there.values() for grade in grades_of(frame)), default=None)
    broken = (find_broken_units(surface.slabs[place].atoms, frame.to_atoms()[0]) for place, frame in there.items())
    record.broken_units = sorted({unit for units in broken for unit in units})
    slabs = {place: surface.slabs[place] for place in energies}
    if len(slabs) < 2:
        return record
    thin = next(iter(slabs.values()))
    per_unit = None if energy_per_atom is None else energy_per_atom * len(thin.atoms) / thin.n_formula_units
    units = [slab.n_formula_units for slab in slabs.values()]
    fit = fit_surface_energy(units, list(energies.values()), thin.area, per_unit)
    record.surface_energy_j_per_m2 = fit.fitted / J_PER_M2
    record.surface_energy_mev_per_angstrom2 = 1000.0 * fit.fitted
    record.error_j_per_m2 = None if fit.error is None else fit.error / J_PER_M2
    record.unit_energy_ev = fit.unit_energy
    by_slab = dict(zip(slabs, fit.by_slab, strict=False))
    record.by_slab_j_per_m2 = [by_slab[place] / J_PER_M2 if place in by_slab else None for place in range(len(found))]
    record.difference_j_per_m2 = None if fit.difference is None else fit.difference / J_PER_M2
    record.change_j_per_m2 = None if fit.change is None else fit.change / J_PER_M2
    return record


def _indices(miller: Sequence[int]) -> str:
    return f'({" ".join(str(index) for index in miller)})'


def _find_doubts(entry: SurfaceEntry) -> Iterator[str]:
    """Yield what speaks against the energies of a surface, in sentences."""
    name = f'{_indices(entry.miller)} {entry.bottom}/{entry.top}'
    if entry.is_polar:
        yield f'{name}: the slab is polar, so that its energy may have no limit and its surface would rebuild.'
    if entry.is_polar is None:
        yield f'{name}: the nominal charges are not known, nor is whether the slab is polar.'
    if not entry.is_symmetric:
        yield f'{name}: the two faces differ, and the energy is the mean of both.'
    if entry.cuts_bonds:
        yield f'{name}: bonds of a network are cut.'
    for ions, found in entry.energies.items():
        if found.failure is not None:
            yield f'{name}, ions {ions}: {found.failure}'
        if found.broken_units:
            yield f'{name}, ions {ions}: {", ".join(found.broken_units)} did not stay whole.'
        if found.surface_energy_j_per_m2 is not None and found.surface_energy_j_per_m2 < 0.0:
            yield f'{name}, ions {ions}: the surface energy is negative, so that the crystal would fall apart.'
        away = {'the line and the thickest slab': found.difference_j_per_m2, 'the two thickest': found.change_j_per_m2}
        for what, value in away.items():
            if value is not None and abs(value) > CONVERGED:
                yield f'{name}, ions {ions}: not converged with the thickness, {what} differ by {value:.3f} J/m².'
                break
