"""Energies, forces, stresses and the local basis of moment tensor potentials."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp import kernel
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.workers import Workers, blocks
from aiida_seimlip.science.neighbours import Pairs, neighbour_list

_ATOMS_PER_CHUNK = 4096
_NO_LOCAL_BASIS = np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a potential says about the atoms of one or more configurations.

    :param site_energies: in eV; shape (n_atoms,).
    :param forces: in eV/Å; shape (n_atoms, 3).
    :param virials: derivative of the energy by strain in eV (stress times volume, in ASE's sign and Voigt order);
        shape (n_frames, 6).
    :param local: derivatives of the site energies by the parameters of each atom's own species (see
        `Evaluator.columns`), or None; shape (n_atoms, n_local).
    """

    site_energies: np.ndarray
    forces: np.ndarray
    virials: np.ndarray
    local: np.ndarray | None = None


class Evaluator:
    """Evaluate one potential again and again, as molecular dynamics does.

    :param potential: a trained potential.
    :param threads: number of threads that share the atoms of one configuration; the results are the same to the last
        bit whatever their number.
    :raises ValueError: if the potential is not trained, its radial basis is not supported, or there is no thread.
    """

    def __init__(self, potential: MomentTensorPotential, *, threads: int = 1) -> None:
        self.potential = potential
        self.workers = Workers(threads)
        self._basis = kernel.make_basis(potential)
        self._parameters = kernel.make_parameters(potential)

    @property
    def cutoff(self) -> float:
        """Cut-off in Å."""
        return self.potential.max_dist

    @property
    def n_local(self) -> int:
        """Number of parameters that the energy of a single atom depends on."""
        return self.potential.n_parameters - (self.potential.n_species - 1) * (self._n_radial + 1)

    @property
    def _n_radial(self) -> int:
        """Number of radial coefficients of one species of centres."""
        potential = self.potential
        return potential.n_species * potential.radial_funcs_count * potential.radial_basis_size

    def columns(self, species: int) -> np.ndarray:
        """Return where the columns of `Evaluation.local` stand among all parameters.

        The energy of an atom depends only on the radial coefficients of its own species as the centre, on its own
        species coefficient and on the moment coefficients.

        :param species: type number of the atom.
        :return: shape (n_local,).
        """
        potential = self.potential
        species_start = potential.n_species * self._n_radial
        moments_start = species_start + potential.n_species
        return np.concatenate([
            np.arange(species * self._n_radial, (species + 1) * self._n_radial),
            [species_start + species],
            np.arange(moments_start, moments_start + potential.n_moments),
        ])  # fmt: skip

    def compute(
        self,
        types: np.ndarray,
        pairs: Pairs,
        frame_of_atom: np.ndarray | None = None,
        *,
        positions: np.ndarray | None = None,
        with_local: bool = False,
    ) -> Evaluation:
        """Evaluate atoms with known neighbours; pairs beyond the cut-off are ignored.

        :param types: species of each atom as an index; shape (n_atoms,).
        :param pairs: neighbours of each atom, all images within the cut-off at least.
        :param frame_of_atom: configuration of each atom; None if there is only one. Shape (n_atoms,).
        :param positions: where the atoms are in Å, if the vectors of the pairs leave that out and tell the neighbour's
            image alone; shape (n_atoms, 3).
        :param with_local: whether to calculate the local basis, too.
        """
        n_atoms, n_centres = len(types), pairs.first.size - 1
        if frame_of_atom is None:
            frames, bounds = np.zeros(n_atoms, dtype=np.int64), blocks(n_centres)
        else:
            frames, bounds = frame_of_atom, np.array([0, n_centres])
        system = kernel.System(
            _integers(types), _integers(frames), np.zeros((n_atoms, 3)) if positions is None else _floats(positions),
            _integers(pairs.first), _integers(pairs.neighbours), _floats(pairs.vectors),
        )  # fmt: skip
        n_blocks = bounds.size - 1
        site_energies = np.empty(n_atoms)
        forces = np.empty((n_blocks, n_atoms, 3))
        virials = np.empty((n_blocks, int(frames[-1]) + 1 if n_atoms else 0, 6))
        local = np.empty((n_atoms, self.n_local)) if with_local else _NO_LOCAL_BASIS
        counter = np.zeros(1, dtype=np.int64)
        self.workers.run(
            lambda: kernel.evaluate_kernel(
                self._basis, self._parameters, system, bounds, counter, site_energies, forces, virials, local
            )
        )
        return Evaluation(
            site_energies, forces.sum(axis=0), virials.sum(axis=0), local if with_local else None
        )  # fmt: skip

    def compute_frames(self, frames: Frames, *, with_local: bool = False) -> Evaluation:
        """Evaluate configurations, finding their neighbours first.

        :param frames: configurations of the potential's species.
        :param with_local: whether to calculate the local basis, too.
        :raises FramesError: if an element is not among the potential's species.
        """
        types = frames.types(self.potential.species)
        pairs = neighbour_list(frames.positions, frames.ptr, frames.cells, frames.pbc, self.cutoff)
        return self.compute(types, pairs, frames.frame_of_atom, with_local=with_local)


