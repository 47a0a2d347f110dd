"""Options of the CalcJob ``seimlip.lammps``: molecular dynamics with a machine-learned potential."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import check_elements
from aiida_seimlip.options.exploration import ExplorationRunOptions
from aiida_seimlip.science.formats.lammps_dialects import DIALECTS
from aiida_seimlip.science.formats.lammps_input import LammpsMdSettings

AUTO = 'auto'
"""Value of `dialect` that leaves the choice to the pair styles that the code has."""


class LammpsOptions(ExplorationRunOptions):
    """Conditions of a run, what LAMMPS does where the potential extrapolates, and what is kept of it."""

    mobile: list[str] = Field(
        default_factory=list, description='Chemical symbols of the ions whose paths are kept; none: no track.'
    )
    track_every: int = Field(default=2000, ge=1, description='Steps between two frames of the track.')
    field: tuple[float, float, float] | None = Field(
        default=None,
        description='Electric field at the ions in V/Å, along the Cartesian axes of the structure; it acts on the '
        'charges of the input `charges` alone. None: no charges.',
    )
    keep_energies: bool = Field(
        default=False,
        description='Keep the energies of the potential with the frames of the trajectory; an exploration leaves them '
        'out, so that nobody takes them for labels.',
    )
    masses: dict[str, float] = Field(
        default_factory=dict, description='In u, of the elements that shall not have their standard atomic mass.'
    )
    dialect: str = Field(
        default='mlip',
        description="Pair style of the code. Of moment tensor potentials MLIP-3's own `mlip`, or `mtp`, for `mtp` and "
        '`mtp/extrapolation`; of MACE `mace`, `mace/committee`, `mliap` or `symmetrix`; or `auto`: the engine, of '
        'explorations or of dynamics, asks the code for its pair styles, once for each code, and takes the first that '
        'the potential fits.',
    )
    precision: Literal['float32', 'float64'] | None = Field(
        default=None,
        description='In which `seimlip-lmp` evaluates MACE; none: that of the file. Other builds of LAMMPS know no '
        'such choice.',
    )
    trust_model: bool = Field(
        default=False,
        description='The input `potential_file` may be a pickled model, which can run any code when it is loaded.',
    )
    with_grades: bool = Field(default=True, description='Evaluate the extrapolation grade at every step.')

    @field_validator('masses')
    @classmethod
    def _are_masses_of_elements(cls, value: dict[str, float]) -> dict[str, float]:
        check_elements(value)
        for symbol, mass in value.items():
            if mass <= 0:
                raise ValueError(f'the mass of {symbol} must be positive')
        return value

    @model_validator(mode='after')
    def _makes_settings(self) -> Self:
        plain = self.model_copy(update={'dialect': next(iter(DIALECTS))}) if self.dialect == AUTO else self
        plain.to_settings()
        return self

    def to_settings(
        self, wall_time_limit: float | None = None, deviation_scale: float | None = None
    ) -> LammpsMdSettings:
        """Return what the writer of the input script takes.

        :param wall_time_limit: seconds after which LAMMPS ends the run in good order; None for no limit.
        :param deviation_scale: of the committee; None if it is not known, where 1 is taken.
        :raises ValueError: if some values do not fit together, or the dialect is still to be found out.
        """
        return LammpsMdSettings(
            temperature=self.temperature, ensemble=self.ensemble, temperature_end=self.temperature_end,
            pressure=0.0 if self.pressure is None else self.pressure, timestep=self.timestep, n_steps=self.n_steps,
            thermostat_damping=self.thermostat_damping, barostat_damping=self.barostat_damping, seed=self.seed,
            create_velocities=self.velocities == 'create', dump_every=self.dump_every, thermo_every=self.thermo_every,
            dialect=self.dialect, with_grades=self.with_grades, threshold_save=self.threshold_save,
            threshold_break=self.threshold_break, wall_time_limit=wall_time_limit, first_step=self.first_step,
            mobile=tuple(self.mobile), track_every=self.track_every, field=self.field, precision=self.precision,
            deviation_scale=1.0 if deviation_scale is None else deviation_scale,
        )  # fmt: skip
