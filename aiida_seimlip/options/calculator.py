"""The ASE calculators that can be named, and what they are given on the remote computer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from aiida_seimlip.options.base import Options


@dataclass(frozen=True)
class PotentialFile:
    """How a calculator is given the file of a `PotentialData`.

    :param argument: keyword argument of the calculator that takes the name of the file.
    :param families: families of potentials that it understands.
    :param species_argument: keyword argument that takes the chemical symbols in type order, None if it needs none.
    :param is_required: whether the calculator is of no use without a `PotentialData`.
    """

    argument: str
    families: tuple[str, ...]
    species_argument: str | None = None
    is_required: bool = True


@dataclass(frozen=True)
class KnownCalculator:
    """A calculator that can be named in the options.

    :param target: where to import it from on the remote computer, as ``module:attribute``; the module ``shared`` is
        uploaded with the job.
    :param package: name of the package (distribution) whose version is recorded.
    :param defaults: keyword arguments that are set unless the options say otherwise.
    :param reusable: whether one instance may calculate one frame after the other; false where it would start the next
        frame from the electronic state of the last one.
    :param runs_model: whether it loads a model file that can hold any code, and runs it.
    :param potential: how it is given a `PotentialData`, None if it takes none.
    """

    target: str
    package: str
    defaults: dict[str, JsonValue] = field(default_factory=dict)
    reusable: bool = False
    runs_model: bool = False
    potential: PotentialFile | None = None


CALCULATORS: dict[str, KnownCalculator] = {
    'dftb+': KnownCalculator('ase.calculators.dftb:Dftb', 'ase'),
    'emt': KnownCalculator('ase.calculators.emt:EMT', 'ase', reusable=True),
    'gpaw': KnownCalculator('gpaw:GPAW', 'gpaw', {'txt': None}),
    'lj': KnownCalculator('ase.calculators.lj:LennardJones', 'ase', reusable=True),
    'mace': KnownCalculator(
        'mace.calculators:MACECalculator',
        'mace-torch',
        {'device': 'cpu', 'default_dtype': 'float64'},
        reusable=True,
        runs_model=True,
        potential=PotentialFile('model_paths', ('mace',), is_required=False),
    ),
    'morse': KnownCalculator('ase.calculators.morse:MorsePotential', 'ase', reusable=True),
    'motep': KnownCalculator(
        'shared:make_motep', 'motep', reusable=True, potential=PotentialFile('potential', ('mtp',), 'species')
    ),
    'mtp': KnownCalculator(
        'aiida_seimlip.science.mtp.calculator:MtpCalculator',
        'aiida-seimlip',
        reusable=True,
        potential=PotentialFile('potential', ('mtp',), 'species'),
    ),
    'tblite': KnownCalculator('tblite.ase:TBLite', 'tblite', {'method': 'GFN1-xTB', 'verbosity': 0}),
    'vasp': KnownCalculator('ase.calculators.vasp:Vasp', 'ase'),
}
"""The calculators by name."""


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
