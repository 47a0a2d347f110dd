"""What `NEBWorkChain` finds: the content of the output node `barrier`, and of comparisons of paths.

The output `profile` of `NEBWorkChain` holds these arrays, one value for each image: ``coordinate`` (Å, distance along
the path in the space of all positions), ``energies`` (eV above the first image), ``tangential_forces`` and
``perpendicular_forces`` (eV/Å; the latter the largest on an atom, not a number at the ends), ``grades`` (where they are
known); ``spline_coordinate`` (Å) and ``spline_energy`` (eV) of the curve through them; and with the prefix
``reference_`` the same of the reference program on the same images (``energies``, ``tangential_forces``,
``perpendicular_forces``, ``spline_energy``). The arrays of a comparison are named alike, each with the name of what
gave the energies as prefix: ``<name>_energies``, ``<name>_spline_energy``, ...
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from aiida_seimlip.options.expected import ExpectedForceError


class Record(BaseModel):
    """Base of all records: unknown keys are refused."""

    model_config = ConfigDict(extra='forbid')


class ProfileRecord(Record):
    """Barriers along a path."""

    forward: float = Field(description='Barrier from the first to the last image in eV, at the top of the spline.')
    backward: float = Field(description='Barrier from the last to the first image in eV.')
    reaction_energy: float = Field(description='Energy of the last image above the first in eV.')
    fmax: float = Field(description='Largest force across the path on an atom of an image between the ends in eV/Å.')
    n_images: int = Field(description='Number of images, both ends included.')
    saddle_index: int = Field(description='Index of the highest image, from 0.')
    saddle_coordinate: float = Field(description='Where the spline is highest, in Å along the path.')
    resolution_mev: float = Field(
        description='How far the spline rises above the highest image, in meV: what the number of images leaves open.'
    )


class ErrorRecord(Record):
    """A difference from the reference, in meV: positive where the potential is higher."""

    forward: float
    backward: float
    reaction_energy: float


class ReferenceRecord(ProfileRecord):
    """The same images, as the reference program sees them, and how far off the potential is."""

    method: str = Field(default='', description='By which the images were labelled; empty if that is not known.')
    error_mev: ErrorRecord
    energy_rmse_mev: float = Field(
        description='Root mean square, over the images, of the error of the energy above the first image, in meV.'
    )
    force_rmse: float = Field(description='Root mean square of the errors of the components of the forces in eV/Å.')


class MovedAtom(Record):
    """An atom that moves along the path."""

    index: int = Field(description='From 0.')
    symbol: str
    distance: float = Field(description='From its place in the first to that in the last image, in Å.')


class BarrierRecord(ProfileRecord):
    """What was found for one path."""

    is_converged: bool = Field(description='Whether the band came to rest on the path.')
    is_climbing: bool = Field(description='Whether the highest image climbed to the saddle point.')
    path_length: float = Field(description='In Å, in the space of all positions.')
    n_steps: int = Field(description='Steps of the band, in all jobs.')
    moved: list[MovedAtom] = Field(default_factory=list, description='Atoms that move further than 0.7 Å.')
    potential_uuid: str | None = Field(default=None, description='Of the potential, if there is one.')
    highest_grade: float | None = Field(default=None, description='Highest extrapolation grade on the path.')
    expected_force_error: ExpectedForceError | None = Field(
        default=None, description='At the highest grade; none where no grade is known.'
    )
    share_above_threshold: float | None = Field(
        default=None, description='Share of the images with a grade above `threshold`.'
    )
    threshold: float | None = Field(default=None, description='Grade above which an image is out of the domain.')
    n_graded: int = Field(default=0, description='Number of images whose grade is known.')
    reference: ReferenceRecord | None = None
    reference_failures: dict[str, str] = Field(
        default_factory=dict, description='Index of each image that the reference could not label, and the reason.'
    )
    flags: list[str] = Field(default_factory=list, description='What is to be said about the path, in words.')


class ComparedRecord(ProfileRecord):
    """One potential on the images of a path."""

    error_mev: ErrorRecord | None = Field(default=None, description='By the reference, if there is one.')
    energy_rmse_mev: float | None = Field(default=None, description='As in `ReferenceRecord`.')
    force_rmse: float | None = Field(default=None, description='As in `ReferenceRecord`.')
    highest_grade: float | None = Field(default=None, description='Highest extrapolation grade on the path.')


class ComparisonRecord(Record):
    """Several potentials and the reference on the images of the same path."""

    n_images: int
    reference: ProfileRecord | None = None
    potentials: dict[str, ComparedRecord] = Field(description='By the name that each was given.')


class BarrierRow(Record):
    """One barrier of a table."""

    source: str = Field(description='Where it comes from, in words.')
    temperature: str = Field(description='In K, or a range of them.')
    barrier: float = Field(description='In eV.')
    interval: tuple[float, float] | None = Field(default=None, description='Of 95 %, in eV; none if not known.')
    details: dict[str, Any] = Field(default_factory=dict, description='Numbers behind it.')


class BarrierTable(Record):
    """The barrier of one hop at 0 K, beside the activation energy of diffusion at finite temperature."""

    rows: list[BarrierRow]
    difference: float | None = Field(
        default=None, description='Activation energy of diffusion less the barrier forward at 0 K, in eV.'
    )
    difference_interval: tuple[float, float] | None = Field(default=None, description='Of 95 %, in eV.')
    notes: list[str] = Field(default_factory=list, description='What is to be said about the comparison.')
