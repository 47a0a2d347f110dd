"""Which cells are packed, of which molecules, and how."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.science.structures.compositions import net_charge
from aiida_seimlip.science.structures.molecules import MOLECULES
from aiida_seimlip.science.structures.molecules.smiles import charge_of_smiles

NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')

Count = Annotated[int, Field(le=100_000)]
"""Number of a molecule in a cell: more is a slip of the finger."""

PackingMethod = Literal['auto', 'random', 'packmol', 'start_generator']


class MoleculeOptions(Options):
    """A molecule that is not built in: its geometry comes from SMILES, or from a node of the same name."""

    smiles: str | None = Field(
        default=None, description='Its structure; RDKit makes the geometry. None: from the node in `molecules`.'
    )
    charge: int | None = Field(
        default=None, description='In e; by default the formal charges in the SMILES, and 0 for a node.'
    )
    volume: float | None = Field(
        default=None, gt=0, description='That it takes up in a condensed cell in Å³; estimated from its elements if '
        'not given.',
    )  # fmt: skip

    @model_validator(mode='after')
    def _charges_agree(self) -> Self:
        if self.smiles is not None and self.charge not in (None, charge_of_smiles(self.smiles)):
            raise ValueError(
                f'`charge` is {self.charge}, but the formal charges in `{self.smiles}` add up to '
                f'{charge_of_smiles(self.smiles)}'
            )
        return self

    @property
    def formal_charge(self) -> int:
        """In e."""
        if self.charge is not None:
            return self.charge
        return 0 if self.smiles is None else charge_of_smiles(self.smiles)


class RandomOptions(Options):
    """Compositions that are drawn at random, all different as far as there are enough."""

    number: int = Field(ge=1, le=100_000, description='Of starts.')
    ranges: dict[str, tuple[Count, Count]] = Field(
        min_length=1, description='Smallest and largest number of each molecule; each between them is as likely.'
    )
    min_atoms: int = Field(default=1, ge=1, description='Compositions of fewer atoms are left out.')
    max_atoms: int = Field(default=150, ge=1, description='Compositions of more atoms are left out.')

    @model_validator(mode='after')
    def _limits_in_order(self) -> Self:
        if self.min_atoms > self.max_atoms:
            raise ValueError(f'`min_atoms` ({self.min_atoms}) is above `max_atoms` ({self.max_atoms})')
        return self

    @field_validator('ranges')
    @classmethod
    def _ranges_in_order(cls, value: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        for name, (low, high) in value.items():
            if not 0 <= low <= high:
                raise ValueError(f'the range of `{name}` does not go from a number ≥ 0 to one that is not below it')
        return value


class PackingOptions(Options):
    """How molecules are put into a cell."""

    method: PackingMethod = Field(
        default='auto',
        description='`random` (one molecule after the other), `packmol`, `start_generator` (of ase-ga), or `auto`: '
        '`random` in thin cells, `packmol` in dense ones.',
    )
    density: float | None = Field(default=None, gt=0, description='In g/cm³; None: from `volume_factor`.')
    volume_factor: float = Field(
        default=1.0, gt=0, description='The volume of a cell is this times the sum of those of its molecules.'
    )
    tolerances: list[float] = Field(
        default=[1.8, 1.6], min_length=1, description='Shortest distance between atoms of different molecules in Å; '
        'the next one is tried where the molecules do not fit with the one before.',
    )  # fmt: skip
    time_limit: float = Field(
        default=120.0, gt=0, description='A start that takes longer fails, in s. It never decides about the cell.'
    )
    proportions: tuple[float, float, float] = Field(
        default=(1.0, 1.0, 1.0), description='Of the three edges of the cell, which are at right angles.'
    )
    min_length: float = Field(
        default=0.0, ge=0, description='Edges that would be shorter get this length in Å, and the cell is thinner then.'
    )

    @field_validator('tolerances')
    @classmethod
    def _tolerances_fall(cls, value: list[float]) -> list[float]:
        if value[-1] <= 0 or any(later >= earlier for earlier, later in itertools.pairwise(value)):
            raise ValueError('each tolerance must be above 0 and below the one before it')
        return value

    @field_validator('proportions')
    @classmethod
    def _proportions_are_positive(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(value) <= 0:
            raise ValueError('all proportions must be above 0')
        return value


class RecipeOptions(Options):
    """Which starts are packed: compositions by name, or drawn at random, or both."""

    compositions: dict[str, dict[str, Count]] = Field(
        default={}, description='Number of each molecule, for each start by its name.'
    )
    random: RandomOptions | None = Field(default=None, description='Starts of random compositions.')
    molecules: dict[str, MoleculeOptions] = Field(
        default={}, description='Those that are used and not built in, by name.'
    )
    copies: int = Field(default=1, ge=1, le=10_000, description='Each named composition is packed so many times.')
    neutral: bool = Field(
        default=True, description='Refuse compositions that are charged; atoms of Li give their electrons to anions.'
    )
    packing: PackingOptions = PackingOptions()
    seed: int = Field(default=0, ge=0, description='Of all random numbers: compositions, places, orientations.')

    @field_validator('compositions', 'molecules')
    @classmethod
    def _names_are_words(cls, value: dict[str, object]) -> dict[str, object]:
        for name in value:
            if not NAME.fullmatch(name):
                raise ValueError(f'the name `{name}` is not made of letters, digits and _, a letter first')
        return value

    @field_validator('compositions')
    @classmethod
    def _counts_are_numbers(cls, value: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        for name, counts in value.items():
            if min(counts.values(), default=0) < 0 or not sum(counts.values()):
                raise ValueError(f'`{name}` does not hold numbers ≥ 0 of which one is not 0')
        return value

    @field_validator('molecules')
    @classmethod
    def _names_are_free(cls, value: dict[str, MoleculeOptions]) -> dict[str, MoleculeOptions]:
        for name in value:
            if name in MOLECULES:
                raise ValueError(f'`{name}` is the name of a molecule that is built in: take another one')
        return value

    @model_validator(mode='after')
    def _holds_together(self) -> Self:
        if not self.compositions and self.random is None:
            raise ValueError('a recipe needs `compositions` or `random`')
        unknown = sorted(self.used - set(MOLECULES) - set(self.molecules))
        if unknown:
            raise ValueError(
                f'{", ".join(f"`{name}`" for name in unknown)} is neither built in ({", ".join(MOLECULES)}) nor among '
                '`molecules`'
            )
        for name, counts in self.compositions.items():
            charge = net_charge(counts, self.charges)
            if self.neutral and charge:
                raise ValueError(f'`{name}` has the charge {charge:+d} e: balance it, or set `neutral` to false')
        if len(set(self.names)) < self.n_starts:
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ValueError(f'two starts would be called `{twice}`: give the composition another name')
        return self

    @property
    def names(self) -> list[str]:
        """Names of the starts: of the compositions in alphabetical order, with numbers for copies, then ``r000`` on."""
        named = [
            name if self.copies == 1 else f'{name}_{copy}'
            for name in sorted(self.compositions) for copy in range(self.copies)
        ]  # fmt: skip
        return named + [f'r{index:03d}' for index in range(0 if self.random is None else self.random.number)]

    @property
    def used(self) -> set[str]:
        """Names of the molecules that occur."""
        drawn: Mapping[str, object] = {} if self.random is None else self.random.ranges
        return {name for counts in self.compositions.values() for name in counts} | set(drawn)

    @property
    def charges(self) -> dict[str, int]:
        """Charge of each molecule in e, by name."""
        own = {name: molecule.formal_charge for name, molecule in self.molecules.items()}
        return {name: molecule.charge for name, molecule in MOLECULES.items()} | own

    @property
    def n_starts(self) -> int:
        """Number of starts."""
        return self.copies * len(self.compositions) + (0 if self.random is None else self.random.number)
