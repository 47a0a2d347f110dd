"""Calcfunctions that compare barriers: of several potentials on one path, and of one hop at different temperatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.barrier.neb import ARRAYS, error_record, profile_numbers
from aiida_seimlip.options.barrier.results import (
    BarrierRecord,
    BarrierRow,
    BarrierTable,
    ComparedRecord,
    ComparisonRecord,
    ProfileRecord,
)
from aiida_seimlip.science.analysis.barrier import compare_profiles, describe_path
from aiida_seimlip.science.frames import Frames, predicted_by

REFERENCE = 'reference'
"""Name that stands for the reference program."""


@calcfunction
def evaluate_path(potential: PotentialData, path: FramesData) -> FramesData:
    """Return the images of a path with the energies and forces of a moment tensor potential, and grades if it has any.

    :param potential: a trained moment tensor potential.
    :param path: images in order; their own labels are replaced.
    """
    from aiida_seimlip.science.mtp.evaluate import evaluate
    from aiida_seimlip.science.mtp.grade import grade

    mtp, frames = potential.get_mtp(), path.get_frames(trace=True)
    grades = None if mtp.active_set is None else grade(mtp, frames).frame
    evaluated = evaluate(mtp, frames).computed_by(predicted_by(potential.uuid), 'free')
    return FramesData(evaluated.replace(grades=grades))


@calcfunction
def compare_paths(**paths: FramesData) -> dict[str, orm.Data]:
    """Compare what several potentials say about the same images, with errors by the reference if it is among them.

    :param paths: the images with the labels of each potential by its name, and of the reference as ``reference``.
    :return: ``comparison`` (as `ComparisonRecord`) and ``profiles`` (arrays as in `neb_results`).
    :raises ValueError: if they are not the same images, or one of them lacks labels.
    """
    frames = {name: node.get_frames() for name, node in sorted(paths.items())}
    hashes = {name: node.hashes for name, node in paths.items()}
    other = next((name for name in frames if hashes[name] != next(iter(hashes.values()))), None)
    if other is not None:
        raise ValueError(f'The path `{other}` does not consist of the same images as the others.')
    profiles = {name: describe_path(path) for name, path in frames.items()}
    reference = frames.get(REFERENCE)
    record = ComparisonRecord(
        n_images=len(next(iter(frames.values()))),
        reference=None if reference is None else ProfileRecord(**profile_numbers(profiles[REFERENCE])),
        potentials={
            name: ComparedRecord(**profile_numbers(profiles[name]), **_errors(path, reference), **_grade(path))
            for name, path in frames.items() if name != REFERENCE
        },
    )  # fmt: skip
    arrays = orm.ArrayData()
    first = next(iter(profiles.values()))
    arrays.set_array('coordinate', first.coordinate)
    arrays.set_array('spline_coordinate', first.spline_coordinate)
    for name, profile in profiles.items():
        for quantity in ARRAYS:
            arrays.set_array(f'{name}_{quantity}', getattr(profile, quantity))
    return {'comparison': orm.Dict(record.model_dump(mode='json')), 'profiles': arrays}


@calcfunction
def compare_barriers(barrier: orm.Dict, diffusivity: orm.Dict) -> orm.Dict:
    """Put the barrier of a hop at 0 K beside the activation energy of diffusion at finite temperature.

    The activation energy is that of the fit of Arrhenius to the diffusion coefficients. Beside the barrier of the hop
    that limits diffusion it holds what it takes to make the defect that hops, unless the cell holds one beforehand, and
    what anharmonic motion changes.

    :param barrier: as `BarrierRecord`.
    :param diffusivity: the output `diffusivity` of a `DiffusivityWorkChain`.
    :return: as `BarrierTable`.
    """
    found = BarrierRecord.model_validate(barrier.get_dict())
    fit = diffusivity.get_dict().get('arrhenius')
    rows = [*_rows_at_zero(found), *([] if fit is None else [_row_of_diffusion(fit, diffusivity.get_dict())])]
    table = BarrierTable(rows=rows)
    if fit is None:
        table.notes.append('There is no activation energy: the diffusivity has no fit of Arrhenius.')
    else:
        table.difference = fit['Ea'] - found.forward
        low, high = fit['Ea_interval']
        table.difference_interval = (low - found.forward, high - found.forward)
    if found.reference is None:
        table.notes.append('The barrier at 0 K was not checked with the reference.')
    return orm.Dict(table.model_dump(mode='json'))


def _errors(path: Frames, reference: Frames | None) -> dict[str, Any]:
    if reference is None:
        return {}
    errors = compare_profiles(path, reference)
    return {
        'error_mev': error_record(errors), 'energy_rmse_mev': 1e3 * errors.energy_rms, 'force_rmse': errors.force_rms,
    }  # fmt: skip


def _grade(path: Frames) -> dict[str, Any]:
    known = np.empty(0) if path.grades is None else path.grades[np.isfinite(path.grades)]
    return {'highest_grade': float(known.max())} if known.size else {}


def _rows_at_zero(found: BarrierRecord) -> list[BarrierRow]:
    """Return the barriers of the path, forward and back, and those of the reference on it."""
    graded = {'highest_grade': found.highest_grade, 'share_above_threshold': found.share_above_threshold}
    shared = {'fmax': found.fmax, 'is_converged': found.is_converged, **graded}
    rows = [
        BarrierRow(source=f'path, {way}', temperature='0', barrier=getattr(found, way), details=shared)
        for way in ('forward', 'backward')
    ]
    if found.reference is not None:
        errors = found.reference.error_mev
        rows += [
            BarrierRow(
                source=f'reference on the path, {way}', temperature='0', barrier=getattr(found.reference, way),
                details={'error_mev': getattr(errors, way), 'fmax': found.reference.fmax},
            ) for way in ('forward', 'backward')
        ]  # fmt: skip
    return rows


def _row_of_diffusion(fit: Mapping[str, Any], diffusivity: Mapping[str, Any]) -> BarrierRow:
    points = [point for point in diffusivity.get('points', []) if point.get('used_in_fit')]
    temperatures = sorted(point['temperature'] for point in points)
    span = f'{temperatures[0]:g} to {temperatures[-1]:g}' if temperatures else 'of the fit'
    return BarrierRow(
        source='diffusion, Arrhenius', temperature=span, barrier=fit['Ea'], interval=tuple(fit['Ea_interval']),
        details={
            'n_points': fit.get('n_points'),
            'share_above_threshold': [point.get('share_above_threshold') for point in points],
        },
    )  # fmt: skip