def evaluate(potential: MomentTensorPotential, frames: Frames, *, threads: int = 1) -> Frames:
    """Label configurations with the energies, forces and stresses of a potential.

    :param potential: a trained potential.
    :param frames: configurations of the potential's species; their own labels are replaced.
    :param threads: number of threads, each working on a chunk of configurations.
    :return: the same configurations, of no method, as this is no business of a potential that is no node; stresses of
        those without a periodic cell are unknown (NaN).
    :raises ValueError: if the potential is not trained.
    :raises FramesError: if an element is not among the potential's species.
    """
    parts = _evaluate_chunks(Evaluator(potential), frames, threads)
    if not parts:
        return frames.without_labels().replace(
            energies=np.empty(0), forces=np.empty((0, 3)), stresses=np.empty((0, 6))
        )  # fmt: skip
    site_energies = np.concatenate([part.site_energies for part in parts])
    virials = np.concatenate([part.virials for part in parts])
    periodic = frames.pbc.all(axis=1)
    volumes = np.where(periodic, frames.volumes, np.nan)
    return frames.without_labels().replace(
        energies=np.add.reduceat(site_energies, frames.ptr[:-1]),
        forces=np.concatenate([part.forces for part in parts]),
        stresses=virials / volumes[:, None],
    )


def site_energies(potential: MomentTensorPotential, frames: Frames, *, threads: int = 1) -> np.ndarray:
    """Return the energy of every atom in eV; shape (n_atoms,).

    :param potential: a trained potential.
    :param frames: configurations of the potential's species.
    :param threads: number of threads, each working on a chunk of configurations.
    :raises ValueError: if the potential is not trained.
    :raises FramesError: if an element is not among the potential's species.
    """
    parts = _evaluate_chunks(Evaluator(potential), frames, threads)
    return np.concatenate([part.site_energies for part in parts]) if parts else np.empty(0)


def local_basis(potential: MomentTensorPotential, frames: Frames) -> np.ndarray:
    """Return the derivatives of every site energy by every parameter, b_i = dE_i/dparameters.

    :param potential: a trained potential.
    :param frames: configurations of the potential's species.
    :return: in MLIP-3's order of parameters (radial, species, moments); shape (n_atoms, n_parameters).
    :raises ValueError: if the potential is not trained.
    :raises FramesError: if an element is not among the potential's species.
    """
    evaluator = Evaluator(potential)
    types = frames.types(potential.species)
    local = evaluator.compute_frames(frames, with_local=True).local
    assert local is not None
    full = np.zeros((types.size, potential.n_parameters))
    for species in range(potential.n_species):
        atoms = np.flatnonzero(types == species)
        full[np.ix_(atoms, evaluator.columns(species))] = local[atoms]
    return full


def chunks(frames: Frames, atoms_per_chunk: int = _ATOMS_PER_CHUNK) -> Iterator[slice]:
    """Divide configurations into consecutive chunks of about as many atoms.

    :param frames: configurations of any size.
    :param atoms_per_chunk: a chunk has at least one configuration and, otherwise, not more atoms than this.
    """
    start = 0
    while start < len(frames):
        stop = int(np.searchsorted(frames.ptr, frames.ptr[start] + atoms_per_chunk, side='right')) - 1
        stop = max(stop, start + 1)
        yield slice(start, stop)
        start = stop


def _evaluate_chunks(evaluator: Evaluator, frames: Frames, threads: int) -> list[Evaluation]:
    """Evaluate chunks of configurations on several threads, in order."""
    frames.types(evaluator.potential.species)  # complains about all elements at once, before the work starts
    parts = [frames[chunk] for chunk in chunks(frames, _chunk_size(frames, threads))]
    if threads == 1:
        return [evaluator.compute_frames(part) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(evaluator.compute_frames, parts))


def _chunk_size(frames: Frames, threads: int) -> int:
    """Return the number of atoms of a chunk that keeps all threads busy."""
    return max(1, min(_ATOMS_PER_CHUNK, -(-int(frames.ptr[-1]) // (4 * threads))))


def _integers(values: np.ndarray) -> np.ndarray:
    """Return an array as the kernels are compiled for."""
    return np.require(values, np.int64, ['C', 'W'])


def _floats(values: np.ndarray) -> np.ndarray:
    """Return an array as the kernels are compiled for."""
    return np.require(values, float, ['C', 'W'])
