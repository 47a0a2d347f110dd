"""Options of `LatticeComparisonWorkChain`, and what it finds: the content of the output `comparison`."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from aiida_seimlip.options.ase import CalculatorOptions, RelaxOptions
from aiida_seimlip.options.base import Options
from aiida_seimlip.options.records import Record
from aiida_seimlip.science.structures.crystals import CRYSTALS

EXPERIMENT = 'experiment'
"""Name that the experiment has among those that a lattice is compared with."""


class LatticeOptions(Options):
    """Which crystals are relaxed, how, and with which model the others are compared."""

    crystals: list[str] = Field(
        default=list(CRYSTALS), min_length=1,
        description=f'Names of the phases: {", ".join(f"`{name}`" for name in CRYSTALS)}.',
    )  # fmt: skip
    teacher: str | None = Field(
        default='teacher', description='Name of the model that the others are compared with; none: experiment alone.'
    )
    learned: list[str] = Field(
        default=[], description='Phases that the potentials have seen in their training; all others are new to them.'
    )
    fmax: float = Field(
        default=0.005, gt=0,
        description='Largest force at convergence in eV/Å; stresses count as forces on the cell, shared by the atoms.',
    )  # fmt: skip
    max_steps: int = Field(default=300, ge=1, description='Steps of each relaxation at most.')
    symprec: float = Field(
        default=0.05, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )
    processes: int = Field(default=1, ge=1, description='Crystals relaxed side by side, each in its own process.')
    seconds_per_crystal: float | None = Field(default=600.0, gt=0, description='Time limit of each relaxation in s.')

    @field_validator('crystals', 'learned')
    @classmethod
    def _are_known(cls, value: list[str]) -> list[str]:
        unknown = [name for name in value if name not in CRYSTALS]
        if unknown:
            raise ValueError(f'there is no crystal `{unknown[0]}`; there are {", ".join(CRYSTALS)}')
        return value

    def relaxation(self, calculator: CalculatorOptions) -> dict[str, Any]:
        """Return the parameters of the job that relaxes with a calculator, as `AseOptions`."""
        relax = RelaxOptions(cell='full', fmax=self.fmax, max_steps=self.max_steps, accept_unconverged=True)
        return {
            'calculator': calculator.to_dict(), 'task': 'relax', 'relax': relax.to_dict(), 'processes': self.processes,
            'seconds_per_frame': self.seconds_per_crystal,
        }  # fmt: skip


class ModelOptions(Options):
    """What a model is, for a relaxation with it."""

    calculator: CalculatorOptions = Field(description='The calculator.')


class LatticeRecord(Record):
    """A crystal at the minimum of a model."""

    cellpar: list[float] | None = Field(
        default=None, description='a, b, c in Å and α, β, γ in degrees of the conventional cell; none if it failed.'
    )
    volume: float | None = Field(default=None, description='Of an atom, in Å³.')
    energy_per_atom: float | None = Field(default=None, description='In eV.')
    n_steps: int | None = Field(default=None, description='Steps of the relaxation.')
    is_converged: bool = Field(default=False, description='Whether the forces fell below the limit.')
    space_group: int | None = Field(default=None, description='Number of the space group at the end; none if unknown.')
    keeps_symmetry: bool | None = Field(default=None, description='Whether it is that of the phase still.')
    grade: float | None = Field(
        default=None, description='Extrapolation grade at the minimum; none of models that know none.'
    )
    failure: str | None = Field(default=None, description='Why there is no minimum.')


class DeviationRecord(Record):
    """How far a lattice is from another one."""

    a: float = Field(description='In %, as b, c and the volume; positive where it is longer.')
    b: float
    c: float
    beta: float = Field(description='In degrees.')
    volume: float

    @property
    def largest_axis(self) -> float:
        """Largest deviation of a length in %, without its sign."""
        return max(abs(self.a), abs(self.b), abs(self.c))


class PhaseRecord(Record):
    """A phase."""

    name: str
    formula: str
    source: str = Field(description='Of the structure.')
    is_learned: bool = Field(description='Whether the potentials have seen it in their training.')
    experiment: list[float] | None = Field(default=None, description='As `cellpar` of a model.')
    models: dict[str, LatticeRecord] = Field(default_factory=dict, description='By the name of the model.')
    deviations: dict[str, dict[str, DeviationRecord]] = Field(
        default_factory=dict, description='Of each model, by what it is compared with: the teacher, `experiment`.'
    )


class LatticeComparison(Record):
    """All phases at the minima of all models."""

    teacher: str | None = Field(default=None, description='Name of the model that the others are compared with.')
    methods: dict[str, str] = Field(default_factory=dict, description='Who is behind the name of a model.')
    phases: list[PhaseRecord] = Field(default_factory=list)
    problems: dict[str, str] = Field(default_factory=dict, description='Models that did not run, and why.')
