"""Calcfunction that makes drifts, mobilities and currents of runs in electric fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.charges import LABELS, SOURCE, load_charges
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.track import load_track
from aiida_seimlip.functions.interface.hops import find_hops, store_hops
from aiida_seimlip.functions.interface.motion import Atoms, describe_current, describe_drift, with_framework
from aiida_seimlip.functions.interface.plan import QEQ, find_mobile
from aiida_seimlip.functions.run_verdict import Verdict, judge_runs
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.options.interface.field_results import (
    ChargeRecord,
    FieldPoint,
    FieldResults,
    FieldRunRecord,
    PartRecord,
)
from aiida_seimlip.options.transport.diffusivity import TransportEngines

if TYPE_CHECKING:
    from aiida_seimlip.science.analysis.track import Track

REST = 'rest'


@calcfunction
def analyse_field(
    options: orm.Dict,
    start: FramesData,
    charges: orm.ArrayData,
    plan: orm.Dict,
    ends: orm.Dict,
    **groups: Any,
) -> dict[str, orm.Data]:
    """Return what the tracks of all runs say of the motion of ions in fields.

    :param options: `FieldOptions`.
    :param start: the frame that all runs began with.
    :param charges: with labels, as `assign_charges` returns them.
    :param plan: as `plan_field` returns it.
    :param ends: how each run ended: ``outcome``, ``phase``, ``message``, ``uuid``.
    :param groups: ``results``, ``tracks`` and ``trajectories`` of the productions by the key of the run; if there are,
        ``audit`` (of one node, ``all``), ``potential`` (of one node, ``used``) and ``program`` (``engines``).
    :return: ``field`` (a `FieldResults`), ``drift``: mean displacements by label, and, if they were followed, ``hops``.
    """
    settings = FieldOptions.from_node(options)
    atoms = atoms_of(start, charges, settings)
    tracks = {key: with_framework(load_track(node), atoms) for key, node in sorted(groups.get('tracks', {}).items())}
    runs = _describe_runs(plan['runs'], ends.get_dict(), groups)
    points: list[FieldPoint] = []
    hops: dict[str, np.ndarray] = {}
    for number, field in enumerate(((0.0, 0.0, 0.0), *settings.fields)):
        keys = [run['key'] for run in plan['runs'] if run['field'] == list(field)]
        point = FieldPoint(
            number=number, field=field, strength=float(np.linalg.norm(field)), runs=[runs[key] for key in keys],
            parts=list(describe_parts(atoms, field, [groups['trajectories'][key] for key in keys
                                                     if key in groups.get('trajectories', {})], settings)),
        )  # fmt: skip
        point = _describe_motion(point, atoms, tracks, points[:1], settings)
        followed = {key: tracks[key] for key in keys if key in tracks}
        if settings.hops is not None and followed:
            record, rows = find_hops(followed, atoms, settings.hops, field if number else settings.fields[0])
            point, hops = point.model_copy(update={'hops': record}), hops | rows
        points.append(point)
    results = FieldResults(
        temperature=settings.temperature, ensemble=settings.dynamics.ensemble, seed=settings.seed,
        mobile=settings.mobile, engine=TransportEngines.from_node(groups['program']['engines']).dynamics,
        potential_uuid=groups['potential']['used'].uuid if 'potential' in groups else None,
        charges_source=charges.base.attributes.get(SOURCE), charges=list(_describe_charges(atoms, charges)),
        net_charge=float(atoms.charges.sum()), volume=float(start.get_frames().volumes[0]),
        threshold=settings.domain.threshold if 'audit' in groups else None,
        max_share_above=settings.domain.max_share if 'audit' in groups else None,
        points=points, warnings=list(_warnings(settings, 'audit' in groups)),
    )  # fmt: skip
    verdict = judge_field(results)
    results = results.model_copy(update={'message': None if verdict is None else verdict.message})
    found = {'field': orm.Dict(results.model_dump(mode='json')), 'drift': _displacements(atoms, tracks, plan['runs'])}
    return {**found, 'hops': store_hops(hops)} if hops else found


def judge_field(results: FieldResults) -> Verdict | None:
    """Return what is wrong with a result, the gravest if there are several faults; None if nothing is.

    :param results: of all runs.
    """
    runs = [run for point in results.points for run in point.runs]
    return judge_runs(runs, results.max_share_above, results.threshold)


def atoms_of(start: FramesData, charges: orm.ArrayData, settings: FieldOptions) -> Atoms:
    """Return the atoms of the cell.

    :param start: the frame that all runs began with.
    :param charges: with labels.
    :param settings: of the workflow.
    """
    symbols = np.array(start.get_atoms(0).get_chemical_symbols())
    labels = np.array(charges.base.attributes.get(LABELS))
    return Atoms(labels, symbols, load_charges(charges), find_mobile(labels.tolist(), symbols.tolist(), settings))


# -- runs -------------------------------------------------------------------------------------------------------------


def _describe_runs(
    planned: Sequence[Mapping[str, Any]], ends: Mapping[str, Any], groups: Mapping[str, Any]
) -> dict[str, FieldRunRecord]:
    """Return what became of each run, by its key."""
    audit = groups['audit']['all'].get_dict() if 'audit' in groups else {}
    names = ('n_steps', 'n_steps_asked', 'n_jobs', 'mean_temperature', 'mean_temperature_still')
    records = {}
    for run in planned:
        key = run['key']
        end = ends.get(key) or ends.get(f'r{run["replica"]}', {})
        results = groups['results'][key].get_dict() if key in groups.get('results', {}) else {}
        found = {name: results[name] for name in names if results.get(name) is not None}
        grades = {name: value for name, value in audit.get(key, {}).items() if name in FieldRunRecord.model_fields}
        told = {name: end[name] for name in ('message', 'uuid', 'phase') if name in end}
        records[key] = FieldRunRecord(
            key=key, seed=run['seed'], outcome=end.get('outcome', 'failed'), **told, **found, **grades
        )
    return records


def _describe_motion(
    point: FieldPoint, atoms: Atoms, tracks: Mapping[str, Track], without: Sequence[FieldPoint], settings: FieldOptions
) -> FieldPoint:
    """Return a point with drifts and current, if it is in a field and some of its runs have tracks.

    :param point: without them.
    :param atoms: of the cell.
    :param tracks: of all runs, with their framework.
    :param without: the point without a field; empty if this is it.
    :param settings: of the workflow.
    """
    runs = [tracks[run.key] for run in point.runs if run.key in tracks]
    if not runs:
        return point
    values: dict[str, Any] = {'duration_ps': float(sum(run.duration for run in runs))}
    if without:
        still = [tracks[run.key] for run in without[0].runs if run.key in tracks]
        temperature = _temperature(without[0]) or settings.temperature
        labels = list(dict.fromkeys(atoms.labels.tolist()))
        values['drifts'] = [
            describe_drift(
                label, atoms, runs, still, point.field, temperature=temperature, settings=settings,
                number=len(labels) * point.number + index,
            )
            for index, label in enumerate(labels)
        ]  # fmt: skip
        values |= describe_current(atoms, runs, point.field, settings)
    return point.model_copy(update=values)


def _temperature(point: FieldPoint) -> float | None:
    """Return the mean temperature of all runs without the drift in K, None if it is not known."""
    known = [run.mean_temperature_still for run in point.runs if run.mean_temperature_still is not None]
    return float(np.mean(known)) if known else None


# -- parts and charges ------------------------------------------------------------------------------------------------


def part_names(atoms: Atoms, settings: FieldOptions) -> np.ndarray:
    """Return the part of the cell that each atom belongs to; shape (n_atoms,).

    :param atoms: of the cell.
    :param settings: of the workflow: `parts`, else each of its `labels` is one.
    """
    parts = settings.parts or {label: [label] for label in settings.labels}
    owners = {label: part for part, labels in parts.items() for label in labels}
    return np.array([owners.get(label, REST if owners else 'all') for label in atoms.labels.tolist()])


def describe_parts(
    atoms: Atoms, field: Sequence[float], trajectories: Sequence[FramesData], settings: FieldOptions
) -> Iterator[PartRecord]:
    """Yield the charge, force, temperatures and drift of each part of the cell.

    :param atoms: of the cell.
    :param field: in V/Å.
    :param trajectories: whole frames of all runs in it, with velocities.
    :param settings: of the workflow.
    """
    from aiida_seimlip.science.analysis.field_parts import kinetic_temperatures, net_forces

    names = part_names(atoms, settings)
    frames = [node.get_frames() for node in trajectories]
    moving = [one for one in frames if one.velocities is not None and np.isfinite(one.velocities).all()]
    found = [{part.name: part for part in kinetic_temperatures(one, names.tolist())} for one in moving]
    for force in net_forces(atoms.charges, field, names.tolist()):
        pull: Any = tuple(force.force_ev_per_angstrom.tolist())
        record = PartRecord(name=force.name, n_atoms=force.n_atoms, charge=force.charge_e, force=pull)
        if found:
            parts = [one[force.name] for one in found]
            still = np.concatenate([part.without_drift_kelvin for part in parts])
            record = record.model_copy(update={
                'temperature': float(np.concatenate([part.with_drift_kelvin for part in parts]).mean()),
                'temperature_still': float(still.mean()) if np.isfinite(still).all() else None,
                'drift': tuple(np.concatenate([part.drift_angstrom_per_ps for part in parts]).mean(axis=0).tolist()),
            })  # fmt: skip
        yield record


def _describe_charges(atoms: Atoms, node: orm.ArrayData) -> Iterator[ChargeRecord]:
    """Yield the charges of the atoms with each label."""
    groups = node.base.attributes.get(QEQ, {}).get('groups', [])
    known = {group['name']: group for group in groups}
    for label in dict.fromkeys(atoms.labels.tolist()):
        own = atoms.charges[atoms.labels == label]
        group = known.get(label, {})
        yield ChargeRecord(
            label=label, n_atoms=own.size, charge=float(own.mean()), lowest=float(own.min()), highest=float(own.max()),
            before=group.get('mean_e'), scatter_atoms=group.get('scatter_atoms_e'),
            scatter_frames=group.get('scatter_frames_e'),
        )  # fmt: skip


def _warnings(settings: FieldOptions, has_grades: bool) -> Iterator[str]:
    if not has_grades:
        yield 'There are no extrapolation grades: nobody knows whether the potential had learned what it met.'
    if settings.qeq is not None:
        yield (
            'Charges of charge equilibration are mostly smaller than formal ones, and drifts with them: the choice of '
            'charges is the largest uncertainty of all numbers here.'
        )


def _displacements(atoms: Atoms, tracks: Mapping[str, Track], planned: Sequence[Mapping[str, Any]]) -> orm.ArrayData:
    """Return mean displacements in time, by run and label, relative to the framework."""
    node = orm.ArrayData()
    for run in planned:
        track = tracks.get(run['key'])
        if track is None:
            continue
        node.set_array(f'{run["key"]}_time_ps', track.times)
        moved = track.positions - track.positions[0] - (track.framework - track.framework[0])[:, np.newaxis]
        for label in dict.fromkeys(atoms.labels.tolist()):
            name = ''.join(character if character.isalnum() else '_' for character in label)
            node.set_array(f'{run["key"]}_{name}', moved[:, atoms.labels == label].mean(axis=1, dtype=float))
    return node
