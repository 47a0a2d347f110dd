"""Force constants of a crystal, and the phonons that follow from them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from aiida_seimlip.science.analysis.phonons.displacements import Displacements, PhononError, needs_phonons
from aiida_seimlip.science.analysis.phonons.imaginary import ImaginaryModes, find_imaginary
from aiida_seimlip.science.analysis.phonons.mesh import MESH_LENGTH, DensityOfStates, Mesh, mesh_numbers
from aiida_seimlip.science.analysis.phonons.path import (
    BandPath,
    BandSegment,
    BandStructure,
    find_path,
    path_distances,
)
from aiida_seimlip.science.analysis.phonons.thermal import ThermalProperties, sum_oscillators

if TYPE_CHECKING:
    from phonopy import Phonopy

PATH_POINTS = 51
"""Number of points on the longest line of a path, where none is given."""

TOLERANCE = 0.05
"""A mode counts as imaginary below minus this frequency in THz, where none is given."""


@dataclass(frozen=True, eq=False)
class Phonons:
    """Harmonic phonons of a crystal, by phonopy (A. Togo et al., J. Phys.: Condens. Matter 35, 353001 (2023)).

    Frequencies are in THz (not angular), imaginary ones negative, q points in fractional coordinates of the primitive
    cell. The splitting of longitudinal and transverse optical modes by the electric field at Γ is not in them.

    :param displacements: that they were found from.
    :param force_constants: second derivatives of the energy by the positions of an atom of the primitive cell and an
        atom of the supercell in eV/Å², after symmetrisation; shape (n_primitive, n_supercell, 3, 3).
    :param sum_rule_violation: before symmetrisation, the largest component in size of the force constants of an atom,
        summed over all other atoms and itself, in eV/Å²; zero for exact forces.
    """

    displacements: Displacements
    force_constants: np.ndarray
    sum_rule_violation: float

    @property
    def primitive(self) -> Atoms:
        """The primitive cell."""
        return self.displacements.primitive

    @property
    def n_branches(self) -> int:
        """Three for each atom of the primitive cell."""
        return 3 * len(self.primitive)

    def frequencies(self, q_points: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
        """Return the frequencies at any points in THz, in ascending order.

        :param q_points: in fractional coordinates; shape (n_points, 3).
        :return: shape (n_points, n_branches).
        """
        return self._phonopy.run_qpoints(np.asarray(q_points, dtype=float)).frequencies.copy()

    def mesh(self, mesh: float | Sequence[int] = MESH_LENGTH) -> Mesh:
        """Return the phonons at the points of a mesh, as many as symmetry leaves.

        :param mesh: numbers of points along the reciprocal vectors, or a length in Å (see `mesh_numbers`).
        """
        return self._run_mesh(mesh_numbers(self.primitive.cell.array, mesh))

    def band_structure(self, n_points: int = PATH_POINTS) -> BandStructure:
        """Return the phonons along the path through the points of high symmetry.

        :param n_points: on the longest segment; the others have them at about the same distances.
        """
        cell = self.primitive.cell.array
        segments: list[BandSegment] = []
        start = 0.0
        for labels, q_points in zip(self._path.lines, self._path.sample(cell, n_points), strict=True):
            distances = start + path_distances(q_points, cell)
            segments.append(BandSegment(labels, q_points, distances, self.frequencies(q_points)))
            start = distances[-1]
        return BandStructure(tuple(segments), self._path.points)

    def density_of_states(self, mesh: float | Sequence[int] = MESH_LENGTH, n_points: int = 201) -> DensityOfStates:
        """Return the density of the phonons in frequency, by the linear tetrahedron method.

        :param mesh: numbers of points along the reciprocal vectors, or a length in Å.
        :param n_points: number of frequencies, evenly from below the lowest to above the highest mode.
        :raises PhononError: if there are fewer than two.
        """
        if n_points < 2:
            raise PhononError(f'A density of states with {n_points} frequencies has no range.')
        frequencies = self.mesh(mesh).frequencies
        margin = 0.02 * float(np.ptp(frequencies)) + 0.1
        lowest, highest = float(frequencies.min()) - margin, float(frequencies.max()) + margin
        pitch = (highest - lowest) / (n_points - 1)
        dos = self._phonopy.run_total_dos(freq_min=lowest, freq_max=highest, freq_pitch=pitch)
        return DensityOfStates(np.array(dos.frequency_points), np.array(dos.dos))

    def imaginary_modes(
        self, mesh: float | Sequence[int] = MESH_LENGTH, *, tolerance: float = TOLERANCE, n_points: int = PATH_POINTS
    ) -> list[ImaginaryModes]:
        """Find where on a mesh and on the path the crystal is unstable.

        :param mesh: numbers of points along the reciprocal vectors, or a length in Å.
        :param tolerance: a mode is imaginary below minus this frequency in THz. The acoustic modes at Γ, the three
            whose frequencies are smallest in size, are not imaginary.
        :param n_points: on the longest segment of the path.
        :return: one for each point with imaginary modes, points that symmetry makes equivalent once; the most unstable
            first.
        :raises PhononError: if the tolerance is negative.
        """
        if not tolerance >= 0.0:
            raise PhononError(f'The tolerance {tolerance} THz is negative.')
        on_mesh, on_path = self.mesh(mesh), self.band_structure(n_points)
        special = np.array(list(on_path.points.values()))
        rotations = np.array(self._phonopy.primitive_symmetry.reciprocal_operations)
        return find_imaginary(
            np.concatenate([special, on_mesh.q_points, on_path.q_points]),
            np.concatenate([self.frequencies(special), on_mesh.frequencies, on_path.frequencies]),
            on_path.points,
            np.concatenate([rotations, -rotations]),
            tolerance,
        )

    def thermal_properties(
        self, temperatures: Sequence[float] | np.ndarray, mesh: float | Sequence[int] = MESH_LENGTH
    ) -> ThermalProperties:
        """Return free energy, entropy and heat capacity of the vibrations per atom, and what is left out of them.

        :param temperatures: in K; shape (n,).
        :param mesh: numbers of points along the reciprocal vectors, or a length in Å.
        :raises PhononError: if a temperature is negative or not a number.
        """
        return sum_oscillators(self.mesh(mesh), temperatures)

    @cached_property
    def _phonopy(self) -> Phonopy:
        """Phonopy's object with these force constants."""
        phonopy = self.displacements.build_phonopy()
        phonopy.force_constants = self.force_constants
        return phonopy

    @cached_property
    def _path(self) -> BandPath:
        return find_path(self.primitive, self.displacements.symprec)

    def _run_mesh(self, numbers: tuple[int, int, int], *, reduce: bool = True) -> Mesh:
        """Return the phonons on a mesh around Γ; where symmetry does not keep the mesh, only q and −q are one point.

        :param numbers: of points along the three reciprocal vectors.
        :param reduce: leave out points that the symmetry of the crystal makes equivalent to others.
        """
        with needs_phonons():
            from phonopy.phonon.mesh import MeshSymmetryFallbackWarning

        with warnings.catch_warnings():
            warnings.simplefilter('ignore', MeshSymmetryFallbackWarning)
            mesh = self._phonopy.run_mesh(list(numbers), is_gamma_center=True, is_mesh_symmetry=reduce)
        return Mesh(numbers, np.array(mesh.qpoints), np.array(mesh.weights), np.array(mesh.frequencies))


