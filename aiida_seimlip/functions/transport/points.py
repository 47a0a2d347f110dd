"""What the runs at one temperature say of diffusion, each by itself and all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from aiida_seimlip.data.track import load_track
from aiida_seimlip.functions.run_verdict import is_out_of_domain
from aiida_seimlip.functions.transport.diffusivity import Purpose, millikelvin
from aiida_seimlip.functions.words import describe_part
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions
from aiida_seimlip.options.transport.results import DiffusionPoint, ReplicaRecord, UnitRecord
from aiida_seimlip.science.seeds import derive_seed
from aiida_seimlip.science.speed import atom_steps_per_second, ns_per_day

if TYPE_CHECKING:
    from aiida_seimlip.science.analysis.diffusion import DiffusionEstimate
    from aiida_seimlip.science.analysis.track import Track

THIRDS = 3
LARGEST_DRIFT = 0.02
"""A volume that changes by more than this share from the first third of a production to the last is flagged."""


@dataclass(eq=False)
class Run:
    """One run, and what its track says.

    :param record: what is written of it.
    :param track: its track; None if there is none, or none that is worth an analysis.
    :param estimate: None if there is none.
    :param problem: why there is none.
    """

    record: ReplicaRecord
    track: Track | None = None
    estimate: DiffusionEstimate | None = None
    problem: str | None = None


@dataclass(eq=False)
class Temperature:
    """All runs at one temperature, and what they say together.

    :param point: what is written of it.
    :param runs: of all replicas.
    :param samples: of the posterior of D in m²/s; None if there is none.
    """

    point: DiffusionPoint
    runs: list[Run] = field(default_factory=list)
    samples: np.ndarray | None = None

    @property
    def estimates(self) -> list[DiffusionEstimate]:
        """Of all runs that have one."""
        return [run.estimate for run in self.runs if run.estimate is not None]


# -- runs -------------------------------------------------------------------------------------------------------------


def read_run(
    planned: Mapping[str, Any],
    end: Mapping[str, Any],
    groups: Mapping[str, Any],
    audit: Mapping[str, Any],
    settings: DiffusivityOptions,
) -> Run:
    """Put together what is known of a run, and read its track.

    :param planned: its entry in the plan.
    :param end: how it ended.
    :param groups: of nodes, as `analyse_diffusion` takes them.
    :param audit: what `audit_grades` returned, by run.
    :param settings: of the diffusivity.
    """
    key = planned['key']
    results = groups['results'][key].get_dict() if key in groups.get('results', {}) else {}
    grades = {name: value for name, value in audit.get(key, {}).items() if name in ReplicaRecord.model_fields}
    names = ('n_steps', 'n_steps_asked', 'n_jobs', 'mean_temperature', 'mean_pressure', 'cell', 'loop_seconds')
    speed = ns_per_day(
        results.get('n_steps') or 0, results.get('loop_seconds'), timestep_fs=settings.dynamics.timestep
    )  # fmt: skip
    record = ReplicaRecord(
        key=key, seed=planned['seed'], outcome=end.get('outcome', 'failed'), phase=end.get('phase', 'production'),
        message=end.get('message'), uuid=end.get('uuid'), volume=results.get('mean_volume'),
        ns_per_day=speed,
        **{name: results[name] for name in names if results.get(name) is not None}, **grades,
    )  # fmt: skip
    if key not in groups.get('tracks', {}):
        return Run(record, problem=f'{key} {record.outcome} in its {record.phase}')
    return _estimate(record, load_track(groups['tracks'][key]), planned, settings)


def _estimate(record: ReplicaRecord, track: Track, planned: Mapping[str, Any], settings: DiffusivityOptions) -> Run:
    """Find the diffusion coefficient of one run."""
    from aiida_seimlip.science.analysis.diffusion import estimate_diffusion

    seed = derive_seed(settings.seed, Purpose.ESTIMATE, millikelvin(planned['temperature']), planned['replica'])
    record = record.model_copy(update={'duration_ps': track.duration})
    try:
        estimate = estimate_diffusion(track, seed=seed, **dict(settings.analysis))
    except ValueError as exception:  # such as a track of too few frames
        return Run(record, track, problem=f'the track of {record.key} could not be read: {exception}')
    found = {'D': estimate.D.mean, 'D_std': estimate.D.std, 'n_hops': estimate.n_hops}
    return Run(record.model_copy(update=found), track, estimate)


def _with_rate(record: ReplicaRecord, n_atoms: int) -> ReplicaRecord:
    rate = atom_steps_per_second(n_atoms, record.n_steps, record.loop_seconds)
    return record.model_copy(update={'atom_steps_per_second': rate})


# -- temperatures -----------------------------------------------------------------------------------------------------


def combine_runs(
    temperature: float, runs: Sequence[Run], n_atoms: int, settings: DiffusivityOptions, units: Mapping[str, Any]
) -> Temperature:
    """Put the replicas at one temperature together.

    :param temperature: in K.
    :param runs: at this temperature.
    :param n_atoms: in the cell.
    :param settings: of the diffusivity.
    :param units: what became of bonded units, by temperature.
    """
    records = [_with_rate(run.record, n_atoms) for run in runs]
    whole = Temperature(DiffusionPoint(temperature=temperature, replicas=records), list(runs))
    flags = [run.problem for run in runs if run.problem]
    values = {'n_atoms': n_atoms, **_describe_cell(runs), **_describe_grades(runs)}
    if whole.estimates:
        seed = derive_seed(settings.seed, Purpose.ESTIMATE, millikelvin(temperature), settings.replicas)
        values |= _describe_estimates(whole, seed)
    flags += _flags_of_estimates(runs) + _flags_of_domain(runs, settings)
    flags += _flags_of_volume(runs) + _flags_of_cells(runs) + _flags_of_units(units, whole.point.key)
    if values.get('scatter_factor') and values['scatter_factor'] > 2.0:
        flags.append(f'the replicas scatter {values["scatter_factor"]:.1f} times as much as their error bars tell')
    is_outside = any(is_out_of_domain(run.record, settings.domain.max_share) for run in runs)
    values['used_in_fit'] = bool(values.get('is_diffusive')) and not is_outside
    whole.point = whole.point.model_copy(update={**values, 'flags': flags})
    return whole


def _describe_estimates(whole: Temperature, seed: int) -> dict[str, Any]:
    """Return the diffusion coefficient of all replicas together; the samples of its posterior are kept in `whole`."""
    from aiida_seimlip.science.analysis.posterior import Posterior
    from aiida_seimlip.science.analysis.replicas import combine_replicas

    estimates = whole.estimates
    mean = combine_replicas([estimate.D.samples for estimate in estimates], seed=seed)
    whole.samples = mean.samples
    D = Posterior(mean.samples)
    slopes = [estimate.log_slope for estimate in estimates]
    slope_widths = np.array([estimate.log_slope_std for estimate in estimates])
    axes = np.array([[axis.mean for axis in estimate.axes] for estimate in estimates])
    widths = np.array([[axis.std for axis in estimate.axes] for estimate in estimates])
    return {
        'D': D.mean, 'D_std': D.std, 'D_interval': D.interval,
        'D_per_axis': tuple(axes.mean(axis=0).tolist()),
        'D_per_axis_std': tuple((np.sqrt((widths**2).sum(axis=0)) / len(widths)).tolist()),
        'replica_scatter': mean.scatter, 'scatter_factor': mean.factor,
        'is_diffusive': all(estimate.is_diffusive for estimate in estimates),
        'n_hops': sum(estimate.n_hops for estimate in estimates), 'log_slope': float(np.mean(slopes)),
        'log_slope_std': float(np.sqrt((slope_widths**2).sum()) / slope_widths.size),
        'n_moving': min(estimate.n_moving for estimate in estimates),
    }  # fmt: skip


def _describe_cell(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what does not depend on the estimate: temperature, size, length."""
    records = [run.record for run in runs]
    tracks = [run.track for run in runs if run.track is not None]
    values: dict[str, Any] = {
        'mean_temperature': _mean([record.mean_temperature for record in records]),
        'volume': _mean([record.volume for record in records]),
    }
    if tracks:
        cell = np.mean([track.cells.mean(axis=0) for track in tracks], axis=0)
        values['duration_ps'] = float(sum(track.duration for track in tracks))
        values['n_ions'] = tracks[0].n_ions
        values['cell_height'] = float((1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)).min())
        values['volume'] = values['volume'] or float(np.mean([track.volumes.mean() for track in tracks]))
    return values


