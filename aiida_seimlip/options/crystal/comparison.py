"""What the comparisons of crystal properties have in common."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.records import Record


class ModelRecord(Record):
    """What one model makes of one crystal; a subclass adds the property, with units in the names."""

    failure: str | None = Field(default=None, description='Why there is no value, or not all of them.')
    energy_per_atom_ev: float | None = Field(default=None, description='At the minimum; none if it failed.')
    volume_per_atom_angstrom3: float | None = Field(default=None, description='At the minimum.')
    highest_grade: float | None = Field(
        default=None, description='Extrapolation grade on the frames used; none of models that know none.'
    )
    doubts: list[str] = Field(default_factory=list, description='What to distrust, in sentences.')


class CrystalRecord(Record):
    """A crystal; a subclass adds what the ``models`` make of it."""

    name: str
    formula: str
    space_group: int | None = Field(default=None, description='Number, of the geometry given; none if unknown.')


class PropertyComparison(Record):
    """A property of several crystals by several models; a subclass names its ``crystals``."""

    reference: str | None = Field(default=None, description='Name of the model that the others are compared with.')
    methods: dict[str, str] = Field(default_factory=dict, description='Who is behind the name of a model.')
    problems: dict[str, str] = Field(default_factory=dict, description='Models that did not run, and why.')
