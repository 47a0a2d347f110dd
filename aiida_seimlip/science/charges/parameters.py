"""Parameters of charge equilibration, and files that hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import yaml
from ase.data import atomic_numbers

Kernel = Literal['reaxff', 'gaussian']
"""How the interaction of two charges is shielded at short distances, see `coulomb.interaction_matrix`."""

EXAMPLE = 'source: who published them\nelements:\n  Li: {chi_ev: -6.4188, eta_ev: 30.0, gamma_per_angstrom: 0.4668}'
"""What a file of parameters looks like."""


class QeqError(ValueError):
    """Charges cannot be computed as asked for; the message says why."""


@dataclass(frozen=True)
class QeqElement:
    """Parameters of an element: an atom with the charge q has the energy χ q + ½ η q².

    :param chi_ev: electronegativity χ in eV.
    :param eta_ev: hardness η in eV, the second derivative of the energy, as in parameter files of LAMMPS' ``fix qeq``.
        Force-field files of ReaxFF hold half of it, those of Rappé and Goddard call it J.
    :param gamma_per_angstrom: shielding γ in 1/Å.
    :raises QeqError: if a value is not finite, or η or γ is not positive.
    """

    chi_ev: float
    eta_ev: float
    gamma_per_angstrom: float

    def __post_init__(self) -> None:
        for name in ('chi_ev', 'eta_ev', 'gamma_per_angstrom'):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
                raise QeqError(f'`{name}` is {value!r}, which is no number.')
            if name != 'chi_ev' and value <= 0.0:
                raise QeqError(f'`{name}` is {value}, which is not positive.')


@dataclass(frozen=True)
class QeqParameters:
    """Parameters of charge equilibration.

    :param elements: of each element, by chemical symbol.
    :param source: who published them.
    :param kernel: how interactions are shielded.
    :raises QeqError: if there is no source, a name is no chemical symbol, or the kernel is not known.
    """

    elements: Mapping[str, QeqElement]
    source: str
    kernel: Kernel = 'reaxff'

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise QeqError('The parameters of charge equilibration lack a `source`.')
        if self.kernel not in get_args(Kernel):
            raise QeqError(f'`kernel` is {self.kernel!r}, but one of {", ".join(get_args(Kernel))} is needed.')
        for symbol in self.elements:
            if atomic_numbers.get(symbol, 0) < 1:
                raise QeqError(f'`elements` holds {symbol!r}, which is no chemical symbol.')

    def of(self, symbols: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return χ in eV, η in eV and γ in 1/Å of atoms; shape (n_atoms,) each.

        :param symbols: chemical symbols of the atoms.
        :raises QeqError: if an element is missing; the message says how to give it.
        """
        missing = sorted(set(symbols) - set(self.elements))
        if missing:
            raise QeqError(
                f'There are no parameters of charge equilibration for {", ".join(missing)}, only for '
                f'{", ".join(self.elements)}: give a YAML or JSON file with `source` and, for each element of the '
                'structure, `chi_ev`, `eta_ev` and `gamma_per_angstrom`.'
            )
        atoms = [self.elements[symbol] for symbol in symbols]
        return (
            np.array([atom.chi_ev for atom in atoms], dtype=float),
            np.array([atom.eta_ev for atom in atoms], dtype=float),
            np.array([atom.gamma_per_angstrom for atom in atoms], dtype=float),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, from which `from_dict` makes the parameters again."""
        elements = {symbol: dict(vars(element)) for symbol, element in self.elements.items()}
        return {'source': self.source, 'kernel': self.kernel, 'elements': elements}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Build parameters from plain types.

        :param content: with ``source``, ``elements``, and, unless it is ``reaxff``, ``kernel``.
        :raises QeqError: if a key is missing, unknown, or has a value that it cannot have.
        """
        if not isinstance(content, Mapping) or not isinstance(content.get('elements'), Mapping):
            raise QeqError(f'These are no parameters of charge equilibration, which look like this:\n{EXAMPLE}')
        unknown = set(content) - {'source', 'kernel', 'elements'}
        if unknown:
            raise QeqError(f'The parameters of charge equilibration have no key `{min(map(str, unknown))}`.')
        elements = {str(symbol): _element(symbol, value) for symbol, value in content['elements'].items()}
        return cls(elements, str(content.get('source') or ''), content.get('kernel', 'reaxff'))


def read_parameters(path: str | Path) -> QeqParameters:
    """Read parameters of charge equilibration from a YAML or JSON file.

    :param path: of the file.
    :raises QeqError: if it cannot be read as such.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exception:
        raise QeqError(f'The parameters of charge equilibration cannot be read: {exception}') from exception
    return QeqParameters.from_dict(content)


def _element(symbol: Any, content: Any) -> QeqElement:
    keys = {'chi_ev', 'eta_ev', 'gamma_per_angstrom'}
    if not isinstance(content, Mapping) or set(content) != keys:
        raise QeqError(f'The parameters of {symbol} must be `chi_ev`, `eta_ev` and `gamma_per_angstrom`.')
    try:
        return QeqElement(**content)
    except QeqError as exception:
        raise QeqError(f'The parameters of {symbol} are wrong: {exception}') from exception


REAXFF_LI_C_O = QeqParameters(
    elements={
        'Li': QeqElement(-6.4188, 30.0, 0.4668),
        'C': QeqElement(5.8678, 14.0, 0.9),
        'O': QeqElement(8.5, 16.6244, 1.0898),
    },
    source='Li, C and O of a ReaxFF force field for C/H/O/Si/Al/Li/F of 2015, as read in a public force-field file, '
    'not compared with the paper that it belongs to',
)
"""The parameters of the package. They are part of a whole force field, made for energies rather than for charges."""
