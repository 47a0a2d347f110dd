"""The moment tensor potential as a data structure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from aiida_seimlip.science.frames import Frames


@dataclass(frozen=True, eq=False)
class ActiveSet:
    """What MLIP-3 stores behind ``#MVS_v1.1``: the active set of the D-optimality criterion.

    The grade of an equation with coefficients b is γ = max_k abs(Σ_j inverse[k, j] b_j).

    :param matrix: matrix A as stored; shape (n_parameters, n_parameters).
    :param inverse: its inverse as stored; shape (n_parameters, n_parameters).
    :param origins: configuration and equation of each row, -1 where unfilled; shape (n_parameters, 2).
    :param frames: the active configurations, in full precision.
    :param weights: ``energy_weight``, ``force_weight``, ``stress_weight``, ``site_en_weight``, ``weight_scaling``.
    :param features: features of the active configurations, as a cfg file names them; empty if there are none.
    """

    matrix: np.ndarray
    inverse: np.ndarray
    origins: np.ndarray
    frames: Frames
    weights: dict[str, float] = field(default_factory=dict)
    features: tuple[dict[str, str], ...] = ()

    @property
    def mode(self) -> str:
        """Selection mode: ``nbh`` (by neighbourhoods) or ``cfg`` (by configurations)."""
        return 'nbh' if self.weights.get('site_en_weight', 0.0) else 'cfg'


@dataclass(frozen=True, eq=False)
class MomentTensorPotential:
    """A moment tensor potential in MLIP-3's own terms.

    The energy of atom i is E_i = species_coeffs[z_i] + Σ_α moment_coeffs[α] B_α, where the scalar moments B_α are
    contractions of basic moments M_b = Σ_j f_μ(r_ij) x^a y^b z^c / r^(a+b+c), and the radial functions are
    f_μ(r) = scaling · Σ_q radial_coeffs[z_i, z_j, μ, q] T_q(x(r)) (max_dist - r)², with Chebyshev polynomials T_q of
    x = (2 r - min_dist - max_dist) / (max_dist - min_dist).

    A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016); I. S. Novikov et al., Mach. Learn.: Sci. Technol. 2,
    025002 (2021).

    :param species: chemical symbols in type order.
    :param alpha_index_basic: rows (μ, a, b, c) of the basic moments; shape (n_basic, 4).
    :param alpha_index_times: rows (i, j, multiplicity, k): moment k += multiplicity · moment i · moment j.
    :param alpha_moment_mapping: moments that enter the energy; shape (n_scalar,).
    :param radial_coeffs: shape (S, S, radial_funcs_count, radial_basis_size), or None if untrained.
    :param species_coeffs: in eV; shape (S,), or None if untrained.
    :param moment_coeffs: in eV; shape (n_scalar,), or None if untrained.
    :param active_set: for extrapolation grades, or None.
    """

    species: tuple[str, ...]
    min_dist: float
    max_dist: float
    radial_basis_size: int
    radial_funcs_count: int
    alpha_moments_count: int
    alpha_index_basic: np.ndarray
    alpha_index_times: np.ndarray
    alpha_moment_mapping: np.ndarray
    scaling: float = 1.0
    radial_coeffs: np.ndarray | None = None
    species_coeffs: np.ndarray | None = None
    moment_coeffs: np.ndarray | None = None
    active_set: ActiveSet | None = None
    potential_name: str = 'MTP1m'
    potential_tag: str = ''
    radial_basis_type: str = 'RBChebyshev'
    version: str = '1.1.0'

    @property
    def n_species(self) -> int:
        """Number of species."""
        return len(self.species)

    @property
    def n_moments(self) -> int:
        """Number of scalar moments in the energy."""
        return len(self.alpha_moment_mapping)

    @property
    def n_parameters(self) -> int:
        """Number of parameters: radial, species and moment coefficients."""
        radial = self.n_species**2 * self.radial_funcs_count * self.radial_basis_size
        return radial + self.n_species + self.n_moments

    @property
    def is_trained(self) -> bool:
        """Whether all coefficients are known."""
        return self.radial_coeffs is not None and self.species_coeffs is not None and self.moment_coeffs is not None

    @property
    def level(self) -> int:
        """Level of the potential: the highest 2 + 4μ + ν among the basic moments that stand alone in the energy."""
        levels = 2 + 4 * self.alpha_index_basic[:, 0] + self.alpha_index_basic[:, 1:].sum(axis=1)
        return int(self._moment_levels(levels)[self.alpha_moment_mapping].max())

    def _moment_levels(self, basic: np.ndarray) -> np.ndarray:
        levels = np.zeros(self.alpha_moments_count, dtype=int)
        levels[: len(basic)] = basic
        for one, two, _, product in self.alpha_index_times:
            levels[product] = levels[one] + levels[two]
        return levels

    @property
    def parameters(self) -> np.ndarray:
        """All parameters in MLIP-3's order: radial, species, moments; shape (n_parameters,)."""
        if self.radial_coeffs is None or self.species_coeffs is None or self.moment_coeffs is None:
            raise ValueError('The potential is not trained: it has no coefficients.')
        return np.concatenate([self.radial_coeffs.ravel(), self.species_coeffs, self.moment_coeffs])

    def with_parameters(self, parameters: np.ndarray) -> MomentTensorPotential:
        """Return a copy with other parameters and without an active set, which belongs to the old ones.

        :param parameters: in MLIP-3's order: radial, species, moments; shape (n_parameters,).
        :raises ValueError: if their number is wrong.
        """
        if np.shape(parameters) != (self.n_parameters,):
            raise ValueError(f'`parameters` has shape {np.shape(parameters)}, expected ({self.n_parameters},).')
        shape = (self.n_species, self.n_species, self.radial_funcs_count, self.radial_basis_size)
        radial, species, moments = np.split(parameters, [np.prod(shape), np.prod(shape) + self.n_species])
        return dataclasses.replace(
            self, radial_coeffs=radial.reshape(shape).copy(), species_coeffs=species.copy(),
            moment_coeffs=moments.copy(), active_set=None,
        )  # fmt: skip

    def with_constants_raised(self, energies: Mapping[str, float]) -> MomentTensorPotential:
        """Return a copy whose constants of the elements are higher, and whose interactions are the same.

        :param energies: by how much in eV, for each of the species.
        :raises ValueError: if the potential is not trained.
        """
        if self.species_coeffs is None:
            raise ValueError('The potential is not trained: it has no coefficients.')
        raised = self.species_coeffs + np.array([energies[symbol] for symbol in self.species])
        return self.replace(species_coeffs=raised)

    def with_types(self, species: Sequence[str]) -> MomentTensorPotential:
        """Return the same potential for another list of types, in which an element may have several.

        Pair styles of LAMMPS map types to species by their position, so that a second type of an element, such as
        lithium of a metal, needs a species of its own in the file. It has the coefficients of the first one. The active
        set, which does not know it, is left out.

        :param species: chemical symbols in type order, of which each is a species of this potential.
        :raises ValueError: if it is not trained, or a symbol is not one of its species.
        """
        if self.radial_coeffs is None or self.species_coeffs is None:
            raise ValueError('The potential is not trained: it has no coefficients.')
        lacking = [symbol for symbol in species if symbol not in self.species]
        if lacking:
            raise ValueError(f'{lacking[0]} is not one of the species {list(self.species)} of the potential.')
        index = [self.species.index(symbol) for symbol in species]
        return dataclasses.replace(
            self, species=tuple(species), radial_coeffs=self.radial_coeffs[np.ix_(index, index)].copy(),
            species_coeffs=self.species_coeffs[index], active_set=None,
        )  # fmt: skip

    def replace(self, **changes: object) -> MomentTensorPotential:
        """Return a copy with some fields replaced."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]
