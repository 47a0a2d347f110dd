"""Calcfunctions of `DefectWorkChain`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.crystal.models import (
    MINIMUM,
    CrystalFrames,
    frames_of_minima,
    head_of,
    identify,
    read_model,
)
from aiida_seimlip.functions.model_jobs import KNOWN_GRADE, doubt_of_composition, grades_of
from aiida_seimlip.options.crystal.defect import DefectOptions, PlannedDefect
from aiida_seimlip.options.crystal.results import (
    DefectComparison,
    DefectCrystal,
    DefectDeviation,
    DefectEntry,
    DefectRecord,
)
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.supercells import StructureError

RECOMBINED = 0.01
"""A Frenkel pair whose formation energy in eV is lower is not one any more."""


@calcfunction
def make_defects(options: orm.Dict, minima: FramesData) -> FramesData:
    """Return the supercells with and without defects, those of one crystal after those of the other.

    :param options: as `DefectOptions`.
    :param minima: one frame for each crystal.
    """
    settings = DefectOptions.from_node(options)
    made = frames_of_minima(minima, lambda atoms: [defect.atoms for defect in plan_defects(settings, atoms)])
    return FramesData(made)


@calcfunction
def measure_defects(options: orm.Dict, names: orm.List, crystals: FramesData, **groups: Any) -> dict[str, orm.Dict]:
    """Find the formation energies of the defects of each crystal by each model.

    :param options: as `DefectOptions`.
    :param names: of the crystals.
    :param crystals: as they were given, one frame each.
    :param groups: ``models``: by name what there is of each model; see `read_model`.
    :return: ``properties`` as a `DefectComparison`.
    """
    settings = DefectOptions.from_node(options)
    models = groups['models']
    found = [DefectCrystal(**identity) for identity in identify(names, crystals, settings.symprec)]
    for model, outputs in models.items():
        read = read_model(settings, outputs, len(found), lambda frame: len(plan_defects(settings, frame.to_atoms()[0])))
        minima = dict(zip(names.get_list(), read, strict=True))
        potential = find_chemical_potential(settings, minima)
        for crystal, frames in zip(found, read, strict=True):
            crystal.models[model] = defects_of(settings, frames, potential, outputs.get('potential'))
    for crystal in found:
        crystal.deviations = find_deviations(crystal, settings.reference)
    comparison = DefectComparison(**head_of(settings, models), symbol=settings.symbol, crystals=found)
    return {'properties': orm.Dict(comparison.model_dump(mode='json'))}


def plan_defects(settings: DefectOptions, atoms: Atoms) -> list[PlannedDefect]:
    """Return the supercells of a crystal, none if there is no place for a defect in it."""
    try:
        return settings.plan(atoms)
    except StructureError:
        return []


def find_chemical_potential(settings: DefectOptions, minima: Mapping[str, CrystalFrames]) -> float | None:
    """Return the energy in eV of an atom of the reservoir by a model, None if it is not known.

    :param settings: which crystal is the reservoir, or the energy itself.
    :param minima: what the model has made of each crystal, by its name.
    """
    if settings.reservoir is None:
        return settings.chemical_potential
    energy: float | None = minima[settings.reservoir].common.get('energy_per_atom_ev')
    return energy


def defects_of(
    settings: DefectOptions, frames: CrystalFrames, chemical_potential: float | None, potential: PotentialData | None
) -> DefectRecord:
    """Return the formation energies of a crystal by a model, E(defect) − E(perfect) less what came from the reservoir.

    :param settings: what was asked for.
    :param frames: the minimum, and the relaxed supercells.
    :param chemical_potential: of the element in eV, None if it is not known.
    :param potential: of a model that is one, which tells what it has learned from.
    """
    record = DefectRecord(**{**frames.common, 'failure': frames.failures.get(MINIMUM)})
    record.chemical_potential_ev = chemical_potential
    if frames.minimum is None:
        return record
    (atoms,) = frames.minimum.to_atoms()
    try:
        planned = settings.plan(atoms)
    except StructureError as exception:
        record.failure = str(exception)
        return record
    perfect: dict[int, Frames | str] = {}
    for defect, relaxed in zip(planned, frames.single.get('relaxed', ()), strict=False):
        if defect.kind is None:
            perfect[defect.n_perfect] = relaxed
        else:
            entry = _entry(defect, relaxed, perfect[defect.n_perfect], chemical_potential)
            if not isinstance(relaxed, str):
                entry.grade = max(grades_of(relaxed), default=None)
                doubt = None if defect.kind == 'frenkel_pair' else doubt_of_composition(potential, relaxed)
                record.doubts += [doubt] if doubt and doubt not in record.doubts else []
            record.defects.append(entry)
    record.doubts += _find_doubts(record)
    return record


def find_deviations(crystal: DefectCrystal, reference: str | None) -> dict[str, list[DefectDeviation]]:
    """Return how far the formation energies of each model are from those of the reference.

    :param crystal: with its models.
    :param reference: name of a model, None if there is none.
    """
    if reference is None or reference not in crystal.models:
        return {}
    known = dict(_energies(crystal.models[reference]))
    return {
        name: [
            DefectDeviation(kind=key[0], site=key[1], n_atoms=key[2], difference_ev=energy - known[key])
            for key, energy in _energies(record) if key in known
        ]
        for name, record in crystal.models.items() if name != reference
    }  # fmt: skip


def _energies(record: DefectRecord) -> Iterator[tuple[tuple[Any, int, int], float]]:
    """Yield kind, site and size of each defect, and its formation energy."""
    for entry in record.defects:
        if entry.formation_energy_ev is not None:
            yield (entry.kind, entry.site, entry.n_atoms), entry.formation_energy_ev


def _entry(
    defect: PlannedDefect, relaxed: Frames | str, perfect: Frames | str, chemical_potential: float | None
) -> DefectEntry:
    """Return the record of a defect."""
    assert defect.kind is not None
    entry = DefectEntry(
        kind=defect.kind, site=defect.site, multiplicity=defect.multiplicity, n_atoms=defect.n_perfect
    )  # fmt: skip
    failure = next((one for one in (perfect, relaxed) if isinstance(one, str)), None)
    if isinstance(relaxed, str) or isinstance(perfect, str):
        entry.failure = failure
        return entry
    assert relaxed.energies is not None and perfect.energies is not None
    if relaxed.forces is not None:
        entry.largest_force_ev_per_angstrom = float(np.linalg.norm(relaxed.forces, axis=1).max())
    n_added = len(defect.atoms) - defect.n_perfect
    if n_added and chemical_potential is None:
        entry.failure = 'the chemical potential is not known'
        return entry
    added = n_added * chemical_potential if chemical_potential is not None else 0.0
    entry.formation_energy_ev = float(relaxed.energies[0] - perfect.energies[0]) - added
    return entry


def _find_doubts(record: DefectRecord) -> Iterator[str]:
    """Yield what speaks against formation energies, in sentences."""
    for entry in record.defects:
        name = f'{entry.kind} {entry.site} in {entry.n_atoms} atoms'
        if entry.failure is not None:
            yield f'{name}: {entry.failure}'
        elif entry.kind == 'frenkel_pair' and (entry.formation_energy_ev or 0.0) < RECOMBINED:
            yield f'{name}: the pair has recombined, its energy is that of the perfect crystal.'
        elif (entry.formation_energy_ev or 0.0) < 0.0:
            yield f'{name}: its formation energy is negative, so that the crystal is not stable beside the reservoir.'
        if entry.grade is not None and entry.grade > KNOWN_GRADE:
            yield f'{name}: the potential extrapolates (grade {entry.grade:.2g}); it may not know this composition.'
