"""What a campaign did, iteration by iteration: the content of the output node `history`.

Iteration 0 is the bootstrap; iteration k explores with the potential that iteration k - 1 trained. Numbers that are not
known, or do not exist, are ``None``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aiida_seimlip.options.records import CellRecord, DetailedErrorsRecord, ErrorsRecord, Record

Outcome = Literal['completed', 'broke', 'crashed', 'out_of_walltime', 'failed']
"""How an exploration can end; ``failed`` is a technical failure, of which nothing can be learned."""

INFORMATIVE = ('broke', 'crashed')
"""How an exploration ends of which something can be learned."""

Stage = Literal['explore', 'select', 'label', 'train', 'held_out']

HISTORY_EXTRA = 'seimlip_history'
"""Extra of the process node of a campaign with its history so far, as a `CampaignHistory`, for those who watch."""


class TryRecord(Record):
    """One start of an exploration that took several, each more cautious than the one before."""

    temperature: float = Field(description='In K.')
    timestep: float = Field(description='In fs.')
    n_steps: int = Field(description='MD steps done, of this length.')
    outcome: Outcome
    message: str | None = Field(default=None, description='Why it ended early.')


class ExplorationRecord(Record):
    """One molecular dynamics run."""

    start: str = Field(description='Name of the start: key of the input `structures`, and index if it has many frames.')
    condition: str = Field(description='Name of the condition, such as `nvt-300K`.')
    temperature: float = Field(description='In K.')
    ensemble: str
    pressure: float | None = Field(default=None, description='In bar; none at constant volume.')
    seed: int = Field(description='Seed of the velocities, derived from the seed of the campaign.')
    outcome: Outcome
    n_steps: int = Field(description='MD steps done, over all restarts.')
    n_steps_asked: int
    length: float = Field(default=1.0, description='Part of the steps of its condition that these are.')
    highest_grade: float | None = Field(default=None, description='Highest extrapolation grade met.')
    n_candidates: int = Field(default=0, description='Frames saved above the lower threshold.')
    n_jobs: int = Field(default=1, description='Number of jobs: more than one after a crash or at the wall-time limit.')
    tries: list[TryRecord] = Field(default_factory=list, description='Each start, where there were several jobs.')
    cell: CellRecord | None = Field(default=None, description='How far the cell has gone; none if unknown.')
    uuid: str | None = Field(default=None, description='UUID of the process of the last job.')
    message: str | None = Field(default=None, description='What the program said at a crash or a failure.')

    @property
    def survived(self) -> bool:
        """Whether the run came to its end."""
        return self.outcome == 'completed'

    @property
    def is_informative(self) -> bool:
        """Whether it ended early in a way of which something can be learned, and not for technical reasons."""
        return self.outcome in INFORMATIVE


class StartRecord(Record):
    """How a start stands."""

    formula: str | None = Field(default=None, description='Of its cell; none if unknown.')
    n_broken: int = Field(
        default=0,
        description='Iterations in a row, up to now, in which an exploration from it did not come to its end and none '
        'came further than before.',
    )
    furthest: dict[str, float] = Field(
        default_factory=dict, description='Largest share of its steps that an exploration has done, by condition.'
    )
    last: dict[str, Outcome] = Field(
        default_factory=dict, description='How the last exploration under each condition ended.'
    )
    quarantined: str | None = Field(default=None, description='Why it is explored no more; none if it still is.')


class DropRecord(Record):
    """Frames that were left out for one reason."""

    stage: Stage
    reason: str = Field(description='In words, such as `shortest distance below 0.9 Å`.')
    count: int
    frames: list[str] = Field(default_factory=list, description='Origin of each frame, as `<node UUID>:<index>`.')


class IterationRecord(Record):
    """One turn of the loop."""

    iteration: int = Field(description='0 is the bootstrap.')
    n_training: int = Field(default=0, description='Labelled frames in the training set at the end of the iteration.')
    n_explorations: int = 0
    n_survivors: int = Field(default=0, description='Explorations that came to their end.')
    n_postponed: int = Field(
        default=0,
        description='Explorations not run, because one at a lower temperature did not come to its end, or because '
        'starts that survive wait for the others; those of starts in quarantine are not counted.',
    )
    highest_grade: float | None = None
    explorations: list[ExplorationRecord] = Field(default_factory=list)
    n_candidates: int = Field(default=0, description='Frames that the explorations saved.')
    n_selected: int = Field(default=0, description='Candidates that the selection chose, before the budget.')
    n_spot_checks: int = Field(default=0, description='Frames of explorations that survived, to be labelled as well.')
    is_barren: bool = Field(
        default=False, description='Whether explorations broke, but none of their candidates was worth a label.'
    )
    dropped: list[DropRecord] = Field(default_factory=list)
    n_labelled: int = Field(default=0, description='Frames labelled and accepted in this iteration.')
    n_failed: int = Field(default=0, description='Frames that the reference program could not label.')
    failures: dict[str, str] = Field(
        default_factory=dict, description='Origin of each failed frame, `<node UUID>:<index>`, and the reason.'
    )
    n_late: int = Field(
        default=0, description='Frames whose labels were still out at the deadline; they join the next labelling.'
    )
    late: list[str] = Field(default_factory=list, description='Origin of each of them, as `<node UUID>:<index>`.')
    late_uuid: str | None = Field(default=None, description='Of the node that holds them.')
    train_errors: ErrorsRecord | None = Field(
        default=None, description='Of the potential trained in this iteration, on all frames it was trained on.'
    )
    validation_errors: ErrorsRecord | None = Field(
        default=None,
        description='Of the potential that explored, on the frames labelled in this iteration, before learning them.',
    )
    check_errors: DetailedErrorsRecord | None = Field(
        default=None,
        description='Of the potential that explored, on spot checks of those of its explorations that survived; none '
        'where no accuracy is asked for.',
    )
    potential_uuid: str | None = Field(default=None, description='Of the potential trained in this iteration.')
    also_uuid: str | None = Field(
        default=None, description='Of the potential of `also_train` that learned from the labels up to this iteration.'
    )
    also_train_errors: ErrorsRecord | None = Field(
        default=None, description='Of that potential, on what it was trained on.'
    )
    training_uuid: str | None = Field(default=None, description='Of the frames labelled in this iteration.')
    seconds: dict[Stage, float] = Field(default_factory=dict, description='Wall time of the jobs of each stage, in s.')

    @property
    def is_survived(self) -> bool:
        """Whether every exploration was run and came to its end."""
        return self.n_explorations > 0 and self.n_postponed == 0 and self.n_survivors == self.n_explorations

    @property
    def is_at_full_length(self) -> bool:
        """Whether the explorations were to do all steps of their conditions."""
        return all(run.length == 1 for run in self.explorations)


class HeldOutRecord(Record):
    """Errors of the last potential on fresh frames that it never learned from."""

    n_frames: int
    n_failed: int = Field(default=0, description='Frames that the reference program could not label.')
    errors: DetailedErrorsRecord | None = None
    explorations: list[ExplorationRecord] = Field(default_factory=list)
    frames_uuid: str | None = Field(default=None, description='Of the labelled frames.')
    seconds: dict[Stage, float] = Field(default_factory=dict)


class CampaignHistory(Record):
    """What a campaign did."""

    species: list[str] = Field(default_factory=list, description='Chemical symbols in type order.')
    seed: int = Field(default=0, description='The seed from which all others are derived.')
    converged: bool = Field(default=False, description='Whether the last potential passed all explorations.')
    iterations: list[IterationRecord] = Field(default_factory=list)
    held_out: HeldOutRecord | None = None
    training_errors: DetailedErrorsRecord | None = Field(
        default=None, description='Of the last potential on what it learned from, or on frames drawn evenly from that.'
    )
    also_errors: DetailedErrorsRecord | None = Field(
        default=None, description='Of the potential of `also_train` on the held-out frames.'
    )
    starts: dict[str, StartRecord] = Field(default_factory=dict, description='How each start stands, by name.')
    late: list[str] = Field(
        default_factory=list,
        description='Origin of each frame whose label was still out at the end, as `<node UUID>:<index>`.',
    )
    continues: str | None = Field(default=None, description='UUID of the campaign that this one continues.')
    warnings: list[str] = Field(default_factory=list)
    message: str | None = Field(default=None, description='Why the campaign ended without convergence.')

    @property
    def quarantined(self) -> dict[str, str]:
        """The starts that are explored no more, and why."""
        found = {name: start.quarantined for name, start in self.starts.items()}
        return {name: reason for name, reason in found.items() if reason is not None}

    @property
    def n_labels(self) -> int:
        """Labelled frames in the last training set."""
        return self.iterations[-1].n_training if self.iterations else 0
