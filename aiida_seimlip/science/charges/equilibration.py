"""Charge equilibration: charges that minimise an electrostatic energy, with the full Coulomb sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from scipy import linalg

from aiida_seimlip.science.charges.coulomb import interaction_matrix
from aiida_seimlip.science.charges.parameters import REAXFF_LI_C_O, QeqError, QeqParameters
from aiida_seimlip.science.frames import Frames

FIXED = 'do not respond to the field'
"""What is to be said of charges that are found once, without a field, and kept."""

LEAST_EIGENVALUE_EV = 0.1
"""A hardness matrix with a lower eigenvalue is refused: in eV, where those of usable parameters are above 1 eV."""

MOST_ATOMS = 5000
"""Structures of more atoms are refused: the matrices take 8 N² bytes each, of which some three exist at once."""


@dataclass(frozen=True, eq=False)
class QeqCharges:
    """Charges of the atoms of frames by charge equilibration.

    :param symbols: chemical symbols of the atoms.
    :param charges_e: in e; shape (n_frames, n_atoms).
    :param lowest_eigenvalues_ev: of the hardness matrix among changes of the charges that keep their sum, in eV: how
        firmly the charges are determined; shape (n_frames,).
    :param chemical_potentials_ev: derivative of the energy by the charge, the same for all atoms, in eV; shape
        (n_frames,).
    :param parameters: that the charges were found with.
    :param total_charge_e: of the cell in e.
    :param is_slab: whether the electrostatics were those of a slab in vacuum.
    """

    symbols: tuple[str, ...]
    charges_e: np.ndarray
    lowest_eigenvalues_ev: np.ndarray
    chemical_potentials_ev: np.ndarray
    parameters: QeqParameters
    total_charge_e: float = 0.0
    is_slab: bool = False
    label: str = FIXED

    @property
    def means_e(self) -> np.ndarray:
        """Mean charge of each atom over the frames in e; shape (n_atoms,)."""
        return np.asarray(self.charges_e.mean(axis=0))


def find_qeq_charges(
    frames: Frames | Atoms | Sequence[Atoms],
    parameters: QeqParameters = REAXFF_LI_C_O,
    *,
    total_charge_e: float = 0.0,
    is_slab: bool = False,
    least_eigenvalue_ev: float = LEAST_EIGENVALUE_EV,
    most_atoms: int = MOST_ATOMS,
) -> QeqCharges:
    """Find the charges that minimise Σ_i χ_i q_i + ½ Σ_ij H_ij q_i q_j, their sum being fixed.

    A. K. Rappé and W. A. Goddard III, J. Phys. Chem. 95, 3358 (1991). H holds the hardnesses η_i and the interactions
    of all atoms with all others and all periodic images (`interaction_matrix`), without a cutoff: with one, a metal is
    not screened, and salts lose charge to it. The charges do not respond to a field, nor to what happens later.

    :param frames: configurations of the same atoms, periodic along all cell vectors or along none.
    :param parameters: of all elements that occur.
    :param total_charge_e: sum of the charges in e.
    :param is_slab: whether to treat the cell as a slab in vacuum along its third vector.
    :param least_eigenvalue_ev: lowest eigenvalue of H that is accepted, in eV.
    :param most_atoms: largest number of atoms.
    :raises QeqError: if the frames hold different atoms, too many, or some at the same place; an element has no
        parameters; the cell cannot be treated; or H is not safely positive.
    """
    frames = as_frames(frames)
    symbols = _common_symbols(frames, most_atoms)
    found = [
        _minimise(
            frames[index],
            index,
            parameters,
            total=total_charge_e,
            is_slab=is_slab,
            least_eigenvalue=least_eigenvalue_ev,
        )
        for index in range(len(frames))
    ]
    charges, eigenvalues, potentials = zip(*found, strict=True)
    return QeqCharges(
        symbols=symbols, charges_e=np.array(charges), lowest_eigenvalues_ev=np.array(eigenvalues),
        chemical_potentials_ev=np.array(potentials), parameters=parameters, total_charge_e=float(total_charge_e),
        is_slab=is_slab,
    )  # fmt: skip


def as_frames(frames: Frames | Atoms | Sequence[Atoms]) -> Frames:
    """Return configurations as `Frames`."""
    if isinstance(frames, Frames):
        return frames
    return Frames.from_atoms([frames] if isinstance(frames, Atoms) else frames)


def hardness_matrix(
    atoms: Atoms, parameters: QeqParameters = REAXFF_LI_C_O, *, is_slab: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the electronegativities χ in eV and the hardness matrix H in eV/e².

    :param atoms: periodic along all cell vectors or along none.
    :param parameters: of all elements that occur.
    :param is_slab: whether to treat the cell as a slab in vacuum along its third vector.
    :return: shapes (n_atoms,) and (n_atoms, n_atoms).
    :raises QeqError: as `find_qeq_charges`.
    """
    chi, eta, gamma = parameters.of(list(atoms.symbols))
    matrix = interaction_matrix(
        atoms.cell.array, atoms.positions, gamma, kernel=parameters.kernel, pbc=atoms.pbc, is_slab=is_slab
    )
    matrix[np.diag_indices(len(atoms))] += eta
    return chi, matrix


