"""Options of `DistillationWorkChain`: how a teacher is kept to a reference, and a student learns from both."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from aiida_seimlip.options.base import Options


class DistillationEngines(Options):
    """The programs beside those of the campaign, by the last part of their entry points."""

    reference: str = Field(default='ase', description='Makes the labels that count: an engine of `reference`.')
    tuning: str | None = Field(
        default=None,
        description='Trains the teacher on the labels of the reference: an engine of `training`, such as `mace`. None: '
        'the teacher stays what it is, and only its energies are shifted.',
    )


class DistillationOptions(Options):
    """How many labels of the reference are bought in a round, and when they are enough."""

    seed: int = Field(ge=0, description='All random numbers are derived from it, those of the campaigns as well.')
    max_rounds: int = Field(default=4, ge=1, description='Rounds of labels of the reference at most.')
    labels_per_round: int = Field(
        default=20, ge=1, description='Frames that the reference labels in a round, fresh ones included.'
    )
    max_labels: int | None = Field(
        default=None, ge=1, description='Labels of the reference in all, those that are given included; none: no limit.'
    )
    fresh_share: float = Field(
        default=0.5, ge=0, le=1,
        description='Part of these that is drawn from the held-out frames of the campaign, if it has any; the others '
        'are chosen from all that the teacher has labelled by what they teach the student (MaxVol).',
    )  # fmt: skip
    reference_share: float = Field(
        default=0.5, gt=0, lt=1,
        description='Part of the loss of the student that is of the labels of the reference: they are repeated as '
        'often as it takes, rounded to a whole number.',
    )  # fmt: skip
    max_weight: int = Field(default=50, ge=1, description='How often they are repeated at most.')
    max_force_error: float | None = Field(
        default=0.1, gt=0,
        description='The teacher may err by so much on the labels of a round before it has learned from them: root '
        'mean square of the components of forces in eV/Å. None: no matter how much.',
    )  # fmt: skip
    max_energy_error: float | None = Field(
        default=None, gt=0, description='The same of energies, once they are shifted, in meV per atom.'
    )
    max_student_force_error: float | None = Field(
        default=None, gt=0, description='The same of the forces of the student in eV/Å, before it learns from them.'
    )
    failure_budget: float = Field(
        default=0.2, ge=0, le=1, description='Fraction of the frames of a round that the reference may fail to label.'
    )

    @model_validator(mode='after')
    def _asks_for_something(self) -> Self:
        if all(limit is None for limit in (self.max_force_error, self.max_energy_error, self.max_student_force_error)):
            raise ValueError('one of `max_force_error`, `max_energy_error` and `max_student_force_error` is needed')
        return self

    def weight_for(self, n_reference: int, n_teacher: int) -> int:
        """Return how often labels of the reference are repeated.

        :param n_reference: their number.
        :param n_teacher: number of the labels of the teacher.
        """
        wanted = self.reference_share / (1 - self.reference_share) * n_teacher / n_reference
        return min(self.max_weight, max(1, round(wanted)))
