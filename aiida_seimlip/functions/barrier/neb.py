"""Calcfunctions of migration barriers: the first band, and what a path says."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.expected_errors import expect_force_error
from aiida_seimlip.functions.words import describe_part
from aiida_seimlip.options.barrier.neb import NEBOptions
from aiida_seimlip.options.barrier.results import BarrierRecord, ErrorRecord, MovedAtom, ProfileRecord, ReferenceRecord
from aiida_seimlip.science.analysis.barrier import PathProfile, ProfileErrors, compare_profiles, describe_path
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.band import MOVED, displacements, interpolate

ARRAYS = ('energies', 'tangential_forces', 'perpendicular_forces', 'spline_energy')
"""Arrays of a profile that depend on what gave the energies."""

COARSE_MEV = 10.0
"""A spline that rises further than this above the highest image, in meV, is worth a word."""


@calcfunction
def join_ends(initial: Any, final: Any) -> FramesData:
    """Put the two ends of a path into one node.

    :param initial: a structure, or one frame.
    :param final: the same atoms in the same order.
    """
    return FramesData(Frames.concatenate([get_frame(initial), get_frame(final)]))


@calcfunction
def interpolate_path(ends: FramesData, options: orm.Dict) -> FramesData:
    """Return the first band between two configurations, both of them included.

    :param ends: two frames of the same atoms in the same order.
    :param options: as `NEBOptions`.
    """
    settings = NEBOptions.from_node(options)
    initial, final = ends.get_frames().without_labels().to_atoms()
    images = interpolate(initial, final, settings.n_images, settings.interpolation, fixed=settings.fixed)
    return FramesData.from_atoms(images)


@calcfunction
def merge_bands(**jobs: orm.Dict) -> orm.Dict:
    """Join the results of a band that took several jobs, each of which went on from the last band of the one before.

    :param jobs: `results` of each job, by names in order.
    """
    results = [node.get_dict() for _, node in sorted(jobs.items())]
    seconds = [one['seconds'] for one in results if one['seconds'] is not None]
    return orm.Dict(
        {
            **results[-1],
            'n_jobs': len(results),
            'n_steps': sum(one['n_steps'] for one in results),
            'seconds': sum(seconds) if seconds else None,
            **{name: [value for one in results for value in one[name]] for name in ('residuals', 'highest')},
        }
    )


@calcfunction
def grade_path(path: FramesData, potential: PotentialData) -> FramesData:
    """Return a path with the extrapolation grade of each image.

    :param path: images in order.
    :param potential: a moment tensor potential with an active set.
    """
    from aiida_seimlip.science.mtp.grade import grade

    frames = path.get_frames(trace=True)
    return FramesData(frames.replace(grades=grade(potential.get_mtp(), frames).frame))


@calcfunction
def describe_barrier(path: FramesData, results: orm.Dict, options: orm.Dict, **beside: orm.Data) -> dict[str, orm.Data]:
    """Return what a path says: barriers, the spline, grades, and errors by the reference.

    :param path: images in order with energies and forces, and grades where they are known.
    :param results: of the engine of the socket `path`.
    :param options: as `NEBOptions`.
    :param beside: what there is of ``potential`` (which gave the energies), ``labelled`` (the images with the labels of
        the reference, as far as it had any) and ``failures`` (of the reference).
    :return: ``barrier`` (as `BarrierRecord`) and ``profile``.
    """
    frames = path.get_frames()
    profile = describe_path(frames)
    arrays = _arrays(profile, frames)
    failures = beside['failures'].get_dict() if 'failures' in beside else {}
    reference = None
    if 'labelled' in beside and not failures:
        labelled = beside['labelled'].get_frames()
        found = describe_path(labelled)
        method = ' and '.join(sorted(filter(None, beside['labelled'].methods)))
        reference = _reference_record(found, compare_profiles(frames, labelled), method)
        arrays |= {f'reference_{name}': getattr(found, name) for name in ARRAYS}
    settings = NEBOptions.from_node(options)
    record = BarrierRecord(
        **profile_numbers(profile), is_converged=results['is_converged'], is_climbing=results['is_climbing'],
        path_length=float(profile.coordinate[-1]), n_steps=results['n_steps'], moved=_moved(frames),
        potential_uuid=beside['potential'].uuid if 'potential' in beside else None,
        **_grade_numbers(frames, settings.threshold, beside.get('potential')), reference=reference,
        reference_failures=failures,
    )  # fmt: skip
    record.flags.extend(_flags(record, profile))
    node = orm.ArrayData()
    for name, array in arrays.items():
        node.set_array(name, array)
    return {'barrier': orm.Dict(record.model_dump(mode='json')), 'profile': node}


def profile_numbers(profile: PathProfile) -> dict[str, Any]:
    """Return the content of a `ProfileRecord`."""
    return ProfileRecord(
        forward=profile.forward, backward=profile.backward, reaction_energy=profile.reaction_energy, fmax=profile.fmax,
        n_images=len(profile.energies), saddle_index=profile.saddle_index,
        saddle_coordinate=profile.highest_coordinate, resolution_mev=1e3 * profile.resolution,
    ).model_dump()  # fmt: skip


def error_record(errors: ProfileErrors) -> ErrorRecord:
    """Return the errors of barriers in meV."""
    return ErrorRecord(
        forward=1e3 * errors.forward, backward=1e3 * errors.backward, reaction_energy=1e3 * errors.reaction_energy
    )


def _reference_record(profile: PathProfile, errors: ProfileErrors, method: str) -> ReferenceRecord:
    return ReferenceRecord(
        **profile_numbers(profile), error_mev=error_record(errors), energy_rmse_mev=1e3 * errors.energy_rms,
        force_rmse=errors.force_rms, method=method,
    )  # fmt: skip


def _arrays(profile: PathProfile, frames: Frames) -> dict[str, np.ndarray]:
    names = ('coordinate', 'spline_coordinate', *ARRAYS)
    grades = {} if frames.grades is None else {'grades': frames.grades}
    return {**{name: getattr(profile, name) for name in names}, **grades}


def _moved(frames: Frames) -> list[MovedAtom]:
    """Return the atoms that are elsewhere at the end of the path."""
    first, *_, last = frames.to_atoms()
    ways = np.linalg.norm(displacements(first, last), axis=1)
    return [
        MovedAtom(index=int(index), symbol=first.symbols[index], distance=float(ways[index]))
        for index in np.flatnonzero(ways > MOVED)
    ]


def _grade_numbers(frames: Frames, threshold: float, potential: orm.Data | None) -> dict[str, Any]:
    """Return what the record says about grades."""
    known = np.empty(0) if frames.grades is None else frames.grades[np.isfinite(frames.grades)]
    if not known.size:
        return {}
    expected = expect_force_error(potential if isinstance(potential, PotentialData) else None, float(known.max()))
    return {
        'highest_grade': float(known.max()), 'share_above_threshold': float(np.mean(known > threshold)),
        'threshold': threshold, 'n_graded': int(known.size),
        'expected_force_error': expected,
    }  # fmt: skip


def _flags(record: BarrierRecord, profile: PathProfile) -> list[str]:
    """Return what is to be said about a path."""
    flags = []
    if not record.is_converged:
        flags.append(f'The band has not converged: the force across the path is {record.fmax:.3g} eV/Å.')
    if record.saddle_index in (0, record.n_images - 1):
        flags.append('The highest image is an end of the path: there is no barrier between.')
    for index in profile.intermediate_minima:
        flags.append(f'Image {index} lies in a minimum between the ends: relax it, and take each part by itself.')
    if record.resolution_mev > COARSE_MEV:
        flags.append(
            f'The spline rises {record.resolution_mev:.0f} meV above the highest image: take more images, or climb.'
        )
    if record.share_above_threshold:
        flags.append(
            f'{describe_part(record.share_above_threshold, "images")} have a grade above {record.threshold:g}: there '
            'the potential extrapolates.'
        )
    if record.reference_failures:
        flags.append(f'The reference could not label {len(record.reference_failures)} of {record.n_images} images.')
    return flags
