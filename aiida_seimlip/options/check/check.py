"""Options of the WorkChain ``seimlip.check``: contract tests of programs on the computer where they run."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import Options, check_elements
from aiida_seimlip.options.lammps import AUTO
from aiida_seimlip.science.formats.lammps_dialects import DIALECTS

FINITE_FORCE = 0.01
"""Largest deviation of a force from differences of energies in double precision, in eV/Å."""

FINITE_STRESS = 0.2
"""The same of a stress, in GPa."""


class CheckLimits(Options):
    """Up to where differences are taken for rounding."""

    energy: float = Field(default=1e-6, gt=0, description='Energy against our own evaluation, in eV per atom.')
    force: float = Field(default=1e-5, gt=0, description='Force against our own evaluation, in eV/Å.')
    stress: float = Field(default=1e-3, gt=0, description='Stress against our own evaluation, in GPa.')
    grade: float = Field(default=1e-4, gt=0, description='Grade against our own, relative to it.')
    errors: float = Field(default=1e-3, gt=0, description='Reported errors against our own, relative to them.')
    finite_force: float | None = Field(
        default=None, gt=0,
        description='Forces of a reference program against differences of its energies, in eV/Å; none: '
        f'{FINITE_FORCE}, or what is known of a calculator in single precision.',
    )  # fmt: skip
    finite_stress: float | None = Field(
        default=None, gt=0,
        description='Stress of a reference program against differences of its energies, in GPa; none: '
        f'{FINITE_STRESS}, or what is known of a calculator in single precision.',
    )  # fmt: skip
    extensivity: float = Field(
        default=1e-3, gt=0, description='Energy of a cell against that of the same crystal in another, in eV per atom.'
    )


class CheckOptions(Options):
    """What is checked, and how closely."""

    limits: CheckLimits = Field(default=CheckLimits(), description='Up to where differences are taken for rounding.')
    level: Literal[6, 8, 10, 12, 14, 16] = Field(
        default=8, description='Level of the moment tensor potential with which LAMMPS and `mlp` are checked.'
    )
    dialect: str = Field(default=AUTO, description='Of LAMMPS, see `LammpsOptions`; `auto` takes what a probe finds.')
    n_cells: int = Field(
        default=3, ge=2, le=30, description='The speed of LAMMPS is measured with 4 n³ atoms, for this n.'
    )
    n_steps: int = Field(default=300, ge=10, description='Steps of the runs that measure the speed of LAMMPS.')
    iteration_limit: int = Field(default=20, ge=1, description='Iterations of the training that checks `mlp`.')
    elements: tuple[str, str] = Field(
        default=('Li', 'F'), description='Of the small cell for reference programs, unless a structure is given.'
    )
    displacement: float = Field(default=0.01, gt=0, le=0.1, description='Step of the differences of energies, in Å.')
    strain: float = Field(default=0.005, gt=0, le=0.05, description='Strain of the differences of energies.')
    n_directions: int = Field(
        default=4, ge=1, description='Random directions along which the atoms of the small cell are displaced.'
    )

    largest_cell: int = Field(
        default=64, ge=0,
        description='The energy per atom of one crystal is compared in cells of up to so many atoms: that of '
        '`elements`, or the structure that is given, in its own cell, in four and in eight of them.',
    )  # fmt: skip

    @field_validator('elements')
    @classmethod
    def _are_elements(cls, value: tuple[str, str]) -> tuple[str, str]:
        check_elements(value)
        return value

    @model_validator(mode='after')
    def _knows_dialect(self) -> Self:
        if self.dialect not in (AUTO, *DIALECTS):
            raise ValueError(f'`dialect` must be one of {", ".join((AUTO, *DIALECTS))}, not `{self.dialect}`')
        return self
