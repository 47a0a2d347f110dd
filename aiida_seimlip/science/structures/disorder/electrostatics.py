"""Energies of point charges in a crystal, many arrangements at once (P. P. Ewald, Ann. Phys. 369, 253 (1921))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from aiida_seimlip.science.structures.supercells import StructureError, needs_structures


def coulomb_matrix(cell: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return G in eV/e², with which charges q on these sites have the energy qᵀ G q; shape (n_sites, n_sites).

    A cell that is not neutral has an even background. The sums are pymatgen's.

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param positions: in Å, all different; shape (n_sites, 3).
    """
    with needs_structures():
        from pymatgen.analysis.ewald import EwaldSummation
        from pymatgen.core.structure import Structure
    crystal = Structure(cell, ['Na+'] * len(positions), positions, coords_are_cartesian=True)
    summation: Any = EwaldSummation
    return np.asarray(summation(crystal).total_energy_matrix)


class ChargeEnergy:
    """Energy of point charges as a quadratic form of those on some of the sites, the others being fixed.

    :param matrix: as `coulomb_matrix`; shape (n_sites, n_sites).
    :param fixed: charges of the fixed sites, 0 on the others, in e; shape (n_sites,).
    :param places: indices of the sites that vary; shape (n,).
    :param charges: oxidation states by element.
    """

    def __init__(self, matrix: np.ndarray, fixed: np.ndarray, places: np.ndarray, charges: Mapping[str, float]) -> None:
        self.charges = np.zeros(len(chemical_symbols))
        for symbol, charge in charges.items():
            self.charges[atomic_numbers[symbol]] = charge
        self.quadratic = matrix[np.ix_(places, places)]
        self.linear = 2.0 * (matrix @ fixed)[places]
        self.constant = float(fixed @ matrix @ fixed)

    def of(self, states: np.ndarray) -> np.ndarray:
        """Return the energies of arrangements in eV; shape (n,).

        :param states: atomic numbers on the sites that vary, 0 where nothing is; shape (n, n_places).
        """
        q = self.charges[states]
        quadratic = np.einsum('ni,ij,nj->n', q, self.quadratic, q, optimize=True)
        return np.asarray(quadratic + q @ self.linear + self.constant)


def guess_charges(counts: Mapping[str, int]) -> dict[str, float]:
    """Return the oxidation states of elements that make a compound neutral, the most common ones where several do.

    :param counts: number of atoms of each element.
    :raises StructureError: if there are none; the message asks for them.
    """
    with needs_structures():
        from pymatgen.core.composition import Composition
    formula, _ = Composition(counts).get_integer_formula_and_factor()
    guesses = Composition(formula).oxi_state_guesses()
    if not guesses:
        raise StructureError(
            f'There are no common oxidation states that make {Composition(counts).reduced_formula} neutral: give them, '
            'such as `--oxidation-states Li=1,O=-2`.'
        )
    return {str(symbol): float(value) for symbol, value in guesses[0].items()}


def net_charge(counts: Mapping[str, int], charges: Mapping[str, float]) -> float:
    """Return the charge of a cell in elementary charges.

    :param counts: number of atoms of each element.
    :param charges: oxidation state of each.
    :raises StructureError: if one is missing.
    """
    missing = [symbol for symbol in counts if symbol not in charges]
    if missing:
        raise StructureError(f'The oxidation state of {", ".join(missing)} is not given.')
    return float(sum(count * charges[symbol] for symbol, count in counts.items()))
