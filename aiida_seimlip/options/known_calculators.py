"""The ASE calculators that can be named: where they come from, and what is known about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from pydantic import JsonValue


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
    :param method: label of the method by which it labels frames, with keyword arguments in braces, such as ``{xc}``;
        empty: its name.
    :param implied: keyword arguments that `method` names, as the calculator itself sets them where they are not given.
    """

    target: str
    package: str
    defaults: dict[str, JsonValue] = field(default_factory=dict)
    reusable: bool = False
    runs_model: bool = False
    potential: PotentialFile | None = None
    method: str = ''
    implied: dict[str, str] = field(default_factory=dict)

    def label(self, kwargs: Mapping[str, Any]) -> str | None:
        """Return the label of the method, None if the keyword arguments do not tell it.

        A name in small letters is written in capitals (``pbe``), a path is cut down to the name of the file.

        :param kwargs: of the calculator, its defaults included.
        """
        given = {**self.implied, **kwargs}
        words = {
            key: value.upper() if value.islower() and '/' not in value and '.' not in value else PurePath(value).name
            for key, value in given.items()
            if isinstance(value, str) and value
        }
        try:
            return self.method.format_map(words) or None
        except KeyError:
            return None


CALCULATORS: dict[str, KnownCalculator] = {
    'dftb+': KnownCalculator('ase.calculators.dftb:Dftb', 'ase'),
    'emt': KnownCalculator('ase.calculators.emt:EMT', 'ase', reusable=True, method='EMT'),
    'gpaw': KnownCalculator('gpaw:GPAW', 'gpaw', {'txt': None}, method='{xc}', implied={'xc': 'LDA'}),
    'lj': KnownCalculator('ase.calculators.lj:LennardJones', 'ase', reusable=True),
    'mace': KnownCalculator(
        'mace.calculators:MACECalculator',
        'mace-torch',
        {'device': 'cpu', 'default_dtype': 'float64'},
        reusable=True,
        runs_model=True,
        potential=PotentialFile('model_paths', ('mace',), is_required=False),
        method='MACE {model_paths}',
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
    'tblite': KnownCalculator('tblite.ase:TBLite', 'tblite', {'method': 'GFN1-xTB', 'verbosity': 0}, method='{method}'),
    'vasp': KnownCalculator('ase.calculators.vasp:Vasp', 'ase', method='{xc}'),
}
"""The calculators by name."""
