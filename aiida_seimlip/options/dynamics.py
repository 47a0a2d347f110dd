"""Options of the socket `dynamics`: production molecular dynamics, in words that every engine understands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from ase.data import atomic_numbers
from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import Options, check_elements
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.lammps import LammpsOptions
from aiida_seimlip.science.formats.lammps_input import MAX_SEED


class DynamicsOptions(Options):
    """One run: its ensemble, its length, and what is kept of it."""

    ensemble: Literal['nve', 'nvt', 'npt_iso', 'npt_tri'] = Field(
        default='nvt', description='Constant volume (nve, nvt), isotropic (npt_iso) or free (npt_tri) cell.'
    )
    temperature: float = Field(gt=0, description='In K.')
    pressure: float = Field(default=1.0, description='In bar; without effect at constant volume.')
    timestep: float = Field(default=0.5, gt=0, description='In fs.')
    n_steps: int = Field(ge=0, description='Length of the run in steps; 0 evaluates the start only.')
    seed: int | None = Field(
        default=None, ge=1, le=MAX_SEED, description='Of the initial velocities; needed if they are created.'
    )
    velocities: Literal['create', 'keep'] = Field(
        default='create', description='Draw velocities at `temperature`, or go on with those of the structure.'
    )
    thermostat_damping: float = Field(default=100.0, gt=0, description='Of the Nosé–Hoover thermostat in fs.')
    barostat_damping: float = Field(default=500.0, gt=0, description='Of the Nosé–Hoover barostat in fs.')
    mobile: list[str] = Field(
        default_factory=list, description='Chemical symbols of the ions whose paths are kept; none: no track.'
    )
    track_every: int = Field(
        default=2000, ge=1, description='Steps between two frames of the track; `n_steps` must be a multiple of it.'
    )
    dump_every: int = Field(default=20_000, ge=1, description='Steps between two whole frames of the trajectory.')
    thermo_every: int = Field(
        default=1000, ge=1, description='Steps between two rows of the thermodynamic output, which the means are of.'
    )
    first_step: int = Field(default=0, ge=0, description='Number of the first step, where a run is continued.')

    @field_validator('mobile')
    @classmethod
    def _are_elements(cls, value: list[str]) -> list[str]:
        check_elements(value)
        if len(set(value)) < len(value):
            raise ValueError('each element must be named once')
        return value

    @model_validator(mode='after')
    def _velocities_have_a_seed(self) -> Self:
        if self.velocities == 'create' and self.seed is None:
            raise ValueError('`seed` is missing, which `velocities: create` needs')
        return self

    @model_validator(mode='after')
    def _track_ends_with_the_run(self) -> Self:
        if self.mobile and (self.first_step + self.n_steps) % self.track_every:
            what = '`first_step` + `n_steps`' if self.first_step else '`n_steps`'
            raise ValueError(
                f'{what} ({self.first_step + self.n_steps}) must be a multiple of `track_every` ({self.track_every}), '
                'so that the track ends with the run'
            )
        return self

    @property
    def is_npt(self) -> bool:
        """Whether the volume is free."""
        return self.ensemble.startswith('npt')

    @property
    def energy_every(self) -> int:
        """Steps between two rows of the thermodynamic output, so that there is one for each whole frame."""
        return math.gcd(self.thermo_every, self.dump_every)


class LammpsDynamicsOptions(DynamicsOptions):
    """One run with LAMMPS; the potential is asked for its extrapolation grade only where that is wanted."""

    dialect: str = Field(
        default='mlip',
        description='Pair style of the code, see `LammpsOptions`; `auto`: the engine asks the code for its pair '
        'styles, once for each code and profile, and takes the first that the potential fits.',
    )
    precision: Literal['float32', 'float64'] | None = Field(
        default=None, description='In which `seimlip-lmp` evaluates MACE; none: that of the file.'
    )
    trust_model: bool = Field(
        default=False,
        description='The input `potential_file` may be a pickled model, which can run any code when it is loaded.',
    )
    with_grades: bool = Field(
        default=False,
        description='Evaluate the extrapolation grade at every step, which about doubles the cost, and end the run '
        'above `threshold_break`.',
    )
    threshold_save: float = Field(default=2.0, ge=0, description='Only with grades: frames above are saved.')
    threshold_break: float = Field(default=10.0, gt=0, description='Only with grades: the run ends itself above.')
    masses: dict[str, float] = Field(
        default_factory=dict, description='In u, of the elements that shall not have their standard atomic mass.'
    )
    field: tuple[float, float, float] | None = Field(
        default=None,
        description='Electric field at the ions in V/Å, along the Cartesian axes of the structure; it acts on the '
        'charges of the input `charges` alone. None: no charges.',
    )

    @model_validator(mode='after')
    def _makes_a_job(self) -> Self:
        LammpsOptions.from_node(self.to_lammps())
        return self

    def to_lammps(self) -> dict[str, Any]:
        """Return the parameters of ``seimlip.lammps``, as `LammpsOptions` takes them."""
        names = (
            'ensemble', 'temperature', 'timestep', 'n_steps', 'seed', 'velocities', 'thermostat_damping',
            'barostat_damping', 'mobile', 'track_every', 'dump_every', 'dialect', 'with_grades', 'threshold_save',
            'threshold_break', 'masses', 'first_step', 'field', 'precision', 'trust_model',
        )  # fmt: skip
        chosen = {name: value for name, value in self.to_dict().items() if name in names}
        pressure = self.pressure if self.is_npt else None
        return {**chosen, 'pressure': pressure, 'thermo_every': self.energy_every, 'keep_energies': True}


class AseDynamicsOptions(DynamicsOptions):
    """One run with an ASE calculator."""

    calculator: CalculatorOptions = Field(description='The calculator.')
    threads: int = Field(default=1, ge=1, description='Threads of the calculator.')

    def to_remote(self, calculator: Mapping[str, Any], time_limit_seconds: float | None) -> dict[str, Any]:
        """Return what the script on the remote computer reads.

        :param calculator: how to make the calculator; see `CalculatorOptions.to_remote`.
        :param time_limit_seconds: when the script stops by itself, in s after its start; None: never.
        """
        return {
            **self.to_dict(), 'calculator': dict(calculator), 'time_limit_seconds': time_limit_seconds,
            'mobile': [atomic_numbers[symbol] for symbol in self.mobile], 'thermo_every': self.energy_every,
        }  # fmt: skip
