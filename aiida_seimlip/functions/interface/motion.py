"""What the tracks of runs in a field say of the motion of ions: drifts beside Einstein's relation, and currents."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from aiida_seimlip.functions.interface.plan import Purpose
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.options.interface.field_results import DriftRecord
from aiida_seimlip.science.seeds import derive_seed

if TYPE_CHECKING:
    from aiida_seimlip.science.analysis.diffusion import DiffusionEstimate
    from aiida_seimlip.science.analysis.track import Track


@dataclass(frozen=True, eq=False)
class Atoms:
    """The atoms of the cell.

    :param labels: of each; shape (n_atoms,).
    :param symbols: of each; shape (n_atoms,).
    :param charges: in e; shape (n_atoms,).
    :param mobile: whether each is one of the ions that were asked for; shape (n_atoms,).
    """

    labels: np.ndarray
    symbols: np.ndarray
    charges: np.ndarray
    mobile: np.ndarray

    @property
    def masses(self) -> np.ndarray:
        """In u; shape (n_atoms,)."""
        return np.asarray(atomic_masses[[atomic_numbers[symbol] for symbol in self.symbols]])


@dataclass(frozen=True, eq=False)
class Diffusion:
    """The diffusion of ions without a field, along the direction of one.

    :param D: in m²/s, None if there is none.
    :param D_std: its standard deviation in m²/s.
    :param is_diffusive: whether they diffuse.
    :param flags: what speaks against it, in words.
    """

    D: float | None = None
    D_std: float | None = None
    is_diffusive: bool = False
    flags: tuple[str, ...] = ()


def with_framework(track: Track, atoms: Atoms) -> Track:
    """Return a track of all atoms with the centre of mass of those that are not mobile as its framework.

    Where all are mobile, it is that of all atoms.

    :param track: of all atoms, which has no framework.
    :param atoms: of the cell.
    """
    others = ~atoms.mobile if not atoms.mobile.all() else np.ones_like(atoms.mobile)
    weights = np.where(others, atoms.masses, 0.0)
    centre = np.einsum('fai,a->fi', track.positions, weights / weights.sum(), dtype=float)
    return dataclasses.replace(track, framework=centre)


def turned(track: Track, field: Sequence[float] | np.ndarray) -> Track:
    """Return a track whose x axis is the direction of a field.

    :param track: of any ions.
    :param field: not zero; shape (3,).
    """
    along = np.asarray(field, dtype=float) / np.linalg.norm(field)
    basis = np.linalg.qr(np.column_stack([along, np.eye(3)[:, np.argsort(np.abs(along))[:2]]]))[0]
    return dataclasses.replace(
        track, positions=track.positions @ basis, framework=track.framework @ basis, cells=track.cells @ basis
    )


def find_diffusion(
    tracks: Sequence[Track], field: Sequence[float] | np.ndarray, settings: FieldOptions, number: int
) -> Diffusion:
    """Find the diffusivity of ions without a field, along the direction of one.

    :param tracks: of these ions, in runs without a field.
    :param field: in V/Å; shape (3,).
    :param settings: of the workflow.
    :param number: of the field and label, for the seed.
    """
    from aiida_seimlip.science.analysis.diffusion import estimate_diffusion
    from aiida_seimlip.science.analysis.replicas import combine_replicas

    seed = derive_seed(settings.seed, Purpose.ANALYSIS, number)
    seeds = [int(one) for one in np.random.SeedSequence(seed).generate_state(len(tracks))]
    estimates: list[DiffusionEstimate] = []
    problems = []
    for track, one in zip(tracks, seeds, strict=True):
        try:
            estimates.append(estimate_diffusion(turned(track, field), seed=one, **dict(settings.analysis)))
        except ValueError as exception:  # too short, or nothing moves
            problems.append(str(exception))
    if not estimates:
        return Diffusion(flags=tuple(dict.fromkeys(problems)))
    samples = combine_replicas([estimate.axes[0].samples for estimate in estimates], seed=seed).samples
    flags = dict.fromkeys([*(flag for estimate in estimates for flag in estimate.flags), *problems])
    is_diffusive = all(estimate.is_diffusive for estimate in estimates) and not problems
    return Diffusion(float(samples.mean()), float(samples.std()), is_diffusive, tuple(flags))


def describe_drift(
    label: str,
    atoms: Atoms,
    runs: Sequence[Track],
    without: Sequence[Track],
    field: Sequence[float],
    *,
    temperature: float,
    settings: FieldOptions,
    number: int,
) -> DriftRecord:
    """Return the drift of the atoms with one label in a field, beside that and the diffusion without.

    :param label: of the atoms.
    :param atoms: of the cell.
    :param runs: tracks of all atoms in the field, with their framework.
    :param without: the same without a field.
    :param field: in V/Å.
    :param temperature: without the drift, in K.
    :param settings: of the workflow.
    :param number: of the field and label, for seeds.
    """
    from aiida_seimlip.science.analysis.field import estimate_drift
    from aiida_seimlip.science.analysis.field_velocities import take_ions

    members = np.flatnonzero(atoms.labels == label)
    values: dict[str, Any] = {
        'label': label, 'n_atoms': members.size, 'charge': float(atoms.charges[members].mean()),
        'is_mobile': bool(atoms.mobile[members].all()),
    }  # fmt: skip
    chosen = [take_ions(track, members) for track in runs]
    try:
        drift = estimate_drift(chosen, field, skip_ps=settings.skip * min(track.duration for track in runs))
    except ValueError as exception:  # too few frames, for example
        return DriftRecord(**values, doubts=[str(exception)])
    values |= {
        'velocity': drift.along_angstrom_per_ps.value, 'velocity_error': drift.along_angstrom_per_ps.std_error,
        'velocity_axes': tuple(axis.value for axis in drift.axes_angstrom_per_ps),
    }  # fmt: skip
    if values['is_mobile']:
        mobility = drift.mobility_cm2_per_v_s
        values |= {'mobility': mobility.value, 'mobility_error': mobility.std_error, 'doubts': list(drift.doubts)}
    if without:
        still = [take_ions(track, members) for track in without]
        control = estimate_drift(still, [0.0, 0.0, 0.0], direction=field).along_angstrom_per_ps
        values |= {'control': control.value, 'control_error': control.std_error}
        if values['is_mobile']:
            diffusion = find_diffusion(still, field, settings, number)
            values |= _beside_einstein(drift, diffusion, values, temperature, settings.hop_length)
    return DriftRecord(**values)


def _beside_einstein(
    drift: Any,
    found: Diffusion,
    values: Mapping[str, Any],
    temperature: float,
    hop_length: float | None,
) -> dict[str, Any]:
    """Return the diffusivity without a field, and the mobility beside that of Einstein's relation."""
    from aiida_seimlip.science.analysis.field import (
        A2_PER_V_PS_TO_CM2_PER_V_S,
        compare_with_einstein,
    )

    result: dict[str, Any] = {'D': found.D, 'D_std': found.D_std, 'is_diffusive': found.is_diffusive}
    doubts = [*values['doubts'], *(f'Without a field: {flag}.' for flag in found.flags)]
    if found.D is None or found.D_std is None:
        return {**result, 'doubts': doubts}
    try:
        beside = compare_with_einstein(
            drift, charge_e=values['charge'], D_m2_per_s=found.D, D_std_m2_per_s=found.D_std,
            temperature_kelvin=temperature, hop_length_angstrom=hop_length,
        )  # fmt: skip
    except ValueError as exception:  # no charge, for example
        return {**result, 'doubts': [*doubts, str(exception)]}
    return {
        **result, 'expected_mobility': beside.expected_angstrom2_per_v_ps * A2_PER_V_PS_TO_CM2_PER_V_S,
        'einstein_ratio': beside.ratio, 'einstein_ratio_error': beside.ratio_std_error,
        'nonlinearity': beside.nonlinearity, 'doubts': list(dict.fromkeys([*doubts, *beside.doubts])),
    }  # fmt: skip


def describe_current(
    atoms: Atoms, runs: Sequence[Track], field: Sequence[float], settings: FieldOptions
) -> dict[str, Any]:
    """Return the current of all atoms along a field, as fields of `FieldPoint`.

    :param atoms: of the cell.
    :param runs: tracks of all atoms in the field.
    :param field: in V/Å.
    :param settings: of the workflow.
    """
    from aiida_seimlip.science.analysis.field import estimate_current

    skip = settings.skip * min(track.duration for track in runs)
    try:
        current = estimate_current(list(runs), atoms.charges, field, skip_ps=skip, relative_to='laboratory')
    except ValueError as exception:  # too few frames, for example
        return {'doubts': [str(exception)]}
    density, conductivity = current.density_a_per_m2, current.conductivity_s_per_m
    values = {'current_density': density.value, 'current_density_error': density.std_error}
    if conductivity is not None:
        values |= {'conductivity': conductivity.value, 'conductivity_error': conductivity.std_error}
    return {**values, 'doubts': list(current.doubts)}
