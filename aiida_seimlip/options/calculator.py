"""Which ASE calculator is used, and what it is given on the remote computer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.known_calculators import CALCULATORS, KnownCalculator


class CalculatorOptions(Options):
    """Which calculator to use."""

    name: str = Field(description=f'Name of a known calculator: {", ".join(sorted(CALCULATORS))}.')
    kwargs: dict[str, JsonValue] = Field(
        default_factory=dict,
        description='Keyword arguments of the calculator, on top of the defaults in `CALCULATORS`.',
    )
    trust_model: bool = Field(
        default=False,
        description='You know who made the model file that the calculator loads (`mace`): loading it runs any code '
        'that it holds, on the computer of the job and as its user.',
    )
    method_label: str = Field(
        default='',
        description='Label of the method on the frames that it labels, such as `PBE`; empty: made of the keyword '
        'arguments where they tell it (`GFN1-xTB`), else the name of the calculator.',
    )

    @field_validator('name')
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in CALCULATORS:
            raise ValueError(f'the known calculators are {", ".join(sorted(CALCULATORS))}')
        return value

    @model_validator(mode='after')
    def _model_is_trusted(self) -> Self:
        if self.known.runs_model and not self.trust_model:
            raise ValueError(
                f'the calculator `{self.name}` loads a model file, which can run any code on the computer of the job: '
                'add `trust_model: true` if you know who made it'
            )
        return self

    @property
    def known(self) -> KnownCalculator:
        """What is known about the calculator."""
        return CALCULATORS[self.name]

    @property
    def method(self) -> str:
        """Label of the method that frames are labelled by.

        Where the calculator is given a `PotentialData`, it is that potential that has made the labels, not a method.
        """
        return self.method_label or self.known.label({**self.known.defaults, **self.kwargs}) or self.name

    def to_remote(self, potential_file: str | None = None, species: Sequence[str] = ()) -> dict[str, Any]:
        """Return what `make_calculator` on the remote computer reads.

        :param potential_file: name of the potential's file in the folder of the job, None if there is none.
        :param species: of the potential, in type order.
        :raises ValueError: if the calculator takes no potential, but there is one.
        """
        kwargs = {**self.known.defaults, **self.kwargs}
        if potential_file is not None:
            port = self.known.potential
            if port is None:
                raise ValueError(f'The calculator `{self.name}` takes no potential.')
            kwargs[port.argument] = potential_file
            if port.species_argument is not None:
                kwargs[port.species_argument] = list(species)
        return {
            'target': self.known.target, 'package': self.known.package, 'reusable': self.known.reusable,
            'kwargs': kwargs,
        }  # fmt: skip
