"""Options of the CalcJob ``seimlip.ase``: a batch of frames through an ASE calculator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, field_validator, model_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.condense import CondenseOptions
from aiida_seimlip.options.known_calculators import CALCULATORS, KnownCalculator

__all__ = [
    'CALCULATORS', 'AseCondenseOptions', 'AseLabelOptions', 'AseOptions', 'CalculatorOptions', 'KnownCalculator',
    'MdOptions', 'RelaxOptions',
]  # fmt: skip


class RelaxOptions(Options):
    """How to relax a frame."""

    cell: Literal['fixed', 'isotropic', 'normal', 'full'] = Field(
        default='fixed',
        description='Whether the cell stays, keeps its shape, changes along z only while its first two vectors lie in '
        'the plane of x and y (`normal`), or relaxes freely.',
    )  # fmt: skip
    optimizer: Literal['BFGS', 'BFGSLineSearch', 'FIRE', 'LBFGS'] = Field(
        default='BFGS', description='Name of the optimiser in `ase.optimize`.'
    )
    fmax: float = Field(default=0.05, gt=0, description='Largest force at convergence in eV/Å.')
    max_steps: int = Field(default=200, ge=1, description='Largest number of steps.')
    pressure: float = Field(default=0.0, description='External pressure in GPa; only if the cell relaxes.')
    accept_unconverged: bool = Field(
        default=False,
        description='Keep the last geometry of a relaxation that did not converge; else the frame counts as failed.',
    )
    fixed: list[NonNegativeInt] = Field(
        default=[], description='Indices of atoms, from 0, that stay where they are, in each frame.'
    )

    keep_symmetry: bool = Field(
        default=False,
        description='Keep the space group that the frame has to within 0.01 Å; the computer of the job needs spglib.',
    )

    keep_start: bool = Field(
        default=False, description='Keep the labels of each frame as it was before it was relaxed, too.'
    )

    @model_validator(mode='after')
    def _fixed_atoms_have_no_symmetry(self) -> Self:
        if self.fixed and self.keep_symmetry:
            raise ValueError('`fixed` and `keep_symmetry` exclude each other')
        return self

    @model_validator(mode='after')
    def _fixed_atoms_need_a_fixed_cell(self) -> Self:
        if self.fixed and self.cell != 'fixed':
            raise ValueError('`fixed` keeps atoms in place, which a cell that relaxes does not')
        return self

    @model_validator(mode='after')
    def _pressure_needs_cell(self) -> Self:
        if self.pressure and self.cell == 'fixed':
            raise ValueError('`pressure` has no effect as long as `cell` is `fixed`')
        return self


class MdOptions(Options):
    """How to run molecular dynamics from each frame."""

    temperature: float | list[float] = Field(
        description='In K, of the thermostat (nvt) and of the velocities drawn: one number, or one for each frame.'
    )
    n_steps: int = Field(ge=1, description='Number of steps of each trajectory.')
    sample_every: int = Field(ge=1, description='A frame is labelled and kept every so many steps; the start is not.')
    seed: int = Field(
        ge=0,
        description='Of all random numbers; those of a trajectory depend on it and on the index of its frame only.',
    )
    ensemble: Literal['nvt', 'nve'] = Field(default='nvt', description='Langevin dynamics, or constant energy.')
    timestep: float = Field(default=0.5, gt=0, description='In fs.')
    friction: float = Field(default=10.0, gt=0, description='Of the Langevin thermostat in 1/ps.')
    velocities: Literal['keep', 'create'] = Field(
        default='keep', description='Start from the velocities of the frame where it has any, or always draw new ones.'
    )

    @field_validator('temperature')
    @classmethod
    def _is_positive(cls, value: float | list[float]) -> float | list[float]:
        if min(value if isinstance(value, list) else [value], default=0.0) <= 0:
            raise ValueError('temperatures must be positive')
        return value

    @model_validator(mode='after')
    def _samples_to_the_end(self) -> Self:
        if self.n_steps % self.sample_every:
            raise ValueError(
                f'`n_steps` ({self.n_steps}) must be a multiple of `sample_every` ({self.sample_every}), so that the '
                'last step is sampled'
            )
        return self


class AseOptions(Options):
    """What to do with each frame, and with which calculator."""

    calculator: CalculatorOptions = Field(description='The calculator.')
    task: Literal['single_point', 'relax', 'md', 'condense'] = Field(
        default='single_point',
        description='Label each frame as it is, relax it, run molecular dynamics from it, or condense it in stages.',
    )
    relax: RelaxOptions | None = Field(default=None, description='How to relax; only for the task `relax`.')
    md: MdOptions | None = Field(default=None, description='How to run dynamics; needed for the task `md`, only there.')
    condense: CondenseOptions | None = Field(
        default=None, description='How to condense; needed for the task `condense`, only there.'
    )
    stress: bool = Field(
        default=True, description='Calculate the stress of fully periodic frames, if the calculator can.'
    )
    processes: int = Field(default=1, ge=1, description='Frames calculated side by side, each in its own process.')
    threads: int = Field(default=1, ge=1, description='Threads of each process.')
    seconds_per_frame: float | None = Field(
        default=None, gt=0, description='Stop a frame that takes longer than this, in s, and count it as failed.'
    )

    @model_validator(mode='before')
    @classmethod
    def _stages_tell_the_task(cls, content: Any) -> Any:
        """Take parameters that hold stages for those of a condensation: so does the engine that they are given to."""
        if isinstance(content, Mapping) and content.get('condense') is not None and 'task' not in content:
            return {**content, 'task': 'condense'}
        return content

    @model_validator(mode='after')
    def _section_belongs_to_task(self) -> Self:
        for name in ('relax', 'md', 'condense'):
            if getattr(self, name) is not None and self.task != name:
                raise ValueError(f'`{name}` is given, but `task` is `{self.task}`')
        for name in ('md', 'condense'):
            if self.task == name and getattr(self, name) is None:
                raise ValueError(f'`task` is `{name}`, but `{name}` is missing')
        return self

    @property
    def relaxes_cell(self) -> bool:
        """Whether cells change."""
        if self.condense is not None:
            return self.condense.changes_cell
        return self.task == 'relax' and self.relax is not None and self.relax.cell != 'fixed'

    def to_remote(
        self, n_frames: int, time_limit_seconds: float | None, calculator: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what the script on the remote computer reads.

        :param n_frames: number of frames of the batch.
        :param time_limit_seconds: when the script stops by itself, in s after its start; None: never.
        :param calculator: how to make the calculator where it is given a potential; see `CalculatorOptions.to_remote`.
        :raises ValueError: if there is a temperature for each frame, but not for as many frames.
        """
        return {
            'calculator': self.calculator.to_remote() if calculator is None else dict(calculator),
            'task': self._task(n_frames), 'stress': self.stress, 'n_frames': n_frames, 'processes': self.processes,
            'threads': self.threads, 'seconds_per_frame': self.seconds_per_frame,
            'time_limit_seconds': time_limit_seconds,
        }  # fmt: skip

    def _task(self, n_frames: int) -> dict[str, Any]:
        if self.task == 'relax':
            return {'kind': 'relax', **(self.relax or RelaxOptions()).model_dump()}
        if self.condense is not None:
            return {'kind': 'condense', **self.condense.to_remote()}
        if self.md is None:
            return {'kind': 'single_point'}
        return {'kind': 'md', **self.md.model_dump(), 'temperature': self.temperatures(n_frames)}

    def temperatures(self, n_frames: int) -> list[float]:
        """Return the temperature of each trajectory in K; empty if the task is not `md`.

        :param n_frames: number of frames.
        :raises ValueError: if there is a temperature for each frame, but not for as many frames.
        """
        if self.md is None:
            return []
        if not isinstance(self.md.temperature, list):
            return [self.md.temperature] * n_frames
        if len(self.md.temperature) != n_frames:
            raise ValueError(
                f'`md.temperature` lists {len(self.md.temperature)} temperatures, but there are {n_frames} frames.'
            )
        return self.md.temperature


class AseLabelOptions(AseOptions):
    """Which calculator labels frames, and how; the frames stay as they are."""

    task: Literal['single_point'] = Field(default='single_point', description='Label each frame as it is.')


class AseCondenseOptions(AseOptions):
    """Which calculator condenses frames, and in which stages."""

    task: Literal['condense'] = Field(default='condense', description='Condense each frame in stages.')
    condense: CondenseOptions = Field(description='How to condense.')
