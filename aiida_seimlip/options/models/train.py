"""Options of the WorkChain ``seimlip.train``."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.untrained import UntrainedOptions


class TrainEngines(Options):
    """The programs: the last parts of their entry points ``seimlip.<socket>.<engine>``."""

    training: str = Field(default='mace', description='Engine of the socket `training`: `mace`, `mlip3`.')
    reference: str = Field(
        default='ase', description='Engine of the socket `reference`, which labels isolated atoms if it has settings.'
    )


class TrainOptions(Options):
    """What the training is given beside its frames."""

    lone_atoms: float = Field(
        default=12.0, gt=0,
        description='Length in Å of the periodic box that each isolated atom is in, where the input `reference` labels '
        'them.',
    )  # fmt: skip
    untrained: UntrainedOptions = Field(
        default_factory=UntrainedOptions,
        description='The potential to begin with, for an engine that needs one, where no `start` is given.',
    )
