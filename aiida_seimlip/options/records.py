"""Records that several subjects keep: plain models of what was found."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


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
