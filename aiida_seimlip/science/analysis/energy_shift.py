"""The constant of each element by which the energies of two methods differ.

The zero of the energy of an element is a convention of each method, and two methods that agree on all forces differ by
``Σ_e n_e s_e`` with n_e atoms of the element e. Labels of both methods for the same frames tell the shifts s_e by least
squares of the differences per atom. They tell each of them only if there are as many independent compositions as
elements; otherwise they tell sums of them, which is enough for compositions that the frames span.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers

from aiida_seimlip.science.analysis.composition_span import count_elements, find_basis, spans
from aiida_seimlip.science.frames import Frames, FramesError


@dataclass(frozen=True)
class EnergyShift:
    """What is added to the energies of one method to bring them to the zero of another.

    :param per_element: in eV an atom, by symbol, in order of atomic number. If `is_determined` is false, the shortest
        of all vectors that explain the differences as well: only its sums over compositions in `basis` mean anything.
    :param basis: independent compositions that the frames hold: atoms by symbol, divided by their common divisor.
    :param residual: root mean square of what the shift leaves of the differences, in eV per atom.
    :param n_frames: number of frames that it was found from.
    """

    per_element: Mapping[str, float]
    basis: tuple[Mapping[str, int], ...]
    residual: float
    n_frames: int

    @property
    def rank(self) -> int:
        """Number of independent compositions."""
        return len(self.basis)

    @property
    def is_determined(self) -> bool:
        """Whether the shift of each element is known, and not only sums of them."""
        return self.rank == len(self.per_element)

    def explain_unknown(self, frames: Frames) -> str | None:
        """Say which composition of some frames the shift does not hold for, None if it holds for all.

        :param frames: any number.
        """
        strangers = sorted(set(frames.elements) - set(self.per_element))
        if strangers:
            return f'no frame with both energies holds {", ".join(strangers)}'
        species = tuple(self.per_element)
        basis = np.array([[part.get(symbol, 0) for symbol in species] for part in self.basis]).reshape(-1, len(species))
        counts = count_elements(frames, species)
        for formula, index in {formula: i for i, formula in enumerate(frames.formulas)}.items():
            if not spans(basis, counts[index]):
                return f'{formula} is no sum of multiples of {self.describe_basis()}, of which both energies are known'
        return None

    def apply(self, frames: Frames) -> Frames:
        """Return frames with shifted energies; forces and stresses are not touched.

        :param frames: with energies of the method that is shifted.
        :raises FramesError: if there are no energies, or the shift of a composition is not known.
        """
        if frames.energies is None:
            raise FramesError('The frames have no energies that could be shifted.')
        unknown = self.explain_unknown(frames)
        if unknown is not None:
            raise FramesError(f'The shift of the energies is not known: {unknown}.')
        species = tuple(self.per_element)
        shifts = np.array([self.per_element[symbol] for symbol in species])
        return frames.replace(energies=frames.energies + count_elements(frames, species) @ shifts)

    def describe_basis(self) -> str:
        """Return the compositions for a reader, such as ``CLi2O3 and LiF``."""
        return ' and '.join(
            ''.join(f'{symbol}{number if number > 1 else ""}' for symbol, number in sorted(part.items()) if number)
            for part in self.basis
        )


def fit_energy_shift(reference: Frames, shifted: Frames) -> EnergyShift:
    """Find the shift of each element from frames whose energies two methods give.

    :param reference: with the energies that the others are brought to.
    :param shifted: the same configurations in the same order, with energies of the other method. Frames where one
        energy is unknown (NaN) are left out.
    :raises FramesError: if the configurations are not the same, or no frame has both energies.
    """
    if reference.hashes() != shifted.hashes():
        raise FramesError('The two sets do not hold the same configurations in the same order.')
    if reference.energies is None or shifted.energies is None:
        raise FramesError('One of the two sets has no energies.')
    differences = reference.energies - shifted.energies
    known = np.flatnonzero(np.isfinite(differences))
    if not known.size:
        raise FramesError('There is no frame whose energy is known by both methods.')
    frames = reference[known]
    species = tuple(sorted(frames.elements, key=atomic_numbers.__getitem__))
    counts = count_elements(frames, species)
    sizes = frames.sizes[:, None]
    values = differences[known] / frames.sizes
    basis = find_basis(counts)
    shifts = np.linalg.lstsq(counts / sizes, values, rcond=None)[0]
    return EnergyShift(
        per_element=dict(zip(species, map(float, shifts), strict=True)),
        basis=tuple({symbol: int(n) for symbol, n in zip(species, row, strict=True) if n} for row in basis),
        residual=float(np.sqrt(np.mean((values - counts / sizes @ shifts) ** 2))),
        n_frames=int(known.size),
    )
