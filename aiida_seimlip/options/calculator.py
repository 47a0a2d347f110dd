"""Which ASE calculator is used, and what it is given on the remote computer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.known_calculators import CALCULATORS, MOLECULES_AND_CRYSTALS, KnownCalculator
from aiida_seimlip.options.pretrained import BY_TARGET
from aiida_seimlip.science.frames import predicted_by

MODEL_SUFFIXES = ('.ckpt', '.joblib', '.model', '.pickle', '.pkl', '.pt', '.pt2', '.pth')
"""How the names of files end that can run any code when they are loaded."""

UPLOADED_MODULES = (
    'batch', 'condense', 'mace_loop', 'mace_model', 'make_calculator', 'pool', 'run_ase', 'run_explore',
    'run_mace_train', 'run_md', 'run_neb', 'shared', 'stages', 'tasks', 'worker',
)  # fmt: skip
"""Modules in the folder of a job, which hide others of the same name."""

DAMPING_NAMES = {
    'd3bj': 'D3(BJ)', 'd3zero': 'D3(0)', 'd3bjm': 'D3M(BJ)', 'd3zerom': 'D3M(0)', 'd3op': 'D3(op)', 'd3cso': 'D3(CSO)',
}  # fmt: skip


class DispersionOptions(Options):
    """The dispersion D3 of S. Grimme, J. Antony, S. Ehrlich and H. Krieg, J. Chem. Phys. 132, 154104 (2010)."""

    method: str = Field(
        min_length=1, description='Functional whose parameters are used, such as `PBE`: the one that the calculator '
        'computes or was trained on.',
    )  # fmt: skip
    damping: Literal['d3bj', 'd3zero', 'd3bjm', 'd3zerom', 'd3op', 'd3cso'] = Field(
        default='d3bj', description='Function that damps it at short distances.'
    )


class CalculatorOptions(Options):
    """Which calculator to use."""

    name: str = Field(
        description=f'Name of a known calculator ({", ".join(sorted(CALCULATORS))}), or `module:attribute` of any '
        'other class of ASE calculators, or of a function that returns one.'
    )
    kwargs: dict[str, JsonValue] = Field(
        default_factory=dict,
        description='Keyword arguments of the calculator, on top of the defaults in `CALCULATORS`.',
    )
    dispersion: DispersionOptions | None = Field(
        default=None, description='Add the dispersion D3; the package `dftd3` must be there. None: add nothing.'
    )
    trust_model: bool = Field(
        default=False,
        description='You know who made the model file that the calculator loads (of a potential of the family `mace` '
        'that is not in TorchScript, or of a keyword argument that names a file '
        f'{", ".join(f"`{suffix}`" for suffix in MODEL_SUFFIXES)}): loading it runs any code that it '
        'holds, on the computer of the job and as its user.',
    )
    allow_download: bool = Field(
        default=False,
        description='The job may download the weights of a model that its package does not hold: its computer has a '
        'network.',
    )
    method_label: str = Field(
        default='',
        description='Label of the method on the frames that it labels, such as `PBE`; empty: made of the keyword '
        'arguments where they tell it (`GFN1-xTB`), else the name of the calculator.',
    )
    periodic_axes: tuple[Literal[0, 1, 2, 3], ...] | None = Field(
        default=None,
        min_length=1,
        description='Numbers of periodic directions of a frame that the calculator can take; none: what is known of '
        'it, and of an unknown one that it takes fully periodic frames.',
    )
    reusable: bool | None = Field(
        default=None,
        description='Whether one instance calculates one frame after the other; none: what is known of it. An unknown '
        'one is made anew for each frame.',
    )

    @field_validator('name')
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value in CALCULATORS:
            return value
        if not re.fullmatch(r'[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*', value):
            raise ValueError(
                f'the known calculators are {", ".join(sorted(CALCULATORS))}; any other is named as `module:attribute`'
            )
        if value.partition(':')[0] in UPLOADED_MODULES:
            raise ValueError(f'the job brings a module of its own with the name `{value.partition(":")[0]}`')
        return value

    @model_validator(mode='after')
    def _model_is_trusted(self) -> Self:
        if self.trust_model:
            return self
        advice = 'which can run any code on the computer of the job: add `trust_model: true` if you know who made it'
        port = self.known.potential
        if self.known.runs_model and port is not None and port.argument in self.kwargs:
            raise ValueError(f'`kwargs.{port.argument}` names a model file, {advice}')
        for path, value in _strings(self.kwargs, 'kwargs'):
            if _is_model(path, value):
                raise ValueError(f'`{path}` names the model file `{value}`, {advice}')
        return self

    @model_validator(mode='after')
    def _weights_are_there(self) -> Self:
        pretrained = self.known.pretrained
        fault = None if pretrained is None else pretrained.explain_download(self.all_kwargs)
        if fault is not None and not self.allow_download:
            raise ValueError(fault)
        return self

    @property
    def known(self) -> KnownCalculator:
        """What is known about the calculator; of one that is named by its module nothing but where it is."""
        return CALCULATORS.get(self.name) or KnownCalculator(
            self.name, periodic_axes=(3,), pretrained=BY_TARGET.get(self.name)
        )

    @property
    def all_kwargs(self) -> dict[str, JsonValue]:
        """All keyword arguments, defaults included."""
        return {**self.known.defaults, **self.kwargs}

    @property
    def method(self) -> str:
        """Label of the method that frames are labelled by.

        Where the calculator is given a `PotentialData`, it is that potential that has made the labels, not a method.
        """
        if self.method_label:
            return self.method_label
        label = self.known.label(self.all_kwargs) or self.name
        return label if self.dispersion is None else f'{label}+{DAMPING_NAMES[self.dispersion.damping]}'

    @property
    def takes_axes(self) -> tuple[int, ...]:
        """Numbers of periodic directions of a frame that the calculator can take.

        Of dispersion no frame that is periodic in one or two of them: `dftd3` moves atoms across its open sides.
        """
        if self.periodic_axes is not None:
            return self.periodic_axes
        known = self.known.periodic_axes
        return known if self.dispersion is None else tuple(set(known) & set(MOLECULES_AND_CRYSTALS))

    def method_given(self, potential_uuid: str | None) -> str:
        """Return who computes energies and forces: the method, or the potential that the calculator is given.

        What a potential predicts is no label, unless `method_label` names it as a method to learn from.

        :param potential_uuid: UUID of the `PotentialData`, None if there is none.
        """
        return self.method if potential_uuid is None or self.method_label else predicted_by(potential_uuid)

    def to_remote(self, potential_file: str | list[str] | None = None, species: Sequence[str] = ()) -> dict[str, Any]:
        """Return what `make_calculator` on the remote computer reads.

        :param potential_file: name of the potential's file in the folder of the job, or of those of the members of a
            committee; None if there is no potential.
        :param species: of the potential, in type order.
        :raises ValueError: if the calculator takes no potential, but there is one.
        """
        kwargs = self.all_kwargs
        if potential_file is not None:
            port = self.known.potential
            if port is None:
                raise ValueError(f'The calculator `{self.name}` takes no potential.')
            kwargs[port.argument] = list(potential_file) if isinstance(potential_file, list) else potential_file
            if port.species_argument is not None:
                kwargs[port.species_argument] = list(species)
        return {
            'target': self.known.target, 'package': self.known.package, 'install': self.known.install,
            'reusable': self.known.reusable if self.reusable is None else self.reusable, 'kwargs': kwargs,
            'periodic_axes': list(self.takes_axes),
            'dispersion': None if self.dispersion is None else self.dispersion.to_dict(),
        }  # fmt: skip


def _is_model(path: str, value: str) -> bool:
    """Return whether a string names a model file: by how it ends, or as a path in an argument for models."""
    is_for_models = any(word in path.lower() for word in ('model', 'checkpoint'))
    return PurePath(value).suffix.lower() in MODEL_SUFFIXES or (is_for_models and '/' in value)


def _strings(value: JsonValue, path: str) -> Iterator[tuple[str, str]]:
    """Yield all strings within a plain value, each with the keys that lead to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _strings(part, f'{path}.{key}')
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _strings(part, f'{path}.{index}')
