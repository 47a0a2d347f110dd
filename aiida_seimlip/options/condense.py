"""Options of the task `condense`: stages that make a dense, relaxed cell of one that was packed."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from aiida_seimlip.options.base import Options

RANDOM_KINDS = ('dynamics', 'ramp')
"""Kinds of stages that draw random numbers."""


class RelaxStage(Options):
    """Relax the positions in a fixed cell; the atoms are at rest afterwards."""

    kind: Literal['relax'] = Field(description='Which kind of stage it is.')
    optimizer: Literal['BFGS', 'FIRE', 'LBFGS'] = Field(
        default='FIRE', description='Name of the optimiser in `ase.optimize`.'
    )
    fmax: float = Field(default=0.1, gt=0, description='The stage ends below this largest force in eV/Å.')
    max_steps: int = Field(
        default=100, ge=1, description='The stage ends after so many steps, which is no failure: `results` tells.'
    )
    maxstep: float = Field(
        default=0.1, gt=0, le=1.0,
        description='Longest step in Å: of an atom (BFGS, LBFGS), or of all coordinates together (FIRE).',
    )  # fmt: skip


class RelaxCellStage(RelaxStage):
    """Relax positions and cell under a pressure; the atoms are at rest afterwards."""

    kind: Literal['relax_cell'] = Field(description='Which kind of stage it is.')  # type: ignore[assignment]
    optimizer: Literal['BFGS', 'FIRE', 'LBFGS'] = Field(
        default='LBFGS', description='Name of the optimiser in `ase.optimize`; LBFGS is the fastest on the cell.'
    )
    cell: Literal['isotropic', 'full'] = Field(default='full', description='Whether the cell keeps its shape.')
    pressure: float = Field(default=0.0, description='In GPa.')
    pressure_tolerance: float = Field(
        default=0.1, gt=0,
        description='The stage goes on until the stress is as close to the pressure, in GPa: in each element, or on '
        'average if the cell keeps its shape. `fmax` alone would end it more than 1 GPa away.',
    )  # fmt: skip


class _Bath(Options):
    """What dynamics and ramps have in common."""

    ensemble: Literal['nvt', 'npt_iso', 'npt_tri'] = Field(
        default='nvt', description='Constant volume (nvt), isotropic (npt_iso) or free (npt_tri) cell.'
    )
    pressure: float | None = Field(default=None, description='In GPa; needed for npt_iso and npt_tri, only there.')
    timestep: float = Field(default=1.0, gt=0, description='In fs.')
    thermostat_damping: float = Field(
        default=50.0, gt=0,
        description='Of the Langevin thermostat in fs: short, as the heat that packed molecules release must go.',
    )  # fmt: skip
    barostat_damping: float = Field(default=1000.0, gt=0, description='Of the Langevin piston in fs.')
    velocities: Literal['create', 'keep'] = Field(
        default='keep',
        description='Go on with the velocities of the stage before, where the atoms are not at rest, or draw new ones.',
    )

    @model_validator(mode='after')
    def _pressure_belongs_to_npt(self) -> Self:
        if (self.pressure is None) != (self.ensemble == 'nvt'):
            which = 'needs a' if self.pressure is None else 'knows no'
            raise ValueError(f'the ensemble `{self.ensemble}` {which} `pressure`')
        return self


class DynamicsStage(_Bath):
    """Run molecular dynamics at one temperature."""

    kind: Literal['dynamics'] = Field(description='Which kind of stage it is.')
    temperature: float = Field(gt=0, description='In K.')
    n_steps: int = Field(ge=1, description='Number of steps.')


class RampStage(_Bath):
    """Heat or cool: run molecular dynamics whose temperature goes evenly from one to another."""

    kind: Literal['ramp'] = Field(description='Which kind of stage it is.')
    start_temperature: float = Field(gt=0, description='In K.')
    end_temperature: float = Field(gt=0, description='In K.')
    n_steps: int | None = Field(default=None, ge=1, description='Number of steps; or give `rate`.')
    rate: float | None = Field(
        default=None, gt=0, description='In K/ps, of heating as of cooling; from it follows the number of steps.'
    )

    @model_validator(mode='after')
    def _has_one_length(self) -> Self:
        if (self.n_steps is None) == (self.rate is None):
            raise ValueError('give either `n_steps` or `rate`')
        return self

    @property
    def length(self) -> int:
        """Number of steps."""
        if self.n_steps is not None:
            return self.n_steps
        assert self.rate is not None
        picoseconds = abs(self.end_temperature - self.start_temperature) / self.rate
        return max(1, round(1000.0 * picoseconds / self.timestep))


Stage = Annotated[RelaxStage | RelaxCellStage | DynamicsStage | RampStage, Field(discriminator='kind')]


class CondenseLimits(Options):
    """Where a frame has gone astray; it fails then, with what there is of it kept."""

    min_volume_ratio: float = Field(default=0.2, gt=0, lt=1, description='Smallest volume by that of the start.')
    max_volume_ratio: float = Field(default=4.0, gt=1, description='Largest volume by that of the start.')
    max_energy_change: float = Field(
        default=10.0, gt=0, description='Largest rise or fall of the potential energy since the start in eV/atom.'
    )
    max_temperature: float = Field(default=20_000.0, gt=0, description='In K, of dynamics and ramps.')
    min_distance: float = Field(default=0.5, ge=0, description='Shortest distance between two atoms in Å.')


class CondenseOptions(Options):
    """Stages that are run one after the other on each frame, and what is kept on the way."""

    stages: list[Stage] = Field(min_length=1, description='What is done, in order; each has a `kind`.')
    seed: int | None = Field(
        default=None, ge=0,
        description='Of all random numbers; those of a frame depend on it and on the index of the frame only. Needed '
        'for dynamics and ramps.',
    )  # fmt: skip
    record_every: int = Field(
        default=10, ge=1,
        description='Temperature, density, pressure, energy and largest force are recorded every so many steps, at the '
        'start, and at the end of each stage.',
    )  # fmt: skip
    sample_every: int | None = Field(
        default=10, ge=1,
        description='A labelled frame is kept every so many steps, counted over all stages (a step is a call of the '
        'calculator); null: none. The last state is not among them, as it is a result of its own.',
    )  # fmt: skip
    sample_max_force: float | None = Field(
        default=15.0,
        gt=0,
        description='Samples with a larger force, in eV/Å, are not kept, but counted; null: all are.',
    )
    limits: CondenseLimits = Field(default=CondenseLimits(), description='Where a frame fails.')

    @model_validator(mode='after')
    def _random_numbers_have_a_seed(self) -> Self:
        if self.seed is None and any(stage.kind in RANDOM_KINDS for stage in self.stages):
            raise ValueError('`seed` is missing, which dynamics and ramps need')
        return self

    @property
    def changes_cell(self) -> bool:
        """Whether cells change."""
        return any(stage.kind == 'relax_cell' or getattr(stage, 'ensemble', 'nvt') != 'nvt' for stage in self.stages)

    @property
    def max_calls(self) -> int:
        """Number of steps, each a call of the calculator, that a frame takes at most."""
        return sum(_length(stage) for stage in self.stages)

    def to_remote(self) -> dict[str, Any]:
        """Return what the script on the remote computer reads: each stage has `n_steps`."""
        stages = [{**stage.model_dump(), 'n_steps': _length(stage)} for stage in self.stages]
        return {**self.model_dump(), 'stages': stages}


def _length(stage: Any) -> int:
    """Return the largest number of steps of a stage."""
    if isinstance(stage, RampStage):
        return stage.length
    return int(stage.n_steps if isinstance(stage, DynamicsStage) else stage.max_steps)
