"""By which frames a campaign judges its potential: in each iteration that survives, and at the end."""

from __future__ import annotations

from collections import Counter
from typing import Self

from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.exploration import ExplorationConditions
from aiida_seimlip.options.records import DetailedErrorsRecord


class AccuracyOptions(Options):
    """How close the potential must be to the reference before it has converged.

    It is judged by frames of explorations that it has survived, on which it has not learned, by composition.
    """

    max_energy_error: float | None = Field(
        default=None, gt=0, description='Root-mean-square error of the energy in meV/atom at most; none for no limit.'
    )
    max_force_error: float | None = Field(
        default=None, gt=0,
        description='Root-mean-square error of the forces in eV/Å per component at most; none for no limit.',
    )  # fmt: skip
    frames_per_exploration: int = Field(
        default=1, ge=1,
        description='Frames of each exploration that are labelled, evenly spaced in time, the last one included.',
    )  # fmt: skip

    @model_validator(mode='after')
    def _has_a_limit(self) -> Self:
        if self.max_energy_error is None and self.max_force_error is None:
            raise ValueError('an accuracy needs `max_energy_error` or `max_force_error`')
        return self

    def find_misses(self, errors: DetailedErrorsRecord) -> dict[str, str]:
        """Return the compositions on which the errors are larger than they may be, or unknown, and how large in words.

        :param errors: of the potential.
        """
        misses: dict[str, list[str]] = {}
        for formula, found in errors.by_formula.items():
            for value, limit, unit in (
                (found.energy_mev_per_atom, self.max_energy_error, 'meV/atom'),
                (found.force_ev_per_angstrom, self.max_force_error, 'eV/Å'),
            ):
                if limit is not None and (value is None or value > limit):
                    misses.setdefault(formula, []).append('unknown' if value is None else f'{value:.3g} {unit}')
        return {formula: ' and '.join(words) for formula, words in misses.items()}


class HeldOutOptions(Options):
    """Frames to judge the last potential by: from fresh molecular dynamics with it, labelled by the reference."""

    conditions: list[ExplorationConditions] = Field(min_length=1, description='Each is run from each start.')
    n_frames: int = Field(
        default=30, ge=1, description='Drawn evenly from all trajectories: as many of each composition, at least one.'
    )
    discard: float = Field(
        default=0.2, ge=0, lt=1, description='Fraction of each trajectory that is left out at its beginning.'
    )

    @field_validator('conditions')
    @classmethod
    def _labels_are_distinct(cls, value: list[ExplorationConditions]) -> list[ExplorationConditions]:
        return distinct(value)

    @model_validator(mode='after')
    def _frames_are_kept(self) -> Self:
        for condition in self.conditions:
            last = condition.n_steps - condition.n_steps % condition.dump_every
            if last < self.discard * condition.n_steps:
                raise ValueError(
                    f'`conditions` keep no frame of {condition.label} to draw from: `dump_every` '
                    f'({condition.dump_every}) must be below `n_steps` ({condition.n_steps})'
                )
        return self


def distinct(conditions: list[ExplorationConditions]) -> list[ExplorationConditions]:
    """Return the conditions if each has a name of its own.

    :raises ValueError: if two have the same.
    """
    label, count = Counter(condition.label for condition in conditions).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f'{count} conditions are called `{label}`: they must differ in ensemble, temperature or pressure'
        )
    return conditions
