"""Calcfunction of `InterfaceWorkChain` that measures: energies per area by each model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms
from ase.units import GPa

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.crystal.models import head_of
from aiida_seimlip.functions.expected_errors import expect_force_error
from aiida_seimlip.functions.interface.interface import sides_of
from aiida_seimlip.functions.interface.interface_frames import InterfaceFrames, read_interfaces
from aiida_seimlip.functions.model_jobs import KNOWN_GRADE, NOT_REACHED, Finished, grades_of
from aiida_seimlip.options.interface.interface import InterfaceOptions
from aiida_seimlip.options.interface.interface_results import (
    InterfaceComparison,
    InterfaceDeviation,
    InterfaceEntry,
    InterfacePlan,
    InterfaceRecord,
    LayerRecord,
    RelaxedInterface,
)
from aiida_seimlip.science.analysis.interface_energy import InterfaceEnergies, interface_energies
from aiida_seimlip.science.analysis.surface_energy import J_PER_M2
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.interfaces import CoherentInterface
from aiida_seimlip.science.structures.whole_units import find_broken_units

PARTED = 0.05
"""Layers with a smaller work of adhesion in J/m² have parted."""
SHEARED = 0.3
"""A larger shear stress in GPa, which only a cell that shears would relieve, is doubtful."""


@calcfunction
def measure_interfaces(
    options: orm.Dict, names: orm.List, minima: FramesData, plan: orm.Dict, **groups: Any
) -> dict[str, orm.Dict]:
    """Find the energies of interfaces by each model.

    :param options: as `InterfaceOptions`.
    :param names: of the crystals.
    :param minima: that the layers were cut from, one frame for each crystal.
    :param plan: as `InterfacePlan`.
    :param groups: ``models``: by name what there is of each model: ``minima``, ``cells`` and ``slabs``, the outputs of
        its jobs, ``potential`` and ``problem``; ``structures``: the ``cells`` and ``slabs`` given to all.
    :return: ``properties`` as an `InterfaceComparison`.
    """
    settings, planned = InterfaceOptions.from_node(options), InterfacePlan.model_validate(plan.get_dict())
    models, structures = groups['models'], groups.get('structures', {})
    interfaces, _ = settings.plan(*sides_of(settings, names, minima))
    found = InterfaceComparison(
        **head_of(settings, {name: _with_some_labels(outputs) for name, outputs in models.items()}),
        film=settings.film, substrate=settings.substrate, has_vacuum=settings.has_vacuum,
        built_with=planned.built_with, scanned_with=planned.scanned_with, without_match=planned.without_match,
        interfaces=[InterfaceEntry(**entry.model_dump()) for entry in planned.interfaces],
    )  # fmt: skip
    for name, outputs in models.items():
        at_rest = energies_at_rest(settings, names, outputs)
        read = read_interfaces(settings, planned.interfaces, outputs, structures)
        for entry, interface, frames in zip(found.interfaces, interfaces, read, strict=True):
            if frames is not None:
                entry.models[name] = measure(settings, interface, frames, at_rest, outputs.get('potential'))
    for entry in found.interfaces:
        entry.deviations = find_deviations(entry, found.reference)
    return {'properties': orm.Dict(found.model_dump(mode='json'))}


def energies_at_rest(
    settings: InterfaceOptions, names: orm.List, outputs: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    """Return the energies of an atom of film and substrate at the minima of a model in eV, None where not known."""
    finished = Finished.of(outputs.get('minima', {}), len(names.get_list()), NOT_REACHED)
    known: dict[str, float] = {}
    if finished.frames.energies is not None:
        for index, energy, size in zip(finished.indices, finished.frames.energies, finished.frames.sizes, strict=True):
            known[names[index]] = float(energy) / int(size)
    return known.get(settings.film), known.get(settings.substrate)


def measure(
    settings: InterfaceOptions, interface: CoherentInterface, frames: InterfaceFrames,
    at_rest: tuple[float | None, float | None], potential: PotentialData | None,
) -> InterfaceRecord:  # fmt: skip
    """Return the energies of an interface by a model.

    :param settings: whether there is vacuum.
    :param interface: its layers.
    :param frames: what the model has made of them.
    :param at_rest: energies of an atom of film and substrate at the minimum of the model in eV.
    :param potential: of a model that is one, which tells what errors to expect.
    """
    record = InterfaceRecord(doubts=list(frames.notes))
    record.failure = next((one for one in (*frames.bulks, *frames.slabs) if isinstance(one, str)), None)
    bulks, slabs = _energies(frames.bulks), _energies(frames.slabs)
    area, n_interfaces = interface.match.area, 1 if settings.has_vacuum else 2
    record.film, record.substrate = (
        _layer(bulk, slab, frame, rest, area)
        for bulk, slab, frame, rest in zip(bulks, slabs, frames.bulks, at_rest, strict=True)
    )
    for frame, begin in zip(frames.candidates, frames.begin, strict=True):
        entry = _relaxed(frame, begin)
        record.candidates.append(entry)
        if entry.energy_ev is not None and None not in (*bulks, *slabs):
            _fill(entry, interface_energies(entry.energy_ev, bulks, slabs, area, n_interfaces))  # type: ignore[arg-type]
    known = {number: entry.energy_ev for number, entry in enumerate(record.candidates) if entry.energy_ev is not None}
    record.best = min(known, key=known.__getitem__, default=None)
    grades = [grade for one in (*frames.bulks, *frames.slabs, *frames.candidates) for grade in grades_of(one)]
    record.highest_grade = max(grades, default=None)
    record.expected_force_error = expect_force_error(potential, record.highest_grade)
    record.doubts += _find_doubts(record)
    return record


def find_deviations(entry: InterfaceEntry, reference: str | None) -> dict[str, InterfaceDeviation]:
    """Return how far the models are from the reference, each at its own best candidate.

    :param entry: with its models.
    :param reference: name of a model, None if there is none.
    """
    best = entry.models[reference].best if reference in entry.models else None
    if reference is None or best is None:
        return {}
    known = entry.models[reference].candidates[best]
    found = {}
    for name, record in entry.models.items():
        if name == reference or record.best is None:
            continue
        own = record.candidates[record.best]
        found[name] = InterfaceDeviation(
            interface_energy_j_per_m2=_less(own.interface_energy_j_per_m2, known.interface_energy_j_per_m2),
            work_of_adhesion_j_per_m2=_less(own.work_of_adhesion_j_per_m2, known.work_of_adhesion_j_per_m2),
            same_candidate=record.best == best,
        )
    return found


def _relaxed(frame: Frames | str, begin: Atoms) -> RelaxedInterface:
    """Return what became of an interface, without energies per area.

    :param frame: at the end, or why there is none.
    :param begin: before the relaxation.
    """
    if isinstance(frame, str):
        return RelaxedInterface(failure=frame)
    entry = RelaxedInterface()
    (after,) = frame.to_atoms()
    (entry.energy_ev,) = _energies([frame])
    entry.grade = max(grades_of(frame), default=None)
    entry.broken_units = find_broken_units(begin, after)
    entry.height_change_angstrom = float(after.cell[2, 2] - begin.cell[2, 2])
    if frame.forces is not None:
        entry.largest_force_ev_per_angstrom = float(np.linalg.norm(frame.forces, axis=1).max())
    return entry


def _layer(
    bulk: float | None, slab: float | None, frame: Frames | str, at_rest: float | None, area: float
) -> LayerRecord:
    """Return the energies of a strained layer.

    :param bulk: energy of the strained crystal in eV.
    :param slab: energy in vacuum in eV.
    :param frame: of the strained crystal.
    :param at_rest: energy of an atom without strain in eV.
    :param area: in Å².
    """
    record = LayerRecord()
    if bulk is None or isinstance(frame, str):
        return record
    if slab is not None:
        record.surface_energy_j_per_m2 = (slab - bulk) / (2.0 * area) / J_PER_M2
    if at_rest is not None:
        size = int(frame.sizes[0])
        record.strain_energy_mev_per_atom = 1000.0 * (bulk / size - at_rest)
        record.strain_energy_j_per_m2 = (bulk - size * at_rest) / area / J_PER_M2
    if frame.stresses is not None:
        record.shear_stress_gpa = float(np.abs(frame.stresses[0, 3:5]).max() / GPa)
    return record


def _fill(entry: RelaxedInterface, energies: InterfaceEnergies) -> None:
    """Enter energies in both units."""
    entry.interface_energy_j_per_m2 = energies.interface / J_PER_M2
    entry.interface_energy_mev_per_angstrom2 = 1000.0 * energies.interface
    entry.work_of_adhesion_j_per_m2 = energies.adhesion / J_PER_M2
    entry.work_of_adhesion_mev_per_angstrom2 = 1000.0 * energies.adhesion


def _find_doubts(record: InterfaceRecord) -> Iterator[str]:
    """Yield what speaks against the energies of a model, in sentences."""
    for side, layer in (('film', record.film), ('substrate', record.substrate)):
        if layer.shear_stress_gpa is not None and layer.shear_stress_gpa > SHEARED:
            yield f'A shear stress of {layer.shear_stress_gpa:.2f} GPa is left in the strained crystal of the {side}.'
    for number, entry in enumerate(record.candidates):
        if entry.failure is not None:
            yield f'The interface {number}: {entry.failure}'
        if entry.broken_units:
            yield f'The interface {number}: {", ".join(entry.broken_units)} did not stay whole.'
        if entry.interface_energy_j_per_m2 is not None and entry.interface_energy_j_per_m2 < -1e-3:
            yield f'The interface {number}: its energy is negative, so that the crystals would mix or react.'
        if entry.work_of_adhesion_j_per_m2 is not None and entry.work_of_adhesion_j_per_m2 < PARTED:
            yield (
                f'The interface {number}: the layers do not hold together, the work of adhesion is '
                f'{entry.work_of_adhesion_j_per_m2:.3f} J/m².'
            )
    if record.highest_grade is not None and record.highest_grade > KNOWN_GRADE:
        yield f'The potential extrapolates: the highest grade on the frames is {record.highest_grade:.3g}.'


def _energies(frames: Sequence[Frames | str]) -> list[float | None]:
    """Return the energy of each frame in eV, None where there is none."""
    return [
        None if isinstance(frame, str) or frame.energies is None else float(frame.energies[0]) for frame in frames
    ]  # fmt: skip


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _with_some_labels(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a model so that its method is found where it has relaxed no crystals."""
    labelled = outputs.get('minima', {}).get('labelled')
    if labelled is not None and any(labelled.methods):
        return dict(outputs)
    return {**outputs, 'minima': outputs.get('cells', {})}
