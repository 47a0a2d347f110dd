"""Options of `RelaxationWorkChain`."""

from __future__ import annotations

from ase import Atoms
from pydantic import Field

from aiida_seimlip.options.crystal.phases import CrystalNames
from aiida_seimlip.options.crystal.property import Ions, MinimumOptions, PropertyOptions

EXPERIMENT = 'experiment'
"""Name that the experiment has among those that a lattice is compared with."""


class RelaxationOptions(PropertyOptions):
    """Which crystals are relaxed, how, and with which model the others are compared."""

    minimum: MinimumOptions = Field(
        default_factory=lambda: MinimumOptions(fmax=0.005, max_steps=300), description='How each model relaxes them.'
    )
    learned: dict[str, CrystalNames] = Field(
        default={},
        description='Phases that a model has seen in its training, by the name of the model; all others are new to it. '
        'Of models that are not named here, it is not known.',
    )
    symprec: float = Field(
        default=0.05, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )
    seconds_per_frame: float | None = Field(default=600.0, gt=0, description='Time limit of each relaxation in s.')

    @property
    def ions_of_frames(self) -> list[Ions]:
        """What becomes of the atoms in further frames: there are none, the minima are all that is wanted."""
        return []

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return the number of atoms of each further frame of a crystal: there are none."""
        return []
