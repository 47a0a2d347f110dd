"""What transport was found: the content of the output nodes `diffusivity` and `conductivity`.

Diffusion coefficients are those of Einstein's relation, averaged over the three directions unless said otherwise.
Intervals are those that hold 95 % of the posterior. Numbers that are not known, or do not exist, are ``None``.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from aiida_seimlip.options.expected import ExpectedForceError
from aiida_seimlip.options.records import CellRecord, Record

RunOutcome = Literal['completed', 'broke', 'crashed', 'out_of_walltime', 'failed']
"""How a run can end; ``failed`` is a technical failure, without any trajectory."""

Phase = Literal['equilibration', 'production']
Interval = tuple[float, float]
Carriers = Literal['all_mobile', 'defects']

_KEY = re.compile(r'T(?P<temperature>\d+)(?:p(?P<fraction>\d+))?(?:_r(?P<replica>\d+))?', re.ASCII)


def temperature_key(temperature: float, replica: int | None = None) -> str:
    """Return the name of a temperature in all outputs: ``T0600``, or ``T0600_r0`` of one replica.

    :param temperature: in K; what is not whole follows a ``p``, as in ``T0600p5``.
    :param replica: number of the replica from 0.
    """
    whole, _, fraction = f'{temperature:.6f}'.rstrip('0').partition('.')
    suffix = '' if replica is None else f'_r{replica}'
    return f'T{int(whole):04d}{f"p{fraction}" if fraction else ""}{suffix}'


def temperature_of(key: str) -> float:
    """Return the temperature in K that a name made by `temperature_key` stands for.

    :param key: with or without a replica, and with anything after that and an underscore.
    :raises ValueError: if it does not begin so.
    """
    match = _KEY.match(key)
    if match is None:
        raise ValueError(f'`{key}` does not begin with a temperature such as `T0600`.')
    return float(f'{match["temperature"]}.{match["fraction"] or 0}')


class ParityRecord(Record):
    """The output `parity`: the program against our own evaluation of the same potential, at the start."""

    is_equal: bool = Field(description='Whether nothing differs by more than its limit.')
    energy_difference: float | None = Field(description='Of the energy in eV per atom; none if it gave none.')
    energy_limit: float = Field(description='In eV per atom.')
    forces_difference: float | None = Field(description='Largest of a force component in eV/Å; none if it gave none.')
    forces_limit: float = Field(description='In eV/Å.')
    stress_difference: float | None = Field(
        default=None,
        description='Largest of a stress component in GPa, or that of the pressure; none if the program gave neither.',
    )
    stress_limit: float = Field(description='In GPa.')
    grade: float | None = Field(default=None, description='Extrapolation grade of the start, where it is known.')
    message: str = Field(description='The finding in a sentence.')


class ReplicaRecord(Record):
    """One run at one temperature."""

    key: str = Field(description='Name of the run in the outputs `tracks` and `trajectories`, such as `T0600_r0`.')
    seed: int = Field(description='Of the initial velocities, derived from the seed of the input `options`.')
    D: float | None = Field(default=None, description='Mean of the posterior of the diffusion coefficient in m²/s.')
    D_std: float | None = Field(default=None, description='Its standard deviation in m²/s.')
    outcome: RunOutcome = Field(description='How the run ended.')
    phase: Phase = Field(default='production', description='What it was doing then.')
    n_steps: int = Field(default=0, description='MD steps of the production.')
    n_steps_asked: int = Field(default=0, description='MD steps that the production should have had.')
    n_jobs: int = Field(default=0, description='Jobs of the production: more than one where the wall time cut it.')
    mean_temperature: float | None = Field(default=None, description='Mean of the production in K.')
    mean_pressure: float | None = Field(default=None, description='Mean of the production in bar.')
    volume: float | None = Field(default=None, description='Mean of the production in Å³.')
    cell: CellRecord | None = Field(default=None, description='How far the cell went in the production.')
    loop_seconds: float | None = Field(default=None, description='Wall time of the steps of the production in s.')
    ns_per_day: float | None = Field(default=None, description='What the program would have run in a day, in ns.')
    atom_steps_per_second: float | None = Field(default=None, description='Atoms times steps per second of wall time.')
    duration_ps: float | None = Field(default=None, description='Length of the track in ps.')
    n_hops: int | None = Field(default=None, description='Hops of mobile ions in the track.')
    n_graded: int | None = Field(default=None, description='Frames of the production whose grade was evaluated.')
    share_above_threshold: float | None = Field(default=None, description='Share of them above the grade threshold.')
    highest_grade: float | None = Field(default=None, description='Highest grade among them.')
    expected_force_error: ExpectedForceError | None = Field(
        default=None, description='At the highest grade; none where no grade is known.'
    )
    message: str | None = Field(default=None, description='What the program said at a crash or a failure.')
    uuid: str | None = Field(default=None, description='UUID of the process of the production, or else of the last.')


class DiffusionPoint(Record):
    """The diffusion at one temperature, all replicas together."""

    temperature: float = Field(description='That was asked for, in K.')
    mean_temperature: float | None = Field(default=None, description='Of the productions, in K.')
    D: float | None = Field(default=None, description='Mean of the posterior of the diffusion coefficient in m²/s.')
    D_std: float | None = Field(default=None, description='Its standard deviation in m²/s.')
    D_interval: Interval | None = Field(default=None, description='In m²/s.')
    D_per_axis: tuple[float, float, float] | None = Field(
        default=None, description='Mean along each of the Cartesian axes in m²/s.'
    )
    D_per_axis_std: tuple[float, float, float] | None = Field(
        default=None, description='Their standard deviations in m²/s.'
    )
    replicas: list[ReplicaRecord] = Field(default_factory=list)
    replica_scatter: float | None = Field(
        default=None, description='Standard deviation of D between the replicas in m²/s; none of a single one.'
    )
    scatter_factor: float | None = Field(
        default=None,
        description='By how much the error bar was widened, as the replicas scatter more than their own errors tell; '
        '1 if they do not.',
    )
    is_diffusive: bool = Field(default=False, description='Whether the mobile ions diffuse within the simulated time.')
    used_in_fit: bool = Field(default=False, description='Whether the Arrhenius fit uses this temperature.')
    flags: list[str] = Field(default_factory=list, description='What is doubtful about this temperature, in words.')
    n_hops: int | None = Field(default=None, description='Hops of mobile ions in all tracks.')
    log_slope: float | None = Field(
        default=None, description='Slope of log MSD against log t, mean of the replicas: 1 where ions diffuse.'
    )
    log_slope_std: float | None = Field(default=None, description='Its standard deviation.')
    n_moving: int | None = Field(default=None, description='Ions that hopped, in the track where fewest did.')
    duration_ps: float | None = Field(default=None, description='Length of all tracks together in ps.')
    n_ions: int | None = Field(default=None, description='Mobile ions in the cell.')
    n_atoms: int | None = Field(default=None, description='Atoms in the cell.')
    volume: float | None = Field(default=None, description='Mean volume of the cell in Å³.')
    cell_height: float | None = Field(
        default=None, description='Shortest distance between two opposite faces of the mean cell in Å.'
    )
    n_graded: int | None = Field(default=None, description='Frames of the productions whose grade was evaluated.')
    share_above_threshold: float | None = Field(default=None, description='Share of them above the grade threshold.')
    highest_grade: float | None = Field(default=None, description='Highest grade among them.')
    expected_force_error: ExpectedForceError | None = Field(
        default=None, description='At the highest grade; none where no grade is known.'
    )

    @property
    def key(self) -> str:
        """Name of the temperature in the other outputs."""
        return temperature_key(self.temperature)


class ArrheniusRecord(Record):
    """D(T) = D0 exp(-Ea / kT), fitted to the temperatures that are diffusive."""

    D0: float = Field(description='Median of the prefactor in m²/s.')
    D0_interval: Interval = Field(description='In m²/s.')
    Ea: float = Field(description='Mean of the activation energy in eV.')
    Ea_std: float | None = Field(default=None, description='Its standard deviation in eV.')
    Ea_interval: Interval = Field(description='In eV.')
    n_points: int = Field(description='Temperatures in the fit.')
    p_value: float | None = Field(
        default=None, description='Probability of deviations from the line as large as those of the points; 1 for two.'
    )
    left_out: list[float] = Field(default_factory=list, description='Temperatures in K that are not in the fit.')
    flags: list[str] = Field(default_factory=list, description='What is doubtful about the fit, in words.')


class ExtrapolationRecord(Record):
    """What the Arrhenius fit says of a temperature of interest."""

    temperature: float = Field(description='In K.')
    D: float = Field(description='Median in m²/s.')
    interval: Interval = Field(description='In m²/s.')
    is_extrapolated: bool = Field(description='Whether the temperature lies outside of those in the fit.')


class UnitRecord(Record):
    """Bonded units of one kind, such as CO3, counted in the frames of one temperature."""

    n_start: int = Field(description='Intact units in the start.')
    n_lowest: int = Field(description='Fewest intact units in a frame.')
    mean: float = Field(description='Mean number of intact units in a frame.')
    n_frames: int = Field(description='Frames that were looked at.')
    share_complete: float = Field(description='Share of the frames with no unit fewer than the start.')


class DiffusivityResults(Record):
    """The output `diffusivity` of `DiffusivityWorkChain`."""

    mobile: list[str] = Field(description='Chemical symbols of the mobile ions.')
    ensemble: str = Field(description='Of the productions.')
    seed: int = Field(description='The seed from which all others are derived.')
    engine: str = Field(default='', description='The program: engine of the socket `dynamics`.')
    potential_uuid: str | None = Field(default=None, description='Of the potential.')
    threshold: float | None = Field(default=None, description='Grade above which a frame is out of domain.')
    max_share_above: float | None = Field(
        default=None, description='Share of the frames of a run that may be above the threshold.'
    )
    points: list[DiffusionPoint] = Field(default_factory=list, description='One for each temperature, rising.')
    arrhenius: ArrheniusRecord | None = None
    extrapolation: ExtrapolationRecord | None = None
    decomposition: dict[str, dict[str, UnitRecord]] = Field(
        default_factory=dict,
        description='For each temperature (`T0600`) and each kind of bonded unit: how many are intact.',
    )
    warnings: list[str] = Field(default_factory=list)
    message: str | None = Field(default=None, description='Why the work ended without success.')


class ConductivityPoint(Record):
    """The ionic conductivity at one temperature."""

    temperature: float = Field(description='In K.')
    D: float | None = Field(default=None, description='Mean tracer diffusion coefficient in m²/s.')
    D_interval: Interval | None = Field(default=None, description='In m²/s.')
    sigma: float | None = Field(default=None, description='Nernst–Einstein conductivity in S/m.')
    sigma_interval: Interval | None = Field(default=None, description='In S/m.')
    sigma_s_per_cm: float | None = Field(default=None, description='Nernst–Einstein conductivity in S/cm.')
    sigma_interval_s_per_cm: Interval | None = Field(default=None, description='In S/cm.')
    collective_sigma: float | None = Field(
        default=None, description='Conductivity of the collective displacement of all mobile ions in S/m.'
    )
    collective_sigma_interval: Interval | None = Field(default=None, description='In S/m.')
    collective_sigma_s_per_cm: float | None = Field(default=None, description='The same in S/cm.')
    collective_sigma_interval_s_per_cm: Interval | None = Field(default=None, description='In S/cm.')
    haven_ratio: float | None = Field(
        default=None,
        description='Nernst–Einstein conductivity of all mobile ions divided by the collective one: below 1 where '
        'ions push each other on.',
    )
    haven_ratio_interval: Interval | None = None
    carrier_density: float | None = Field(default=None, description='Charge carriers per volume in m⁻³.')
    n_carriers: int | None = Field(default=None, description='Charge carriers in the cell.')
    volume: float | None = Field(default=None, description='Mean volume of the cell in Å³.')
    is_diffusive: bool = Field(default=False, description='As the diffusivity says.')
    used_in_fit: bool = Field(default=False, description='As the diffusivity says.')
    share_above_threshold: float | None = Field(default=None, description='As the diffusivity says.')
    highest_grade: float | None = Field(default=None, description='As the diffusivity says.')
    expected_force_error: ExpectedForceError | None = Field(default=None, description='As the diffusivity says.')
    flags: list[str] = Field(default_factory=list, description='What is doubtful about this temperature, in words.')

    @property
    def key(self) -> str:
        """Name of the temperature in the other outputs."""
        return temperature_key(self.temperature)


class ConductivityExtrapolation(Record):
    """What the Arrhenius fit says of the conductivity at a temperature of interest."""

    temperature: float = Field(description='In K.')
    sigma: float = Field(description='Median of the Nernst–Einstein conductivity in S/m.')
    interval: Interval = Field(description='In S/m.')
    sigma_s_per_cm: float = Field(description='The same in S/cm.')
    interval_s_per_cm: Interval = Field(description='In S/cm.')
    carrier_density: float = Field(description='In m⁻³, with the volume at the lowest temperature of the fit.')
    is_extrapolated: bool = Field(description='Whether the temperature lies outside of those in the fit.')


class ConductivityResults(Record):
    """The output `conductivity` of `ConductivityWorkChain`."""

    mobile: list[str] = Field(description='Chemical symbols of the mobile ions.')
    charge: float = Field(description='Of a mobile ion in elementary charges.')
    carriers: Carriers = Field(description='What was counted: every mobile ion, or the defects in the cell.')
    counted_as: str = Field(description='How the density of carriers was counted, in a sentence.')
    points: list[ConductivityPoint] = Field(default_factory=list, description='One for each temperature, rising.')
    extrapolation: ConductivityExtrapolation | None = None
    diffusivity_uuid: str | None = Field(default=None, description='Of the `diffusivity` that this rests on.')
    warnings: list[str] = Field(default_factory=list)
    message: str | None = Field(default=None, description='Why the work ended without success.')
