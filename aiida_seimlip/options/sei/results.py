"""What `SeiWorkChain` finds: the content of the output `results`.

All errors are against the reference of the campaign, which is named in `teacher`: where that is a universal potential,
nothing here says how far it is from DFT.
"""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.crystal.results import LatticeComparison
from aiida_seimlip.options.records import ErrorsRecord, Record

CAMPAIGN = 'campaign'
"""Name of the potential that the campaign has grown."""

WITH_CRYSTALS = 'with_crystals'
"""Name of the potential that has learned from small crystals, too."""


class CompositionErrors(Record):
    """Errors of a potential, altogether and for each chemical formula."""

    total: ErrorsRecord | None = Field(default=None, description='On all frames.')
    formulas: dict[str, ErrorsRecord] = Field(default_factory=dict, description='On the frames of each formula.')


class PotentialRecord(Record):
    """A potential that was trained."""

    uuid: str | None = None
    level: int | None = None
    n_parameters: int | None = None
    n_training: int = Field(default=0, description='Frames that it has learned from.')
    left_out: str | None = Field(default=None, description='Formula that it has never seen; none if it has seen all.')
    held_out: CompositionErrors = Field(
        default_factory=CompositionErrors,
        description='On fresh frames, from which no potential has learned.',
    )
    unseen: ErrorsRecord | None = Field(
        default=None, description='On the frames of the training set that were left out; none if none were.'
    )
    failure: str | None = Field(default=None, description='Why there is no potential.')


class BreakRecord(Record):
    """An exploration that the last potential did not bring to its end."""

    start: str
    condition: str
    outcome: str
    n_steps: int
    n_steps_asked: int
    highest_grade: float | None = None
    message: str | None = None


class SeiResults(Record):
    """What was found."""

    teacher: str = Field(description='Who made the labels: what all errors are against.')
    starts: dict[str, str] = Field(default_factory=dict, description='Formula of each start, by its name.')
    starts_dropped: dict[str, str] = Field(default_factory=dict, description='Starts of no use, and why.')
    is_converged: bool = Field(default=False, description='Whether the potential passed all explorations.')
    n_iterations: int = 0
    n_labels: int = 0
    n_from_condensation: int = Field(default=0, description='Labels of these that the condensation had made.')
    n_explorations: int = Field(default=0, description='Of the last iteration.')
    n_postponed: int = Field(default=0, description='Explorations that it did not come to.')
    breaks: list[BreakRecord] = Field(default_factory=list, description='What still breaks.')
    quarantined: dict[str, str] = Field(default_factory=dict, description='Starts that were given up, and why.')
    potentials: dict[str, PotentialRecord] = Field(
        default_factory=dict,
        description=f'By name: `{CAMPAIGN}`, `level_16`, `{WITH_CRYSTALS}`, `without_mixture`, ...',
    )
    lattices: LatticeComparison | None = Field(default=None, description='Crystals at the minima of the potentials.')
    lattices_left_out: dict[str, str] = Field(
        default_factory=dict, description='Crystals that the potentials know not all elements of.'
    )
    messages: list[str] = Field(default_factory=list, description='What went wrong, in sentences.')
