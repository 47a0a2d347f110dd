"""Options of nudged elastic bands: of the CalcJob ``seimlip.ase.neb``, and of `NEBWorkChain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, field_validator

from aiida_seimlip.options.ase import RelaxOptions
from aiida_seimlip.options.base import Options
from aiida_seimlip.options.calculator import CalculatorOptions


class BandOptions(Options):
    """How a band of images is relaxed with an ASE calculator: improved tangents, and a climbing image."""

    calculator: CalculatorOptions = Field(description='The calculator.')
    fmax: float = Field(
        default=0.05, gt=0, description='Largest force across the path at convergence in eV/Å; that on the climbing '
        'image is taken whole.',
    )  # fmt: skip
    climb: bool = Field(default=True, description='Let the highest image climb to the saddle point.')
    climb_below: float = Field(
        default=0.5, gt=0, description='The highest image begins to climb once the force across the path is below '
        'this, in eV/Å.',
    )  # fmt: skip
    spring_constant: float = Field(default=1.0, gt=0, description='Of the springs between the images, in eV/Å².')
    optimizer: Literal['BFGS', 'FIRE', 'LBFGS', 'MDMin'] = Field(
        default='FIRE', description='Name of the optimiser in `ase.optimize`.'
    )
    max_steps: int = Field(default=500, ge=1, description='Largest number of steps of a job.')
    dynamic: bool = Field(
        default=False, description='Leave images alone that are converged (`ase.mep.DyNEB`); then they are calculated '
        'one after the other. Worth it where the calculator is costly and `processes` is 1.',
    )  # fmt: skip
    fixed: list[NonNegativeInt] = Field(
        default=[], description='Indices of atoms, from 0, that stay where they are in all images.'
    )
    processes: int = Field(default=1, ge=1, description='Images calculated side by side, each in its own process.')
    threads: int = Field(default=1, ge=1, description='Threads of each process.')

    def to_remote(self, time_limit_seconds: float | None, calculator: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the script on the remote computer reads.

        :param time_limit_seconds: when the script stops by itself, in s after its start; None: never.
        :param calculator: how to make the calculator; see `CalculatorOptions.to_remote`.
        """
        own = self.model_dump(mode='json', exclude={'calculator'})
        return {**own, 'calculator': dict(calculator), 'time_limit_seconds': time_limit_seconds}


class EndPointOptions(Options):
    """What the two ends of a path must be."""

    max_displacement: float = Field(
        default=6.0, gt=0, description='No atom may be further from its place in the other end than this, in Å, over '
        'the nearest image.',
    )  # fmt: skip
    min_displacement: float = Field(
        default=0.3, gt=0, description='The ends are the same minimum if no atom is further from its place in the '
        'other end than this, in Å.',
    )  # fmt: skip
    check_order: bool = Field(
        default=True, description='Refuse ends whose atoms would move less, and fewer of them, in another order; '
        'false for a true exchange of equal atoms.',
    )  # fmt: skip


class PathEngineNames(Options):
    """Which engine does each job."""

    path: str = Field(default='ase', description='Engine of the socket `path`.')
    reference: str = Field(default='ase', description='Engine of the socket `reference`.')


class NEBOptions(Options):
    """A migration barrier."""

    n_images: int = Field(default=5, ge=1, description='Number of images between the ends.')
    interpolation: Literal['idpp', 'linear'] = Field(
        default='idpp', description='The first band: by the image-dependent pair potential, or on a straight line.'
    )
    relax: RelaxOptions | None = Field(
        default=RelaxOptions(fmax=0.01, max_steps=500),
        description='How the ends are relaxed, at constant cell; none: they are minima already.',
    )
    fixed: list[NonNegativeInt] = Field(
        default=[], description='Indices of atoms, from 0, that stay where they are, at both ends and between them.'
    )
    end_points: EndPointOptions = Field(default=EndPointOptions(), description='What the ends must be.')
    collapse_ratio: float = Field(
        default=0.1, gt=0, lt=1, description='Images have collapsed where two neighbours are closer than this share of '
        'the mean distance.',
    )  # fmt: skip
    threshold: float = Field(
        default=2.0, gt=0, description='Extrapolation grade above which an image counts as out of the domain of the '
        'potential.',
    )  # fmt: skip

    @field_validator('relax')
    @classmethod
    def _keeps_the_cell(cls, value: RelaxOptions | None) -> RelaxOptions | None:
        if value is not None and value.cell != 'fixed':
            raise ValueError('`cell` must be `fixed`: the ends of a path have the same cell')
        if value is not None and value.fixed:
            raise ValueError('`fixed` belongs beside `relax`: the same atoms stay at the ends and between them')
        return value
