"""Options of the CalcJobs that run ``mlp``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from aiida_seimlip.options.base import Options

OptionName = Annotated[str, StringConstraints(pattern=r'^[A-Za-z][A-Za-z0-9_-]*$')]

OptionText = Annotated[str, StringConstraints(pattern=r'^[A-Za-z0-9_.,:/+=@%-]*$')]
"""Values are no place for white space, quotes and whatever else a shell might take as its own."""

RESERVED = ('save_to', 'log')
"""Options that the CalcJobs set themselves."""


class Mlip3TrainOptions(Options):
    """How ``mlp train`` fits a potential; the names are those of its command line."""

    iteration_limit: int = Field(
        default=1000, ge=0, description='Iterations of the optimiser at most; 0 only rebuilds the active set.'
    )
    tolerance: float = Field(
        default=1e-3, gt=0, description='Stop when the loss falls by less than this fraction over 50 iterations.'
    )
    energy_weight: float = Field(default=1.0, ge=0, description='Weight of squared errors of the energy in eV².')
    force_weight: float = Field(default=0.01, ge=0, description='Weight of squared errors of the forces in (eV/Å)².')
    stress_weight: float = Field(
        default=0.001, ge=0, description='Weight of squared errors of the stress times the volume in eV².'
    )
    weight_scaling: Literal[0, 1, 2] = Field(
        default=1, description='Power of the number of atoms by which the energy weight is divided.'
    )
    weight_scaling_forces: Literal[0, 1, 2] = Field(
        default=0, description='Power of the number of atoms by which the force weight is divided.'
    )
    scale_by_force: float = Field(
        default=0.0,
        ge=0,
        description='Weigh down large forces F by s/(F² + s), with this s in (eV/Å)², unless it is 0.',
    )
    init_random: bool = Field(
        default=False,
        description='Start an untrained potential from random numbers; MLIP-3 draws them without a seed.',
    )
    no_mindist_update: bool = Field(
        default=False,
        description="Keep the potential's shortest distance, rather than set it to 0.99 of that in the training set.",
    )
    al_mode: Literal['nbh', 'cfg'] = Field(
        default='nbh',
        description='Active set by neighbourhoods or configurations; counts only if the potential has none yet.',
    )
    atom_energies: dict[str, float] = Field(
        default={},
        description='Energy of a lone atom of each element in eV, by the method of the labels. The constant of an '
        'element deviates from it only as far as the labels demand, where these do not tell it.',
    )
    weights: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default={},
        description='How many times as much each configuration of a training set counts, by the name of the set; 1 for '
        'others. MLIP-3 knows no weights: the set is written as many times, which is the same and takes longer.',
    )
    extra_options: dict[OptionName, OptionText | int | float | bool] = Field(
        default_factory=dict,
        description='Options of a program that knows more than MLIP-3, which ignores in silence what it does not know.',
    )

    @field_validator('extra_options')
    @classmethod
    def _refuse_known(cls, value: dict[str, object]) -> dict[str, object]:
        for name in value:
            if name in RESERVED:
                raise ValueError(f'the job sets `{name}` itself')
            if name in cls.model_fields:
                raise ValueError(f'`{name}` has a place of its own among the options')
        return value

    def weight_of(self, name: str) -> int:
        """Return how many times a training set is learned from.

        :param name: of the set.
        """
        return self.weights.get(name, 1)

    def command_line(self) -> list[str]:
        """Return the options as ``--key=value``."""
        options = {**self.model_dump(exclude={'extra_options', 'atom_energies', 'weights'}), **self.extra_options}
        return [f'--{key}={_written(value)}' for key, value in options.items()]


class Mlip3SelectOptions(Options):
    """How ``mlp select_add`` selects among candidates."""

    swap_limit: int = Field(default=0, ge=0, description='Swaps of rows of the active set at most; 0 sets no limit.')

    def command_line(self) -> list[str]:
        """Return the options as ``--key=value``."""
        return [f'--swap_limit={self.swap_limit}']


def _written(value: object) -> str:
    """Write a value as ``mlp`` reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
