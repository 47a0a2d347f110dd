"""Options of the CalcJob ``seimlip.md.explore``: molecular dynamics with ASE, graded by a committee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.dynamics import AseDynamicsOptions
from aiida_seimlip.options.exploration import ExplorationRunOptions


class AseExplorationOptions(ExplorationRunOptions):
    """Conditions of a run, what is done where the members of the committee disagree, and what is kept of it."""

    calculator: CalculatorOptions = Field(
        default_factory=lambda: CalculatorOptions(name='mace'),
        description='The calculator; it must return the forces of each member of a committee.',
    )
    threads: int = Field(default=1, ge=1, description='Threads of the calculator.')
    threshold_save: float = Field(default=0.5, ge=0, description='Frames above this grade, in eV/Å, become candidates.')
    threshold_break: float = Field(default=2.0, gt=0, description='The run ends itself above this grade, in eV/Å.')
    grade_every: int = Field(
        default=5, ge=1,
        description='A frame is graded every so many steps. All members are evaluated at every step in any case: more '
        'would only save more frames that are alike.',
    )  # fmt: skip

    @model_validator(mode='after')
    def _temperature_stays(self) -> Self:
        if self.temperature_end is not None:
            raise ValueError(
                '`temperature_end` is not known to this engine, whose thermostat keeps one temperature; the engine '
                '`lammps` knows it'
            )
        return self

    def to_dynamics(self) -> AseDynamicsOptions:
        """Return the part of the options that all molecular dynamics with ASE have."""
        names = set(AseDynamicsOptions.model_fields) & set(type(self).model_fields)
        chosen = {name: value for name, value in self.to_dict().items() if name in names and value is not None}
        return AseDynamicsOptions.model_validate(chosen)

    def to_remote(
        self, calculator: Mapping[str, Any], time_limit_seconds: float | None, deviation_scale: float
    ) -> dict[str, Any]:
        """Return what the script on the remote computer reads.

        :param calculator: how to make the calculator; see `CalculatorOptions.to_remote`.
        :param time_limit_seconds: when the script stops by itself, in s after its start; None: never.
        :param deviation_scale: ratio of a grade to the standard deviation of a force.
        """
        return {
            **self.to_dynamics().to_remote(calculator, time_limit_seconds), 'grade_every': self.grade_every,
            'threshold_save': self.threshold_save, 'threshold_break': self.threshold_break,
            'shortest_distance': self.salvage_distance, 'deviation_scale': deviation_scale,
        }  # fmt: skip
