"""Stiffness of a crystal: strained cells, the tensor from their stresses, and what follows from it.

Strain is Lagrangian, E = (FᵀF − 1)/2 with the deformation F, in Voigt order xx, yy, zz, yz, xz, xy with engineering
shears (2 E_yz and so on). Stresses come in as Cauchy stresses, in eV/Å³ in ASE's Voigt order and sign (positive is
tension). The stiffness is the second derivative of the energy with respect to E, per volume of the unstrained cell
(K. Brugger, Phys. Rev. 133, A1611 (1964)): symmetric whatever stress is left in the unstrained cell, and without that
stress the derivative of the Cauchy stress too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np
from ase import Atoms

from aiida_seimlip.science.structures.symmetry import SYMPREC, Symmetry
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA, tensor_to_voigt, voigt_to_tensor

ROWS, COLUMNS = np.triu_indices(6)
"""Row and column of the 21 independent constants, in the order C11, C12, ..., C16, C22, ..., C66."""

_ENGINEERING = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
_EXPAND = np.zeros((36, 21))  # from the 21 constants to the matrix
_EXPAND[6 * ROWS + COLUMNS, range(21)] = _EXPAND[6 * COLUMNS + ROWS, range(21)] = 1.0
_CONTRACT = np.linalg.pinv(_EXPAND)  # from the matrix to the 21 constants, as means of C_ij and C_ji
_STEP = 1e-30  # of complex derivatives, which have no error of cancellation


@dataclass(frozen=True)
class Moduli:
    """What a polycrystal of randomly oriented grains is like, or the standard errors of these numbers.

    The means are those of Voigt (equal strain, upper bounds), Reuss (equal stress, lower bounds) and Hill (between)
    after R. Hill, Proc. Phys. Soc. A 65, 349 (1952). They have a meaning only if the crystal is stable.

    :param bulk_voigt: in GPa, as all moduli.
    :param young: Young's modulus of Hill's means.
    :param poisson: Poisson's ratio of Hill's means.
    :param anisotropy: universal index 5 G_V/G_R + K_V/K_R − 6, zero for an isotropic crystal (S. I. Ranganathan and
        M. Ostoja-Starzewski, Phys. Rev. Lett. 101, 055504 (2008)).
    """

    bulk_voigt: float
    bulk_reuss: float
    bulk_hill: float
    shear_voigt: float
    shear_reuss: float
    shear_hill: float
    young: float
    poisson: float
    anisotropy: float


@dataclass(frozen=True, eq=False)
class Stiffness:
    """The stiffness tensor of a crystal in GPa, and how well it is known; nan where it is not known.

    :param matrix: symmetric, in Voigt order xx, yy, zz, yz, xz, xy; shape (6, 6).
    :param covariance: of the errors of the 21 constants, in the order of `ROWS` and `COLUMNS`, in GPa²; shape (21, 21).
    :param residual: root mean square of what the fit leaves of the stresses, in GPa.
    :param asymmetry: largest difference of C_ij and C_ji before their mean was taken, in GPa.
    :param stress: of the unstrained cell, from the fit, in GPa; shape (6,).
    :param n_spare: number of strain states above the number of coefficients that were fitted to each stress component.
    :param symmetry_violation: largest change of a constant by `symmetrise` in GPa; None where that was not called.
    """

    matrix: np.ndarray
    covariance: np.ndarray
    residual: float
    asymmetry: float
    stress: np.ndarray
    n_spare: int
    symmetry_violation: float | None = None

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of the constants in GPa; shape (6, 6)."""
        return (_EXPAND @ np.sqrt(np.diag(self.covariance).clip(min=0.0))).reshape(6, 6)

    @property
    def compliance(self) -> np.ndarray:
        """Inverse of the stiffness in 1/GPa, in Voigt order for engineering shears; shape (6, 6).

        :raises numpy.linalg.LinAlgError: if the stiffness has no inverse.
        """
        return np.linalg.inv(self.matrix)

    @property
    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues of the matrix in GPa, ascending; shape (6,). Only their signs are the same in all axes."""
        return np.linalg.eigvalsh(self.matrix)

    @property
    def is_stable(self) -> bool:
        """Whether every small strain costs energy, Born's criterion: all eigenvalues are positive.

        It holds for a crystal without stress (F. Mouhat and F.-X. Coudert, Phys. Rev. B 90, 224104 (2014)).
        """
        return bool(np.all(self.eigenvalues > 0.0))

    @property
    def moduli(self) -> Moduli:
        """Averages over all orientations.

        :raises numpy.linalg.LinAlgError: if the stiffness has no inverse.
        """
        return Moduli(*_moduli(self.matrix).tolist())

    @property
    def moduli_errors(self) -> Moduli:
        """Standard errors of the averages, to first order in those of the constants.

        :raises numpy.linalg.LinAlgError: if the stiffness has no inverse.
        """
        steps = 1j * _STEP * _EXPAND.T.reshape(21, 6, 6)
        slopes = _moduli(self.matrix + steps).imag / _STEP
        variances = np.einsum('pm,pq,qm->m', slopes, self.covariance, slopes)
        return Moduli(*np.sqrt(variances.clip(min=0.0)).tolist())


def strain_states(magnitudes: Sequence[float]) -> np.ndarray:
    """Return the strains from which a stiffness is found: one component each, of both signs.

    Two magnitudes or more let `fit_stiffness` tell curvature from noise.

    :param magnitudes: sizes of the strain, different and positive; engineering shears.
    :return: ordered by component, then magnitude as given, then sign, positive first; the unstrained state is not among
        them; shape (12 n_magnitudes, 6).
    :raises ValueError: if there is no magnitude, or one is not positive or given twice.
    """
    sizes = np.asarray(magnitudes, dtype=float)
    if sizes.ndim != 1 or not sizes.size or not np.all((sizes > 0.0) & np.isfinite(sizes)):
        raise ValueError(f'Magnitudes of strain must be positive numbers, at least one, not {magnitudes}.')
    if np.unique(sizes).size < sizes.size:
        raise ValueError(f'Among the magnitudes of strain {magnitudes} one is given twice.')
    signed = np.column_stack([sizes, -sizes]).ravel()
    return np.einsum('ij,s->isj', np.eye(6), signed).reshape(-1, 6)


def strained(cell: np.ndarray, strain: np.ndarray) -> np.ndarray:
    """Return a strained cell; atoms keep their fractional coordinates where they are clamped.

    The deformation is the stretch without rotation that has exactly this Lagrangian strain, F = (1 + 2E)^½. To first
    order it is 1 + E.

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param strain: Lagrangian, Voigt order, engineering shears; shape (6,).
    :raises ValueError: if no deformation has this strain.
    """
    return np.asarray(cell) @ _stretches(np.asarray(strain, dtype=float))


def fit_stiffness(strains: np.ndarray, stresses: np.ndarray) -> Stiffness:
    """Find the stiffness from the stresses in strained cells, by least squares.

    Cauchy stresses σ are turned into the second Piola-Kirchhoff stresses S = det(F) F⁻¹ σ F⁻ᵀ, the derivatives of the
    energy with respect to the Lagrangian strain (D. C. Wallace, Thermodynamics of Crystals, Wiley 1972). To each
    component S_i = S⁰_i + Σ_j C_ij e_j + Σ_j Q_ij e_j² is fitted, with the stress S⁰ of the unstrained cell; then the
    mean of C_ij and C_ji is taken. The terms e_j² are there for the components of strain that occur with two magnitudes
    or more, if the states determine them all and leave one to spare. Without them, states of both signs still give
    the C_ij free of curvature, but S⁰ holds some of it, and the residual and the errors are larger than noise makes
    them. Terms in e_j³ and mixed ones are not fitted: keep the strains small.

    Errors come from the covariance of the residuals of the six components, under the assumption that those of
    different states are independent. Without a state to spare they are nan, as is the residual.

    :param strains: as `strained` took them, Lagrangian, engineering shears; shape (n_states, 6).
    :param stresses: Cauchy stresses in eV/Å³, ASE's Voigt order and sign; shape (n_states, 6).
    :raises ValueError: if shapes differ, a number is not finite, or the strains do not determine all constants.
    """
    strains, stresses = np.asarray(strains, dtype=float), np.asarray(stresses, dtype=float)
    if strains.ndim != 2 or strains.shape[1] != 6 or strains.shape != stresses.shape:
        raise ValueError(f'Strains {strains.shape} and stresses {stresses.shape} are not both of shape (n_states, 6).')
    if not (np.all(np.isfinite(strains)) and np.all(np.isfinite(stresses))):
        raise ValueError('A strain or a stress is not a finite number.')
    design = _design(strains)
    conjugate = _second_piola_kirchhoff(strains, stresses) * EV_PER_A3_TO_GPA
    scale = np.abs(design).max(axis=0)
    inverse = np.linalg.pinv(design / scale) / scale[:, np.newaxis]
    coefficients = inverse @ conjugate
    rest = conjugate - design @ coefficients
    n_spare = design.shape[0] - design.shape[1]
    slopes = coefficients[1:7].T
    noise = rest.T @ rest / n_spare if n_spare else np.full((6, 6), nan)
    covariance = np.kron(noise, inverse[1:7] @ inverse[1:7].T)
    return Stiffness(
        matrix=(slopes + slopes.T) / 2.0,
        covariance=_CONTRACT @ covariance @ _CONTRACT.T,
        residual=float(np.sqrt(np.mean(rest**2))) if n_spare else nan,
        asymmetry=float(np.abs(slopes - slopes.T).max()),
        stress=coefficients[0],
        n_spare=n_spare,
    )


def symmetrise(stiffness: Stiffness, rotations_cartesian: np.ndarray) -> Stiffness:
    """Return the mean of a stiffness over the point group of the crystal, and its errors.

    :param stiffness: in the axes of the rotations.
    :param rotations_cartesian: all operations of the point group, orthogonal; an operation may occur more than once, if
        all do as often; shape (n_operations, 3, 3).
    :return: with `symmetry_violation`; the stress, the residual and the asymmetry are those of the fit.
    :raises ValueError: if the rotations are not orthogonal or not a group.
    """
    rotations = np.asarray(rotations_cartesian, dtype=float)
    if not np.allclose(rotations @ np.swapaxes(rotations, -1, -2), np.eye(3), atol=1e-6):
        raise ValueError('A rotation is not orthogonal.')
    bonds = _bond_matrices(rotations)
    mean = np.einsum('gij,gkl->ikjl', bonds, bonds).reshape(36, 36) / len(bonds)
    if not np.allclose(mean @ mean, mean, atol=1e-6):
        raise ValueError('The rotations are not a group.')
    projection = _CONTRACT @ mean @ _EXPAND
    matrix = (_EXPAND @ projection @ _CONTRACT @ stiffness.matrix.ravel()).reshape(6, 6)
    return replace(
        stiffness,
        matrix=matrix,
        covariance=projection @ stiffness.covariance @ projection.T,
        symmetry_violation=float(np.abs(matrix - stiffness.matrix).max()),
    )


def cartesian_rotations(atoms: Atoms, symprec: float = SYMPREC) -> np.ndarray:
    """Return the point group of a crystal, r → R r on Cartesian vectors, by spglib; shape (n_operations, 3, 3).

    :param atoms: the crystal; in a cell that is not primitive every operation occurs once per primitive cell.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :raises StructureError: if it is no crystal, or its symmetry depends on how closely one looks.
    """
    symmetry = Symmetry.of(atoms, symprec)
    columns = symmetry.cell.T
    return columns @ symmetry.rotations @ np.linalg.inv(columns)


def _stretches(strains: np.ndarray) -> np.ndarray:
    """Return the symmetric deformations with given Lagrangian strains, (1 + 2E)^½; shape (..., 3, 3)."""
    squares, axes = np.linalg.eigh(np.eye(3) + 2.0 * voigt_to_tensor(strains / _ENGINEERING))
    if np.any(squares <= 0.0):
        raise ValueError('A strain is beyond what any deformation can have.')
    return (axes * np.sqrt(squares)[..., np.newaxis, :]) @ np.swapaxes(axes, -1, -2)


def _second_piola_kirchhoff(strains: np.ndarray, stresses: np.ndarray) -> np.ndarray:
    """Return det(F) F⁻¹ σ F⁻ᵀ in Voigt order; shape (n_states, 6)."""
    stretches = _stretches(strains)
    inverse = np.linalg.inv(stretches)
    volumes = np.linalg.det(stretches)[:, np.newaxis]
    return volumes * tensor_to_voigt(inverse @ voigt_to_tensor(stresses) @ inverse)


def _design(strains: np.ndarray) -> np.ndarray:
    """Return the terms that are fitted: 1, e_j, and e_j² where the states determine it; shape (n_states, n_terms)."""
    linear = np.column_stack([np.ones(len(strains)), strains])
    if not _is_of_full_rank(linear):
        raise ValueError(
            f'The {len(strains)} strains leave one of the six components, or the stress of the unstrained cell, open.'
        )
    sizes = np.abs(strains)
    curved = [j for j in range(6) if np.ptp(sizes[sizes[:, j] > 0.0, j]) > 1e-6 * sizes[:, j].max()]
    full = np.column_stack([linear, strains[:, curved] ** 2])
    return full if len(full) > full.shape[1] and _is_of_full_rank(full) else linear


def _is_of_full_rank(design: np.ndarray) -> bool:
    """Return whether the columns of a matrix are independent, whatever their units."""
    scale = np.abs(design).max(axis=0, initial=0.0)
    return bool(np.all(scale > 0.0)) and np.linalg.matrix_rank(design / scale, tol=1e-6) == design.shape[1]


def _bond_matrices(rotations: np.ndarray) -> np.ndarray:
    """Return M that rotate stresses in Voigt order, and stiffnesses by M C Mᵀ; shape (n_operations, 6, 6).

    After W. L. Bond, Bell Syst. Tech. J. 22, 1 (1943).
    """
    turned = np.einsum('gij,vjk,glk->gvil', rotations, voigt_to_tensor(np.eye(6)), rotations)
    return np.swapaxes(tensor_to_voigt(turned), -1, -2)


def _moduli(matrix: np.ndarray) -> np.ndarray:
    """Return the numbers of `Moduli` for stiffnesses in GPa, which may be complex; shape (..., 9)."""
    normal, mixed, shear = _sums(matrix)
    soft_normal, soft_mixed, soft_shear = _sums(np.linalg.inv(matrix))
    K_voigt, G_voigt = (normal + 2.0 * mixed) / 9.0, (normal - mixed + 3.0 * shear) / 15.0
    K_reuss = 1.0 / (soft_normal + 2.0 * soft_mixed)
    G_reuss = 15.0 / (4.0 * (soft_normal - soft_mixed) + 3.0 * soft_shear)
    K, G = (K_voigt + K_reuss) / 2.0, (G_voigt + G_reuss) / 2.0
    young, poisson = 9.0 * K * G / (3.0 * K + G), (3.0 * K - 2.0 * G) / (2.0 * (3.0 * K + G))
    anisotropy = 5.0 * G_voigt / G_reuss + K_voigt / K_reuss - 6.0
    return np.stack([K_voigt, K_reuss, K, G_voigt, G_reuss, G, young, poisson, anisotropy], axis=-1)


def _sums(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 11 + 22 + 33, 12 + 23 + 13 and 44 + 55 + 66; shape (...) each."""
    diagonal = np.diagonal(matrix, axis1=-2, axis2=-1)
    mixed = matrix[..., 0, 1] + matrix[..., 1, 2] + matrix[..., 0, 2]
    return diagonal[..., :3].sum(axis=-1), mixed, diagonal[..., 3:].sum(axis=-1)
