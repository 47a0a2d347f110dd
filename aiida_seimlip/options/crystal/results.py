"""What `LatticeComparisonWorkChain` finds: the content of the output `comparison`."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.records import Record


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
    learned_by: list[str] = Field(default_factory=list, description='Models that have seen it in their training.')
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
