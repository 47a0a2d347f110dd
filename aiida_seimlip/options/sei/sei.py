"""Options of `SeiWorkChain`: what is done before, besides and after the campaign."""

from __future__ import annotations

from pydantic import Field, field_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.crystal.phases import CrystalNames
from aiida_seimlip.options.crystal.relaxation import RelaxationOptions
from aiida_seimlip.science.structures.crystals import CRYSTALS


class TraceOptions(Options):
    """Which of the labelled frames of the condensation join the first training set."""

    max_frames_per_start: int = Field(
        default=12, ge=1, description='Frames of each start, spread evenly over all those that are usable.'
    )
    max_force: float = Field(default=15.0, gt=0, description='Frames with a larger force, in eV/Å, are left out.')


class LatticeOptions(RelaxationOptions):
    """Which crystals are relaxed with the potentials and the teacher, and how."""

    crystals: CrystalNames = Field(default=list(CRYSTALS), min_length=1, description='Names of the phases.')
    reference: str | None = Field(
        default='teacher', description='Name of the model that the others are compared with; none: experiment alone.'
    )


class SeiOptions(Options):
    """What is done before, besides and after the campaign."""

    trace: TraceOptions | None = Field(
        default_factory=TraceOptions,
        description='What the campaign learns from the condensation where its model is the reference; none: nothing.',
    )
    small_crystals: CrystalNames = Field(
        default=[],
        description='Phases from small strained cells of which a further potential, `with_crystals`, learns beside '
        'the labels of the campaign, and which are no longer new to it: names of `science.structures.crystals`.',
    )
    small_crystal_atoms: int = Field(default=16, ge=2, description='Largest number of atoms of such a cell.')
    levels: list[int] = Field(
        default=[],
        description='Levels of further potentials, trained on the last training set of the campaign; a higher level '
        'begins with the radial functions of its potential.',
    )
    left_out: list[str] = Field(
        default=[],
        description='Names of starts. For each a potential is trained without all frames of its formula, and judged on '
        'them.',
    )
    lattices: LatticeOptions | None = Field(
        default_factory=LatticeOptions,
        description='Which crystals are relaxed with the potentials and the teacher; none: no crystals.',
    )

    @field_validator('levels')
    @classmethod
    def _levels_are_distinct(cls, value: list[int]) -> list[int]:
        wrong = [level for level in value if not 6 <= level <= 28 or level % 2]
        if wrong or len(set(value)) < len(value):
            raise ValueError('levels are different even numbers from 6 to 28')
        return value