def lowest_eigenvalue(matrix: np.ndarray) -> float:
    """Return the lowest eigenvalue of a symmetric matrix among vectors whose elements add up to 0; nan for one atom.

    :param matrix: shape (n, n).
    """
    size = len(matrix)
    if size < 2:
        return float('nan')
    means = matrix.mean(axis=0)
    # the even vector, which the projection makes an eigenvector of 0, is lifted above all others
    lift = float(np.abs(matrix).sum(axis=1).max()) / size
    projected = matrix - means[None, :] - means[:, None] + (means.mean() + lift)
    return float(linalg.eigvalsh(projected, subset_by_index=[0, 0])[0])


def _minimise(
    frame: Frames, index: int, parameters: QeqParameters, *, total: float, is_slab: bool, least_eigenvalue: float
) -> tuple[np.ndarray, float, float]:
    """Return charges, lowest eigenvalue and chemical potential of a frame."""
    (atoms,) = frame.to_atoms()
    chi, hardness = hardness_matrix(atoms, parameters, is_slab=is_slab)
    lowest = lowest_eigenvalue(hardness)
    if lowest < least_eigenvalue:
        state = 'indefinite' if lowest <= 0.0 else 'nearly singular'
        raise QeqError(
            f'The hardness matrix of frame {index} is {state}: its lowest eigenvalue is {lowest:.3f} eV, of which at '
            f'least {least_eigenvalue:g} eV are needed for charges that mean something. The parameters do not suit '
            'this structure.'
        )
    size = len(atoms)
    bordered = np.zeros((size + 1, size + 1))
    bordered[:size, :size] = hardness
    bordered[size, :size] = bordered[:size, size] = 1.0
    solution = linalg.solve(bordered, np.append(-chi, total), assume_a='sym')
    return solution[:size], lowest, -float(solution[size])


def _common_symbols(frames: Frames, most_atoms: int) -> tuple[str, ...]:
    if not len(frames):
        raise QeqError('There are no frames to find charges in.')
    size = int(frames.sizes[0])
    if size > most_atoms:
        raise QeqError(f'There are {size} atoms, and {most_atoms} at most are treated: memory grows as the square.')
    different = np.flatnonzero(frames.sizes != size)
    if not different.size:
        different = np.flatnonzero(np.any(frames.numbers.reshape(-1, size) != frames.numbers[:size], axis=1))
    if different.size:
        raise QeqError(f'Frame {different[0]} does not hold the atoms of the first one in their order.')
    return tuple(chemical_symbols[number] for number in frames.numbers[:size])
