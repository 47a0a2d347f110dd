"""Options of `LatticeComparisonWorkChain`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from aiida_seimlip.options.ase import CalculatorOptions, RelaxOptions
from aiida_seimlip.options.base import Options
from aiida_seimlip.options.crystal.phases import CrystalNames
from aiida_seimlip.science.structures.crystals import CRYSTALS

EXPERIMENT = 'experiment'
"""Name that the experiment has among those that a lattice is compared with."""


class LatticeOptions(Options):
    """Which crystals are relaxed, how, and with which model the others are compared."""

    crystals: CrystalNames = Field(
        default=list(CRYSTALS), min_length=1,
        description=f'Names of the phases: {", ".join(f"`{name}`" for name in CRYSTALS)}.',
    )  # fmt: skip
    teacher: str | None = Field(
        default='teacher', description='Name of the model that the others are compared with; none: experiment alone.'
    )
    learned: dict[str, CrystalNames] = Field(
        default={},
        description='Phases that a model has seen in its training, by the name of the model; all others are new to it.',
    )
    fmax: float = Field(
        default=0.005, gt=0,
        description='Largest force at convergence in eV/Å; stresses count as forces on the cell, shared by the atoms.',
    )  # fmt: skip
    max_steps: int = Field(default=300, ge=1, description='Steps of each relaxation at most.')
    symprec: float = Field(
        default=0.05, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )
    processes: int = Field(default=1, ge=1, description='Crystals relaxed side by side, each in its own process.')
    seconds_per_crystal: float | None = Field(default=600.0, gt=0, description='Time limit of each relaxation in s.')

    def relaxation(self, calculator: CalculatorOptions) -> dict[str, Any]:
        """Return the parameters of the job that relaxes with a calculator, as `AseOptions`."""
        relax = RelaxOptions(cell='full', fmax=self.fmax, max_steps=self.max_steps, accept_unconverged=True)
        return {
            'calculator': calculator.to_dict(), 'task': 'relax', 'relax': relax.to_dict(), 'processes': self.processes,
            'seconds_per_frame': self.seconds_per_crystal,
        }  # fmt: skip