def force_constants(
    displacements: Displacements,
    forces: np.ndarray | Sequence[np.ndarray],
    *,
    residual: np.ndarray | None = None,
) -> Phonons:
    """Find the force constants of a crystal from the forces in its displaced supercells.

    They are symmetrised: the sum rule of translation and the exchange of two atoms hold for them up to rounding.

    :param displacements: with the displaced supercells.
    :param forces: in each displaced supercell in eV/Å, in their order; shape (n_displacements, n_atoms, 3).
    :param residual: forces in the supercell without displacements in eV/Å, which are subtracted; shape (n_atoms, 3).
        Nothing is subtracted without.
    :raises PhononError: if forces are missing, too many, or not numbers.
    """
    shape = (len(displacements), len(displacements.supercell), 3)
    values = _checked(forces, shape, 'forces')
    if residual is not None:
        values = values - _checked(residual, shape[1:], 'residual forces')
    phonopy = displacements.build_phonopy()
    phonopy.forces = values
    phonopy.produce_force_constants(show_drift=False)
    full = np.array(phonopy.force_constants)
    violation = max(float(np.abs(full.sum(axis=axis)).max()) for axis in (0, 1))
    phonopy.symmetrize_force_constants(show_drift=False)
    symmetric = np.array(phonopy.force_constants)[phonopy.primitive.p2s_map]
    return Phonons(displacements, symmetric, violation)


def rms_frequency_difference(a: Phonons, b: Phonons, mesh: float | Sequence[int] = MESH_LENGTH) -> float:
    """Return the root mean square difference of the frequencies of a crystal at two models, in THz.

    The mean is over all branches, sorted by frequency, and all points of a mesh, at equal fractional coordinates; the
    cells may differ. Imaginary frequencies count as negative numbers.

    :param a: phonons at one model.
    :param b: phonons of the same crystal at another.
    :param mesh: numbers of points along the reciprocal vectors, or a length in Å, for which the cell of the first is
        taken.
    :raises PhononError: if the atoms are not the same in the same order, or the primitive cells have other vectors.
    """
    first, second = a.displacements, b.displacements
    if not np.array_equal(first.atoms.numbers, second.atoms.numbers):
        raise PhononError('The phonons are of two crystals: their atoms are not the same in the same order.')
    if not np.allclose(first.primitive_matrix, second.primitive_matrix, atol=1e-6):
        raise PhononError('The phonons are in two primitive cells: give one `primitive_matrix` for both.')
    numbers = mesh_numbers(a.primitive.cell.array, mesh)
    with_a, with_b = a._run_mesh(numbers, reduce=False), b._run_mesh(numbers, reduce=False)
    if not np.allclose(with_a.q_points, with_b.q_points):
        raise PhononError('The phonons are not at the same points of the Brillouin zone.')
    differences = np.mean((with_a.frequencies - with_b.frequencies) ** 2, axis=1)
    return float(np.sqrt(np.average(differences, weights=with_a.weights)))


def _checked(values: np.ndarray | Sequence[np.ndarray], shape: tuple[int, ...], name: str) -> np.ndarray:
    """Return values as an array.

    :raises PhononError: if they do not have the shape, or some are not finite.
    """
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError) as exception:
        raise PhononError(f'The {name} are not an array of the shape {shape}.') from exception
    if array.shape != shape:
        raise PhononError(f'The {name} have the shape {array.shape}, not {shape}.')
    if not np.all(np.isfinite(array)):
        raise PhononError(f'Some of the {name} are not finite.')
    return array