def _describe_grades(runs: Sequence[Run]) -> dict[str, Any]:
    graded = [run.record for run in runs if run.record.n_graded]
    if not graded:
        return {}
    n_graded = sum(record.n_graded or 0 for record in graded)
    n_above = sum((record.share_above_threshold or 0.0) * (record.n_graded or 0) for record in graded)
    highest = max(graded, key=lambda record: record.highest_grade or 0.0)
    same = {name: getattr(highest, name) for name in ('highest_grade', 'expected_force_error')}
    return {'n_graded': n_graded, 'share_above_threshold': n_above / n_graded, **same}


def _flags_of_estimates(runs: Sequence[Run]) -> list[str]:
    """Return the flags of all estimates, each with the names of the runs that have it where that is not all."""
    owners: dict[str, list[str]] = {}
    for run in runs:
        for flag in run.estimate.flags if run.estimate is not None else ():
            owners.setdefault(flag, []).append(run.record.key)
    return [flag if len(keys) == len(runs) else f'{flag} ({", ".join(keys)})' for flag, keys in owners.items()]


def _flags_of_domain(runs: Sequence[Run], settings: DiffusivityOptions) -> list[str]:
    threshold = settings.domain.threshold
    outside = [run.record for run in runs if is_out_of_domain(run.record, settings.domain.max_share)]
    return [
        f'out of domain: {describe_part(record.share_above_threshold or 0.0, f"frames of {record.key}")} have a grade '
        f'above {threshold:g}'
        for record in outside
    ]


def _flags_of_volume(runs: Sequence[Run]) -> list[str]:
    """Say where a cell went on growing or shrinking during the production."""
    flags = []
    for run in runs:
        if run.track is not None and len(run.track) >= THIRDS:
            first, *_, last = (part.mean() for part in np.array_split(run.track.volumes, THIRDS))
            if abs(last / first - 1.0) > LARGEST_DRIFT:
                flags.append(f'not equilibrated: the volume of {run.record.key} changes by {last / first - 1.0:+.1%}')
    return flags


def _flags_of_cells(runs: Sequence[Run]) -> list[str]:
    """Say where a cell swelled, tilted or got too thin."""
    found = {run.record.key: run.record.cell.explain() for run in runs if run.record.cell is not None}
    return [f'the cell of {key} {words}' for key, words in found.items() if words]


def _flags_of_units(units: Mapping[str, Any], key: str) -> list[str]:
    records = {unit: UnitRecord.model_validate(record) for unit, record in units.get(key, {}).items()}
    return [
        f'{unit} units break: {record.n_lowest} of {record.n_start} are intact in the worst frame, and fewer than at '
        f'the start in {describe_part(1.0 - record.share_complete, "frames")}'
        for unit, record in records.items() if record.n_lowest < record.n_start
    ]  # fmt: skip


# -- numbers -----------------------------------------------------------------------------------------------------------


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
