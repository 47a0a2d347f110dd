"""Calcfunctions of `InterfaceWorkChain` that make structures: the scan, and what is relaxed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.model_jobs import NOT_REACHED, Finished, find_grades
from aiida_seimlip.options.interface.interface import InterfaceOptions, ScanPoint, Stage
from aiida_seimlip.options.interface.interface_results import (
    CandidateRecord,
    InterfacePlan,
    PlannedInterface,
    ScanRecord,
    ShiftRecord,
)
from aiida_seimlip.options.model import ModelOptions
from aiida_seimlip.science.analysis.surface_energy import J_PER_M2
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.interfaces import CoherentInterface, Layer, Side

THIN = 8.0
"""Layers thinner than this in Å are doubtful."""
STRAINED = 0.03
"""Larger strains are doubtful."""


@calcfunction
def interface_parameters(options: orm.Dict, model: orm.Dict) -> dict[str, orm.Dict]:
    """Return the parameters of the jobs of a model, as `AseOptions`, by their names.

    :param options: as `InterfaceOptions`.
    :param model: as `ModelOptions`.
    """
    settings, calculator = InterfaceOptions.from_node(options), ModelOptions.from_node(model).calculator
    stages: list[Stage] = ['scan', 'cells', 'slabs']
    if settings.dynamics is not None:
        stages.append('dynamics')
    return {stage: orm.Dict(settings.job(calculator, stage)) for stage in stages}


@calcfunction
def make_scan(options: orm.Dict, names: orm.List, minima: FramesData) -> FramesData:
    """Return all interfaces of rigid layers in a grid of shifts and gaps.

    :param options: as `InterfaceOptions`.
    :param names: of the crystals.
    :param minima: one frame for each crystal.
    """
    settings = InterfaceOptions.from_node(options)
    interfaces, _ = settings.plan(*sides_of(settings, names, minima))
    points = [point.atoms for point in settings.scan(interfaces)]
    return FramesData(Frames.from_atoms(points) if points else Frames.empty())


@calcfunction
def make_candidates(
    options: orm.Dict, names: orm.List, minima: FramesData, built_with: orm.Str, scanned_with: orm.Str, **groups: Any
) -> dict[str, orm.Data]:
    """Choose the best shifts and gaps of each interface, and return what is relaxed.

    :param options: as `InterfaceOptions`.
    :param names: of the crystals.
    :param minima: one frame for each crystal.
    :param built_with: name of the model that the minima are of.
    :param scanned_with: name of the model that has scanned.
    :param groups: ``scan``: outputs of its job, and its ``potential`` if it is one.
    :return: ``plan`` as `InterfacePlan`; ``cells``: for each interface film and substrate as strained crystals, then
        the interfaces that have no vacuum; ``slabs``: both in vacuum, then the interfaces that have vacuum.
    """
    settings = InterfaceOptions.from_node(options)
    interfaces, reasons = settings.plan(*sides_of(settings, names, minima))
    plan = InterfacePlan(built_with=built_with.value, scanned_with=scanned_with.value, without_match=reasons)
    points = list(settings.scan(interfaces))
    scan = groups.get('scan', {})
    found = Finished.of(scan, len(points), NOT_REACHED)

    def grade_of(index: int) -> float | None:
        return find_grades(scan.get('potential'), found.among([index]))[0]

    energies = dict(zip(found.indices, _energies(found.frames), strict=True))
    structures: dict[str, list[Atoms]] = {'cells': [], 'slabs': []}
    for number, interface in enumerate(interfaces):
        record = describe_interface(settings, interface)
        own = {index: point for index, point in enumerate(points) if point.number == number}
        record.scans = [
            _scan(settings, interface, own, energies, grade_of=grade_of, side=side) for side in settings.sides()
        ]
        record.candidates = list(_candidates(settings, record))
        _find_doubts(record)
        plan.interfaces.append(record)
        if not record.candidates:
            record.failure = 'no point of the scan was evaluated'
            continue
        structures['cells'] += interface.bulks
        structures['slabs'] += interface.slabs(settings.vacuum)
        structures['slabs' if settings.has_vacuum else 'cells'] += [
            build(settings, interface, candidate) for candidate in record.candidates
        ]
    frames = {name: FramesData(Frames.from_atoms(made)) for name, made in structures.items() if made}
    return {'plan': orm.Dict(plan.model_dump(mode='json')), **frames}


def sides_of(settings: InterfaceOptions, names: orm.List, minima: FramesData) -> tuple[Atoms, Atoms]:
    """Return film and substrate.

    :param settings: their names.
    :param names: of the crystals.
    :param minima: one frame for each crystal.
    """
    crystals = dict(zip(names.get_list(), minima.get_frames().to_atoms(), strict=True))
    return crystals[settings.film], crystals[settings.substrate]


def build(settings: InterfaceOptions, interface: CoherentInterface, candidate: CandidateRecord) -> Atoms:
    """Return an interface as it is before the relaxation.

    :param settings: whether it has vacuum.
    :param interface: its layers.
    :param candidate: its shifts and gaps.
    """
    shifts = [np.array(shift) for shift in candidate.shifts_angstrom]
    if settings.has_vacuum:
        return interface.in_vacuum(shifts[0], candidate.gaps_angstrom[0], settings.vacuum)
    return interface.sandwich((shifts[0], shifts[1]), (candidate.gaps_angstrom[0], candidate.gaps_angstrom[1]))


def describe_interface(settings: InterfaceOptions, interface: CoherentInterface) -> PlannedInterface:
    """Return the record of an interface, without shifts.

    :param settings: names of film and substrate.
    :param interface: its layers and their common cell.
    """
    match, film, substrate = interface.match, interface.film, interface.substrate
    faces = [f'{name}{_indices(layer)}' for name, layer in ((settings.film, film), (settings.substrate, substrate))]
    return PlannedInterface(
        name=f'{faces[0]} on {faces[1]}, {match.n_film}:{match.n_substrate}',
        film_miller=list(film.slab.miller), substrate_miller=list(substrate.slab.miller),
        film_faces=film.slab.label, substrate_faces=substrate.slab.label, area_angstrom2=match.area,
        n_film_cells=match.n_film, n_substrate_cells=match.n_substrate, angle_degrees=match.angle,
        misfit_percent=100.0 * match.misfit, film_strain_percent=_strain(match.film_strain),
        substrate_strain_percent=_strain(match.substrate_strain), n_film_atoms=len(interface.bulks[0]),
        n_substrate_atoms=len(interface.bulks[1]), film_thickness_angstrom=film.slab.thickness,
        substrate_thickness_angstrom=substrate.slab.thickness, registry_angstrom=interface.registry.tolist(),
        doubts=[*_doubts_of_layer('film', film), *_doubts_of_layer('substrate', substrate)],
    )  # fmt: skip


def _scan(
    settings: InterfaceOptions, interface: CoherentInterface, points: Mapping[int, ScanPoint],
    energies: Mapping[int, float], *, grade_of: Callable[[int], float | None], side: Side,
) -> ScanRecord:  # fmt: skip
    """Return what the scan of one interface has found.

    :param settings: shifts and gaps.
    :param interface: its layers.
    :param points: of both sides, by their number.
    :param energies: in eV, of those that were evaluated.
    :param grade_of: returns the grade of a point, None of models that know none.
    :param side: which interface it is.
    """
    own = {index: point for index, point in points.items() if point.side == side}
    n_points = len(interface.shifts(settings.shift_spacing)) * len(settings.gaps)
    known = {index: point for index, point in own.items() if index in energies}
    record = ScanRecord(
        side=side, n_points=n_points, n_too_near=n_points - len(own), n_failed=len(own) - len(known)
    )  # fmt: skip
    if not known:
        return record
    widest = max(point.gap for point in known.values())
    highest = max(energies[index] for index, point in known.items() if point.gap == widest)
    best: dict[tuple[float, ...], int] = {}
    for index in sorted(known, key=energies.__getitem__):
        best.setdefault(tuple(known[index].shift), index)
    for index in best.values():
        point = known[index]
        record.shifts.append(
            ShiftRecord(
                shift_angstrom=point.shift.tolist(),
                gap_angstrom=point.gap,
                adhesion_j_per_m2=(highest - energies[index]) / interface.match.area / J_PER_M2,
                is_at_edge=len(settings.gaps) > 1 and point.gap in (settings.gaps[0], settings.gaps[-1]),
            )
        )
    chosen = [grade_of(index) for index in list(best.values())[: settings.n_relaxed]]
    record.highest_grade = max((grade for grade in chosen if grade is not None), default=None)
    return record


def _candidates(settings: InterfaceOptions, record: PlannedInterface) -> Iterator[CandidateRecord]:
    """Yield the best shifts: the best of both interfaces together, then the next of both."""
    best = [scan.shifts[: settings.n_relaxed] for scan in record.scans]
    for sides in zip(*best, strict=False):
        yield CandidateRecord(
            shifts_angstrom=[side.shift_angstrom for side in sides], gaps_angstrom=[side.gap_angstrom for side in sides]
        )


def _find_doubts(record: PlannedInterface) -> None:
    """Add what speaks against the choice of shift and gap."""
    for scan in record.scans:
        if scan.shifts and scan.shifts[0].is_at_edge:
            record.doubts.append(
                f'The best gap of the {scan.side} interface, {scan.shifts[0].gap_angstrom:g} Å, is at the edge of the '
                'scan.'
            )
        if scan.n_failed:
            record.doubts.append(f'{scan.n_failed} points of the scan of the {scan.side} interface failed.')
    strains = np.abs([*record.film_strain_percent, *record.substrate_strain_percent])
    if strains.max() > 100.0 * STRAINED:
        record.doubts.append(f'The layers are strained by {strains.max():.1f} %, which is large.')


def _doubts_of_layer(side: str, layer: Layer) -> Iterator[str]:
    """Yield what speaks against a layer, in sentences."""
    slab = layer.slab
    if slab.thickness < THIN:
        yield f'The {side} is {slab.thickness:.1f} Å thick, which is thin.'
    if not slab.is_symmetric:
        yield f'The two faces of the {side} differ, so that energies are means of two interfaces or surfaces.'
    if slab.is_polar:
        yield f'The {side} is polar, so that its slab and the interface may have no energy of their own.'
    if slab.cuts_bonds:
        yield f'Bonds of the {side} are cut.'


def _energies(frames: Frames) -> Sequence[float]:
    return [] if frames.energies is None else [float(energy) for energy in frames.energies]


def _strain(strain: np.ndarray) -> list[float]:
    return [100.0 * float(strain[0, 0]), 100.0 * float(strain[1, 1]), 100.0 * float(strain[0, 1])]


def _indices(layer: Layer) -> str:
    return f'({" ".join(str(index) for index in layer.slab.miller)})'
