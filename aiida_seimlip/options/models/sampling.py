"""Options of the molecular dynamics that frames are drawn from, for workflows that compare models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from aiida_seimlip.options.base import Options


class SamplingEngines(Options):
    """The program that runs the dynamics: the last part of its entry point ``seimlip.dynamics.<engine>``."""

    dynamics: str = 'lammps'


class SamplingOptions(Options):
    """Molecular dynamics of each start at each temperature, and the frames that are drawn from it."""

    temperatures: list[float] = Field(min_length=1, description='In K.')
    replicas: int = Field(
        default=1, ge=1, description='Runs of each start at each temperature, with velocities of their own.'
    )
    frames_per_run: int = Field(default=20, ge=1, description='Frames drawn of each run, in equal steps.')
    ensemble: Literal['nve', 'nvt', 'npt_iso', 'npt_tri'] = Field(
        default='nvt', description='Constant volume (nve, nvt), isotropic (npt_iso) or free (npt_tri) cell.'
    )
    pressure: float = Field(default=1.0, description='In bar; without effect at constant volume.')
    timestep: float = Field(default=1.0, gt=0, description='In fs.')
    equilibration_steps: int = Field(default=5000, ge=0, description='Steps before the first frame is drawn.')
    steps_between_frames: int = Field(
        default=1000, ge=1, description='Steps between two frames; neighbours that are much alike count as one.'
    )
    thermostat_damping: float = Field(default=100.0, gt=0, description='Of the thermostat in fs.')
    barostat_damping: float = Field(default=500.0, gt=0, description='Of the barostat in fs.')
    max_concurrent: int | None = Field(
        default=None, ge=1, description='Runs under way at once; the next ones begin when these have ended.'
    )

    @field_validator('temperatures')
    @classmethod
    def _are_distinct(cls, value: list[float]) -> list[float]:
        if any(temperature <= 0 for temperature in value):
            raise ValueError('all must be above 0')
        if len({round(temperature, 3) for temperature in value}) < len(value):
            raise ValueError('each must be named once; `replicas` repeats runs')
        return sorted(value)

    @property
    def n_steps(self) -> int:
        """Steps of each run."""
        return self.equilibration_steps + self.frames_per_run * self.steps_between_frames

    def run(self, temperature: float, seed: int) -> dict[str, Any]:
        """Return the parameters of a run, as `DynamicsOptions`.

        :param temperature: in K.
        :param seed: of the velocities.
        """
        names = ('ensemble', 'pressure', 'timestep', 'thermostat_damping', 'barostat_damping', 'n_steps')
        return {
            **{name: getattr(self, name) for name in names}, 'temperature': temperature, 'seed': seed,
            'velocities': 'create', 'mobile': [], 'dump_every': self.steps_between_frames,
            'thermo_every': self.steps_between_frames,
        }  # fmt: skip
