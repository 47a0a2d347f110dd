"""Options of the dynamics of interfaces."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from aiida_seimlip.options.ase import MdOptions
from aiida_seimlip.options.base import Options


class InterfaceDynamicsOptions(Options):
    """Molecular dynamics of relaxed interfaces at constant volume, and what is looked at."""

    temperature: float = Field(default=300.0, gt=0, description='In K.')
    n_steps: int = Field(default=20000, ge=1, description='Number of steps.')
    timestep: float = Field(default=1.0, gt=0, description='In fs.')
    sample_every: int = Field(default=200, ge=1, description='A frame is kept and looked at every so many steps.')
    friction: float = Field(default=5.0, gt=0, description='Of the Langevin thermostat in 1/ps.')
    seed: int = Field(ge=0, description='Of all random numbers.')
    bin_width: float = Field(default=0.5, gt=0, description='Largest height of the bins of profiles in Å.')
    cutoff: float = Field(default=3.6, gt=0, description='Atoms that are nearer are neighbours, in Å.')

    @model_validator(mode='after')
    def _dynamics_are_sound(self) -> Self:
        self.to_md()
        return self

    def to_md(self) -> MdOptions:
        """Return what a job of dynamics is given.

        :raises ValueError: if the last step is not sampled.
        """
        return MdOptions(
            temperature=self.temperature, n_steps=self.n_steps, timestep=self.timestep, velocities='create',
            sample_every=self.sample_every, friction=self.friction, seed=self.seed,
        )  # fmt: skip
