"""Ions in an electric field: drift, mobility, current, and what Einstein's relation says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import units
from scipy import constants

from aiida_seimlip.science.analysis.block_averages import BlockMean
from aiida_seimlip.science.analysis.conductivity import charges_of
from aiida_seimlip.science.analysis.diffusion import A2_PER_PS_TO_M2_PER_S
from aiida_seimlip.science.analysis.field_velocities import (
    N_BLOCKS,
    FieldError,
    RelativeTo,
    as_runs,
    axes,
    block_velocities,
    directions,
    doubts,
)
from aiida_seimlip.science.analysis.track import Track

A2_PER_V_PS_TO_CM2_PER_V_S = 1e-4
"""Multiply a mobility in Å²/(V ps) by this to get cm²/(V s)."""

E_PER_A2_PS_TO_A_PER_M2 = constants.e * 1e32
"""Multiply a current density in e/(Å² ps) by this to get A/m²."""

E_PER_V_A_PS_TO_S_PER_M = constants.e * 1e22
"""Multiply a conductivity in e/(V Å ps) by this to get S/m."""

LARGEST_NONLINEARITY = 1.1
"""Above this ratio of a hop's rate in the field to linear response, Einstein's relation is not expected to hold."""


@dataclass(frozen=True, eq=False)
class Drift:
    """The mean velocity of ions.

    :param field_v_per_angstrom: the field in V/Å; shape (3,).
    :param direction: unit vector along the field, or as it was given; shape (3,).
    :param along_angstrom_per_ps: velocity along it in Å/ps.
    :param axes_angstrom_per_ps: velocity along x, y and z in Å/ps.
    :param runs_angstrom_per_ps: velocity of each run along the direction in Å/ps; shape (n_runs,).
    :param n_ions: number of ions.
    :param duration_ps: time of all runs together in ps, without what was skipped.
    :param block_ps: length of the blocks that the errors are from, in ps.
    :param relative_to: what the ions move relative to.
    :param doubts: what speaks against the numbers, in sentences.
    """

    field_v_per_angstrom: np.ndarray
    direction: np.ndarray
    along_angstrom_per_ps: BlockMean
    axes_angstrom_per_ps: tuple[BlockMean, BlockMean, BlockMean]
    runs_angstrom_per_ps: np.ndarray
    n_ions: int
    duration_ps: float
    block_ps: float
    relative_to: RelativeTo
    doubts: tuple[str, ...]

    @property
    def mobility_angstrom2_per_v_ps(self) -> BlockMean:
        """Drift velocity over field in Å²/(V ps), with the sign of the charge.

        :raises FieldError: if there is no field.
        """
        strength = float(self.field_v_per_angstrom @ self.direction)
        if strength == 0.0:
            raise FieldError('Without a field along the direction there is no mobility.')
        return self.along_angstrom_per_ps * (1.0 / strength)

    @property
    def mobility_cm2_per_v_s(self) -> BlockMean:
        """The same in cm²/(V s)."""
        return self.mobility_angstrom2_per_v_ps * A2_PER_V_PS_TO_CM2_PER_V_S


@dataclass(frozen=True)
class EinsteinComparison:
    """A mobility beside the one of Einstein's relation, μ = q D / kT.

    :param ratio: of the mobility found to that one.
    :param ratio_std_error: its standard error, from the drift and the diffusivity.
    :param expected_angstrom2_per_v_ps: q D / kT in Å²/(V ps).
    :param expected_std_error_angstrom2_per_v_ps: its standard error.
    :param hop_energy_ratio: q E a / 2kT for a hop of length a along the field, None if no length was given.
    :param nonlinearity: factor sinh(x)/x, x being that ratio, by which hops over one barrier drift faster than linear
        response says (N. F. Mott and R. W. Gurney, Electronic Processes in Ionic Crystals, 1940); None without length.
    :param doubts: what speaks against the comparison, in sentences.
    """

    ratio: float
    ratio_std_error: float
    expected_angstrom2_per_v_ps: float
    expected_std_error_angstrom2_per_v_ps: float
    hop_energy_ratio: float | None
    nonlinearity: float | None
    doubts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Current:
    """The current of ions.

    :param density_e_per_angstrom2_ps: Σ q v / V along the field in e/(Å² ps).
    :param axes_e_per_angstrom2_ps: the same along x, y and z.
    :param conductivity_s_per_m: current density over field in S/m; None without a field.
    :param volume_angstrom3: that the current was divided by, in Å³.
    :param net_charge_e: sum of the charges of these ions in e.
    :param doubts: what speaks against the numbers, in sentences.
    """

    density_e_per_angstrom2_ps: BlockMean
    axes_e_per_angstrom2_ps: tuple[BlockMean, BlockMean, BlockMean]
    conductivity_s_per_m: BlockMean | None
    volume_angstrom3: float
    net_charge_e: float
    doubts: tuple[str, ...]

    @property
    def density_a_per_m2(self) -> BlockMean:
        """Current density along the field in A/m²."""
        return self.density_e_per_angstrom2_ps * E_PER_A2_PS_TO_A_PER_M2


def estimate_drift(
    tracks: Track | Sequence[Track],
    field_v_per_angstrom: Sequence[float] | np.ndarray,
    *,
    direction: Sequence[float] | np.ndarray | None = None,
    n_blocks: int = N_BLOCKS,
    skip_ps: float = 0.0,
    relative_to: RelativeTo = 'framework',
) -> Drift:
    """Estimate the mean velocity of the ions of one or several runs, with errors from blocks of time.

    The velocity in a block is the mean displacement of all ions over its length, so that ions which move together are
    not taken for independent ones. See `block_average` for correlated blocks and runs that differ. A run must be long
    against the memory of the velocity: where it is ten times as long only, the interval of 95 % holds the truth in some
    80 % of all cases.

    :param tracks: of the same ions at even time steps; runs that differ by nothing but their random numbers.
    :param field_v_per_angstrom: the field in V/Å; shape (3,).
    :param direction: to look along; by default that of the field, which is then not zero; shape (3,).
    :param n_blocks: number of blocks of the shortest run, before those that are correlated are joined.
    :param skip_ps: time at the beginning of each run that is left out, in ps.
    :param relative_to: what the ions move relative to.
    :raises FieldError: if the runs differ in what they hold, are too short, or there is no direction.
    """
    field, along = directions(field_v_per_angstrom, direction)
    runs = as_runs(tracks)
    weights = [np.full(run.n_ions, 1.0 / run.n_ions) for run in runs]
    means, block_ps, duration = block_velocities(
        runs, weights, along, n_blocks=n_blocks, skip_ps=skip_ps, relative_to=relative_to
    )
    return Drift(
        field_v_per_angstrom=field, direction=along, along_angstrom_per_ps=means.components[0],
        axes_angstrom_per_ps=axes(means),
        runs_angstrom_per_ps=means.runs[:, 0], n_ions=runs[0].n_ions, duration_ps=duration, block_ps=block_ps,
        relative_to=relative_to, doubts=tuple(doubts(means, 'drift')),
    )  # fmt: skip


def compare_with_einstein(
    drift: Drift,
    *,
    charge_e: float,
    D_m2_per_s: float,
    D_std_m2_per_s: float,
    temperature_kelvin: float,
    hop_length_angstrom: float | None = None,
) -> EinsteinComparison:
    """Compare a mobility with that of Einstein's relation, from the diffusivity without a field.

    The relation holds for ions that move independently, in the limit of a weak field. With the tracer diffusivity the
    ratio is one over the Haven ratio where ions move together.

    :param drift: in the field.
    :param charge_e: of an ion in e.
    :param D_m2_per_s: diffusivity without a field, along the direction of the drift, in m²/s.
    :param D_std_m2_per_s: its standard deviation.
    :param temperature_kelvin: in K, without the drift of the centre of mass.
    :param hop_length_angstrom: length of a hop along the field in Å, to tell whether the field is weak.
    :raises FieldError: if charge, diffusivity or temperature do not give a mobility, or there is no field.
    """
    if charge_e == 0.0 or not D_m2_per_s > 0.0 or not temperature_kelvin > 0.0:
        raise FieldError('Einstein’s relation needs a charge, and a diffusivity and temperature above zero.')
    kT = units.kB * temperature_kelvin
    expected = charge_e * D_m2_per_s / A2_PER_PS_TO_M2_PER_S / kT
    spread = abs(expected) * D_std_m2_per_s / D_m2_per_s
    mobility = drift.mobility_angstrom2_per_v_ps
    ratio = mobility.value / expected
    error = float(np.hypot(mobility.std_error, ratio * spread) / abs(expected))
    bias, factor = None, None
    if hop_length_angstrom is not None:
        bias = (
            abs(charge_e) * abs(float(drift.field_v_per_angstrom @ drift.direction)) * hop_length_angstrom / (2.0 * kT)
        )
        factor = float(np.sinh(bias) / bias)
    strong = []
    if factor is not None and factor > LARGEST_NONLINEARITY:
        strong.append(
            f'The field is strong: along a hop of {hop_length_angstrom:g} Å it gives {2.0 * (bias or 0.0):.1f} kT, so '
            f'that ions drift some {factor:.2f} times as fast as linear response says.'
        )
    return EinsteinComparison(ratio, error, expected, spread, bias, factor, (*drift.doubts, *strong))


def estimate_current(
    tracks: Track | Sequence[Track],
    charges_e: float | Mapping[str, float] | np.ndarray,
    field_v_per_angstrom: Sequence[float] | np.ndarray,
    *,
    volume_angstrom3: float | None = None,
    direction: Sequence[float] | np.ndarray | None = None,
    n_blocks: int = N_BLOCKS,
    skip_ps: float = 0.0,
    relative_to: RelativeTo = 'framework',
) -> Current:
    """Estimate the current density of the ions of one or several runs, with errors as `estimate_drift` has them.

    Only ions of the track are counted. Relative to the framework, that one carries no current; in the laboratory, all
    that is charged has to be in the track.

    :param tracks: of the same ions at even time steps.
    :param charges_e: of the ions in e: one number, one for each chemical symbol, or one for each ion.
    :param field_v_per_angstrom: the field in V/Å; shape (3,).
    :param volume_angstrom3: that the current flows through, in Å³; by default the mean of the cell.
    :param direction: to look along; by default that of the field.
    :param n_blocks: number of blocks of the shortest run, before those that are correlated are joined.
    :param skip_ps: time at the beginning of each run that is left out, in ps.
    :param relative_to: what the ions move relative to.
    :raises FieldError: as `estimate_drift`, or if the volume is not positive.
    :raises KeyError: if `charges_e` lacks a chemical symbol.
    :raises ValueError: if there is neither one charge nor one for each ion.
    """
    field, along = directions(field_v_per_angstrom, direction)
    runs = as_runs(tracks)
    values = charges_of(runs[0], charges_e)
    volume = (
        float(np.mean([run.volumes.mean() for run in runs])) if volume_angstrom3 is None else float(volume_angstrom3)
    )
    if not volume > 0.0:
        raise FieldError(f'The volume of {volume:g} Å³ is not positive.')
    means, _, _ = block_velocities(
        runs, [values] * len(runs), along, n_blocks=n_blocks, skip_ps=skip_ps, relative_to=relative_to
    )
    density = means.components[0] * (1.0 / volume)
    strength = float(field @ along)
    x, y, z = (axis * (1.0 / volume) for axis in axes(means))
    return Current(
        density_e_per_angstrom2_ps=density, axes_e_per_angstrom2_ps=(x, y, z),
        conductivity_s_per_m=density * (E_PER_V_A_PS_TO_S_PER_M / strength) if strength else None,
        volume_angstrom3=volume, net_charge_e=float(values.sum()), doubts=tuple(doubts(means, 'current')),
    )  # fmt: skip
