"""Options of `ActiveLearningWorkChain`: everything that is not the business of one program."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.campaign.judgement import AccuracyOptions, HeldOutOptions, distinct
from aiida_seimlip.options.exploration import ExplorationConditions
from aiida_seimlip.options.untrained import UntrainedOptions


class EngineNames(Options):
    """The program that does each of the four jobs: the last part of its entry point ``seimlip.<socket>.<engine>``."""

    reference: str = 'ase'
    training: str = 'mlip3'
    exploration: str = 'lammps'
    selection: str = 'mlip3'


class BootstrapDynamicsOptions(Options):
    """Short molecular dynamics with the reference program, from each start at each temperature."""

    temperatures: list[float] = Field(min_length=1, description='In K.')
    n_steps: int = Field(ge=1, description='Steps of each trajectory; each one costs a label.')
    sample_every: int = Field(default=5, ge=1, description='A frame is kept every so many steps.')
    timestep: float = Field(default=1.0, gt=0, description='In fs.')
    friction: float = Field(default=10.0, gt=0, description='Of the Langevin thermostat in 1/ps.')

    @model_validator(mode='after')
    def _samples_to_the_end(self) -> Self:
        if self.n_steps % self.sample_every:
            raise ValueError(f'`n_steps` ({self.n_steps}) must be a multiple of `sample_every` ({self.sample_every})')
        return self


class BootstrapStructuresOptions(Options):
    """How the input `bootstrap_structures` is varied: strained evenly, then displaced as at a temperature."""

    strains: list[float] = Field(
        default=[-0.04, -0.02, 0.0, 0.025, 0.05], min_length=1,
        description='Isotropic strains, each of one copy of each structure.',
    )  # fmt: skip
    temperatures: list[float] = Field(
        default=[300.0], min_length=1,
        description='In K; the copies are displaced as at these temperatures, one after the other.',
    )  # fmt: skip
    strain: float = Field(
        default=0.01, ge=0, lt=0.3,
        description='Standard deviation of the components of the strain that each copy gets besides.',
    )  # fmt: skip

    @field_validator('strains')
    @classmethod
    def _strains_leave_a_cell(cls, value: list[float]) -> list[float]:
        wrong = [strain for strain in value if not -0.3 < strain < 0.3]
        if wrong:
            raise ValueError(f'strains must lie between -0.3 and 0.3, and {wrong[0]:g} does not')
        return value


class BootstrapOptions(Options):
    """Where the first training set comes from."""

    n_perturbed: int = Field(default=10, ge=0, description='Perturbed copies of each start.')
    temperatures: list[float] = Field(
        default=[300.0, 900.0], min_length=1,
        description='In K; the copies are displaced as at these temperatures, one after the other.',
    )  # fmt: skip
    strain: float = Field(
        default=0.02, ge=0, lt=0.3, description='Standard deviation of the components of the strain of each copy.'
    )
    bond_stiffness: float = Field(
        default=25.0, gt=0, description='Force constant in eV/Å² of the atoms inside a bonded unit.'
    )
    unit_stiffness: float = Field(
        default=4.0, gt=0, description='Force constant in eV/Å² of the centre of a bonded unit.'
    )
    ion_stiffness: float = Field(default=2.5, gt=0, description='Force constant in eV/Å² of single atoms.')
    dynamics: BootstrapDynamicsOptions | None = Field(default=None, description='Reference dynamics, if wanted.')
    max_labels: int | None = Field(
        default=None, ge=1,
        description='Perturbed copies, copies of `bootstrap_structures` and `bootstrap_candidates` that are learned '
        'from at most, chosen among all of them by MaxVol; reference dynamics are not counted. None: all of them.',
    )  # fmt: skip
    min_per_start: int = Field(
        default=1,
        ge=0,
        description='Frames of each start and each of `bootstrap_structures` among `max_labels` at least.',
    )
    mode: Literal['nbh', 'cfg'] = Field(
        default='nbh', description='What MaxVol compares: neighbourhoods of atoms, or whole frames.'
    )
    beside_initial: bool = Field(
        default=False, description='Bootstrap also where there is `initial_training`, whose frames are known then.'
    )
    structures: BootstrapStructuresOptions = Field(default_factory=BootstrapStructuresOptions)

    @model_validator(mode='after')
    def _is_not_nothing(self) -> Self:
        if not self.n_perturbed and self.dynamics is None:
            raise ValueError('a bootstrap needs `n_perturbed` above 0 or `dynamics`')
        return self


class ExplorationOptions(Options):
    """Which molecular dynamics the potential must survive."""

    conditions: list[ExplorationConditions] = Field(min_length=1, description='Each is run from each start.')
    rising: bool | Literal['together', 'each'] = Field(
        default=True,
        description='Run the conditions in order of temperature: higher ones only if all starts survive all lower ones '
        '(`together`, or true), or for each start once it has itself survived the lower ones (`each`). False: in no '
        'order.',
    )
    recheck: Literal['at_once', 'last'] = Field(
        default='at_once',
        description='When a start is explored again that survived everything with an earlier potential: with each new '
        'potential, or once all starts that did not survive everything do (`last`; needs `rising: each`).',
    )
    lengths: list[float] = Field(
        default=[1.0],
        min_length=1,
        description='Parts of the steps of all explorations, rising to 1. Only once all of them survive one part, as '
        'accurate as `accuracy` asks, is the next one tried: in long runs a young potential goes astray before its '
        'grade tells.',
    )
    quarantine_after: int | None = Field(
        default=None,
        ge=1,
        description='Iterations in a row in which a start breaks and comes no further than before, after which it is '
        'explored no more; the others decide on convergence. None: never.',
    )
    max_concurrent: int | None = Field(
        default=None, ge=1, description='Explorations under way at once; none for no limit.'
    )
    threshold_save: float = Field(default=2.0, ge=1, description='Frames above this grade become candidates.')
    threshold_break: float = Field(default=10.0, gt=1, description='An exploration ends itself above this grade.')

    @model_validator(mode='after')
    def _thresholds_in_order(self) -> Self:
        if self.threshold_save >= self.threshold_break:
            raise ValueError(
                f'`threshold_save` ({self.threshold_save}) must be below `threshold_break` ({self.threshold_break})'
            )
        return self

    @model_validator(mode='after')
    def _some_can_wait(self) -> Self:
        if self.recheck == 'last' and not self.rises_each:
            raise ValueError('`recheck: last` needs `rising: each`: otherwise all starts are explored together')
        return self

    @field_validator('lengths')
    @classmethod
    def _lengths_rise_to_one(cls, value: list[float]) -> list[float]:
        if value[0] <= 0 or value[-1] != 1 or any(one >= other for one, other in pairwise(value)):
            raise ValueError('lengths are parts above 0 that rise, the last of which is 1')
        return value

    @field_validator('conditions')
    @classmethod
    def _labels_are_distinct(cls, value: list[ExplorationConditions]) -> list[ExplorationConditions]:
        return distinct(value)

    @property
    def rises_each(self) -> bool:
        """Whether a start rises by itself, whatever becomes of the others."""
        return self.rising == 'each'

    @property
    def levels(self) -> list[list[int]]:
        """Indices of the conditions in groups, to be run one group after the other."""
        if not self.rising:
            return [list(range(len(self.conditions)))]
        temperatures = [condition.highest_temperature for condition in self.conditions]
        return [
            [index for index, value in enumerate(temperatures) if value == temperature]
            for temperature in sorted(set(temperatures))
        ]


class FilterOptions(Options):
    """Which frames are not worth a label, or not worth learning from."""

    min_distance: float = Field(default=0.9, ge=0, description='Candidates with a shorter distance in Å are dropped.')
    max_grade: float = Field(default=1000.0, gt=1, description='Candidates with a higher grade are dropped.')
    max_force: float | None = Field(
        default=50.0, gt=0, description='Labelled frames with a larger force on an atom in eV/Å are dropped.'
    )


class SelectionOptions(Options):
    """How many of the selected frames are labelled, and in which order they are taken."""

    max_frames: int | None = Field(default=None, ge=1, description='Per iteration; none for no limit.')
    max_candidates_per_exploration: int | None = Field(
        default=None, ge=1,
        description='Frames of each exploration among which MaxVol selects, evenly spaced in time, the last one '
        'included: neighbours in time are much alike, and time and memory of a selection grow with their number. '
        'None: all that were saved.',
    )  # fmt: skip
    max_frames_per_exploration: int | None = Field(default=None, ge=1, description='None for no limit.')
    max_frames_per_start: int | None = Field(
        default=None, ge=1, description='Of all explorations of a start in an iteration; none for no limit.'
    )
    max_frames_per_formula: int | None = Field(
        default=None, ge=1, description='Of each chemical formula in an iteration; none for no limit.'
    )
    spot_checks_per_exploration: int = Field(
        default=0, ge=0,
        description='Frames of each exploration that came to its end which are labelled and learned from as well, '
        'evenly spaced in time, the last one included: a low grade does not tell of energies that have drifted away '
        "from the reference's.",
    )  # fmt: skip
    share: Literal['grade', 'start', 'formula'] = Field(
        default='grade',
        description='Who comes first where not all can be labelled. `grade`: the highest grades of all; `start` and '
        '`formula`: in turns, the best frame of each start or chemical formula, then the second best of each.',
    )


class StandingOptions(Options):
    """How a start stood in a campaign that another one continues."""

    n_broken: int = Field(
        default=0, ge=0, description='Iterations in a row in which it broke and came no further than before.'
    )
    furthest: dict[str, float] = Field(
        default_factory=dict, description='Largest share of its steps that a run has done, by condition.'
    )


class ActiveLearningOptions(Options):
    """How to grow a potential."""

    seed: int = Field(ge=0, description='All random numbers are derived from it.')
    max_iterations: int = Field(
        default=20, ge=1, description='Number of the last iteration; the bootstrap, iteration 0, is not counted.'
    )
    first_iteration: int = Field(
        default=0,
        ge=0,
        description='Iteration after which to begin: above 0 in a campaign that continues another one, whose random '
        'numbers are not used again then.',
    )
    continues: str | None = Field(default=None, description='UUID of the campaign that this one continues.')
    standings: dict[str, StandingOptions] = Field(
        default_factory=dict, description='How the starts stood in that campaign, by name; it is told them.'
    )
    max_labels: int | None = Field(
        default=None, ge=1, description='Frames in the training set at most; none for no limit.'
    )
    max_labels_per_formula: int | None = Field(
        default=None,
        ge=1,
        description='Frames of each chemical formula in the training set at most, as far as explorations bring them; '
        'none for no limit.',
    )
    failure_budget: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description='Fraction of the frames of an iteration that may fail to be labelled; one may in any case.',
    )
    label_deadline: float | None = Field(
        default=None,
        gt=0,
        description='Time in s after which an iteration goes on without the labels that are still out, which join the '
        'next one; the last iteration waits for all. None: each waits for all.',
    )
    warm_start: bool = Field(default=True, description='Train each potential from the last one, not from scratch.')
    train_first: bool = Field(
        default=False, description='Train `initial_potential` on `initial_training` before the first exploration.'
    )
    allow_mixed_methods: bool = Field(
        default=False,
        description='Learn from labels by different methods, or of different kinds of energy, in one training set.',
    )
    untrained: UntrainedOptions = Field(default_factory=UntrainedOptions)
    lone_atoms: float | None = Field(
        default=None, gt=0,
        description='Label an atom of each species alone, in a periodic box of this length in Å, and let trainings '
        'begin from these energies, so that those of compositions that the labels do not tell are as if atoms were '
        'added alone. None: such energies are arbitrary.',
    )  # fmt: skip
    bootstrap: BootstrapOptions = Field(default_factory=BootstrapOptions)
    exploration: ExplorationOptions
    filters: FilterOptions = Field(default_factory=FilterOptions)
    selection: SelectionOptions = Field(default_factory=SelectionOptions)
    accuracy: AccuracyOptions | None = Field(
        default=None, description='None: a potential has converged once it survives all explorations.'
    )
    held_out: HeldOutOptions | None = Field(default=None, description='None: the last potential is not judged.')

    @model_validator(mode='after')
    def _iterations_are_left(self) -> Self:
        if self.first_iteration >= self.max_iterations:
            raise ValueError(
                f'`max_iterations` ({self.max_iterations}) must be above `first_iteration` ({self.first_iteration})'
            )
        return self

    @model_validator(mode='after')
    def _frames_are_kept_to_check(self) -> Self:
        if self.accuracy is not None:
            for condition in self.exploration.conditions:
                if condition.dump_every > condition.n_steps:
                    raise ValueError(
                        f'`accuracy` needs frames of every exploration, and {condition.label} keeps none: `dump_every` '
                        f'({condition.dump_every}) must not be above `n_steps` ({condition.n_steps})'
                    )
        return self

    def has_bootstrap(self, training: Collection[str]) -> bool:
        """Return whether a campaign makes a first training set, or adds to one, before it explores.

        :param training: names of the sets that are labelled already: its input `initial_training`.
        """
        if not training:
            return True
        is_over = self.first_iteration > 0 or (self.continues is not None and 'iteration_000' in training)
        return self.bootstrap.beside_initial and not is_over
