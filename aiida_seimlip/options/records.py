"""Records that several subjects keep: plain models of what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from aiida_seimlip.science.structures.cells import CellExtremes


class Record(BaseModel):
    """Base of all records: unknown keys are refused."""

    model_config = ConfigDict(extra='forbid')


class ErrorsRecord(Record):
    """Root-mean-square errors of a potential on labelled frames."""

    n_frames: int = Field(description='Number of frames.')
    energy_mev_per_atom: float | None = Field(default=None, description='In meV per atom.')
    force_ev_per_angstrom: float | None = Field(default=None, description='In eV/Å, per component.')
    stress_gpa: float | None = Field(
        default=None,
        description='In GPa, per component of the 3×3 tensor: a third of its Frobenius norm; none without stresses.',
    )

    @field_validator('stress_gpa')
    @classmethod
    def _of_nothing(cls, value: float | None) -> float | None:
        """Read the 0 of earlier versions, which is no error, but what they wrote where no frame has a stress."""
        return value or None

    def describe(self) -> str:
        """Write the errors that are known, with their units."""
        values = (
            (self.energy_mev_per_atom, 'meV/atom'), (self.force_ev_per_angstrom, 'eV/Å'), (self.stress_gpa, 'GPa'),
        )  # fmt: skip
        return ', '.join(f'{value:.3g} {unit}' for value, unit in values if value is not None) or 'errors unknown'


class DetailedErrorsRecord(ErrorsRecord):
    """The same, and where they come from."""

    force_by_element: dict[str, float] = Field(
        default_factory=dict, description='Errors of the forces on the atoms of each element, in eV/Å per component.'
    )
    by_formula: dict[str, ErrorsRecord] = Field(
        default_factory=dict, description='Errors on the frames of each composition, by the formula of the cell.'
    )


class CellRecord(Record):
    """How far the cell of a run has gone; of its start and of all whole frames that were kept."""

    start_volume: float = Field(description='In Å³, as the others.')
    start_angle: float = Field(description='Sharpest angle between two lines along cell vectors, in degrees.')
    start_height: float = Field(description='Smallest distance between opposite faces, in Å.')
    smallest_volume: float
    largest_volume: float
    sharpest_angle: float
    smallest_height: float
    cutoff: float | None = Field(default=None, description='Of the potential, in Å; none if unknown.')

    @classmethod
    def joined(cls, cells: Sequence[Mapping[str, Any] | None]) -> CellRecord | None:
        """Return how far the cell of a run has gone that took several jobs, None if that is not known of all.

        :param cells: the content of a `CellRecord` of each job, in order.
        """
        records = [cls(**cell) for cell in cells if cell is not None]
        if not records or len(records) < len(cells):
            return None
        joined = CellExtremes.joined([record.extremes for record in records])
        return cls(**asdict(joined), cutoff=records[0].cutoff)

    @property
    def extremes(self) -> CellExtremes:
        """The numbers, without the cut-off."""
        return CellExtremes(**self.model_dump(exclude={'cutoff'}))

    def explain(self) -> str:
        """Say what has become of the cell, as part of a sentence about it; empty if it stayed what it was."""
        return ', and '.join(self.extremes.explain(0.0 if self.cutoff is None else self.cutoff))
