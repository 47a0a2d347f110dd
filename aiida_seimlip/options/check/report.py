"""What a check of a program has found: the content of the output node `report` of ``seimlip.check``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aiida_seimlip.options.records import Record

Status = Literal['passed', 'warning', 'failed', 'skipped', 'not applicable']


class CheckRecord(Record):
    """One line of the report."""

    name: str = Field(description='Such as `forces`.')
    status: Status = Field(
        description='`warning`: to know before the program is used; `skipped` if an earlier failure stood in the way.'
    )
    message: str = Field(description='What was found, one sentence.')
    value: float | None = Field(default=None, description='What was measured.')
    limit: float | None = Field(default=None, description='The largest value that passes.')
    unit: str = Field(default='', description='Of `value` and `limit`.')
    remedy: str | None = Field(default=None, description='What to do about a failure or a warning.')
    process_uuid: str | None = Field(default=None, description='Of the process that was looked at.')


class SpeedRecord(Record):
    """How fast the program is on its computer, to estimate what a campaign will cost."""

    level: int | None = Field(default=None, description='Of the moment tensor potential; none for reference programs.')
    n_species: int | None = Field(default=None, description='Number of elements that the potential knows.')
    n_atoms: int = Field(description='Atoms in the cell.')
    n_ranks: int = Field(default=1, description='MPI ranks.')
    with_grade: bool | None = Field(default=None, description='Whether the grade was evaluated at every step.')
    atom_steps_per_second: float | None = Field(default=None, description='Of molecular dynamics, wall time.')
    potential_uuid: str | None = Field(default=None, description='Of the potential, where a given one was measured.')
    precision: str | None = Field(default=None, description='`float32` or `float64`, where it was chosen.')
    seconds_per_frame: float | None = Field(default=None, description='Of a single point, wall time.')


class CheckReport(Record):
    """All that was found about one program."""

    kind: str = Field(description='The engine that drives the program: `lammps`, `mlip3`, or a reference engine.')
    code: str = Field(description='Full label of the code.')
    code_uuid: str
    facts: dict[str, Any] = Field(default_factory=dict, description='Version, pair styles and the like.')
    checks: list[CheckRecord] = Field(default_factory=list)
    speeds: list[SpeedRecord] = Field(default_factory=list)

    @property
    def failed(self) -> list[CheckRecord]:
        """The lines that are red."""
        return [check for check in self.checks if check.status == 'failed']

    @property
    def amiss(self) -> list[CheckRecord]:
        """The lines that are red, and those that warn."""
        return [check for check in self.checks if check.status in ('failed', 'warning')]

    def count(self, status: Status) -> int:
        """Return the number of lines with this status."""
        return sum(check.status == status for check in self.checks)
