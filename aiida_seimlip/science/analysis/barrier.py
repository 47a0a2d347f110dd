"""Barriers along a path: a spline through energies and tangential forces, and errors of one path by another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from ase.geometry import find_mic
from scipy.interpolate import CubicHermiteSpline

from aiida_seimlip.science.frames import Frames

POINTS_PER_STEP = 20
"""Points of the spline between two images."""

SHALLOW = 0.005
"""A minimum between the ends counts where it is deeper than this, in eV."""


@dataclass(frozen=True, eq=False)
class PathProfile:
    """Energies and forces along a path.

    :param coordinate: distance along the path in Å, in the space of all positions; shape (n_images,).
    :param energies: above the first image in eV; shape (n_images,).
    :param tangential_forces: component of the forces along the path in eV/Å; shape (n_images,).
    :param perpendicular_forces: largest force across the path on an atom of each image in eV/Å, not a number at the
        ends, where there is no path on both sides; shape (n_images,).
    :param spline_coordinate: in Å, 20 points between two images; shape (n_points,).
    :param spline_energy: in eV; shape (n_points,).
    :param highest: highest energy of the spline above the first image in eV.
    :param highest_coordinate: where that is, in Å.
    """

    coordinate: np.ndarray
    energies: np.ndarray
    tangential_forces: np.ndarray
    perpendicular_forces: np.ndarray
    spline_coordinate: np.ndarray
    spline_energy: np.ndarray
    highest: float
    highest_coordinate: float

    @property
    def forward(self) -> float:
        """Barrier from the first to the last image in eV."""
        return self.highest

    @property
    def backward(self) -> float:
        """Barrier from the last to the first image in eV."""
        return self.highest - self.reaction_energy

    @property
    def reaction_energy(self) -> float:
        """Energy of the last image above the first in eV."""
        return float(self.energies[-1])

    @property
    def saddle_index(self) -> int:
        """Index of the highest image."""
        return int(np.argmax(self.energies))

    @property
    def resolution(self) -> float:
        """How far the spline rises above the highest image, in eV: what the finite number of images leaves open."""
        return self.highest - float(self.energies.max())

    @property
    def fmax(self) -> float:
        """Largest force across the path on an atom of an image between the ends in eV/Å."""
        return float(np.nanmax(self.perpendicular_forces))

    @property
    def intermediate_minima(self) -> list[int]:
        """Indices of images between the ends that are lower than what lies on either side."""
        energies = self.energies
        inner = range(1, len(energies) - 1)
        return [
            i for i in inner
            if energies[i] == energies[max(i - 1, 0) : i + 2].min()
            and min(energies[:i].max(), energies[i + 1 :].max()) - energies[i] > SHALLOW
            and energies[i] < min(energies[i - 1], energies[i + 1])
        ]  # fmt: skip


@dataclass(frozen=True)
class ProfileErrors:
    """How a path looks to one method, compared with another one on the same images.

    :param forward: difference of the barriers forward in eV.
    :param backward: difference of the barriers back in eV.
    :param reaction_energy: difference of the energies of the last image in eV.
    :param energy_rms: root mean square of the differences of the energies above the first image in eV.
    :param force_rms: root mean square of the differences of the components of the forces in eV/Å.
    """

    forward: float
    backward: float
    reaction_energy: float
    energy_rms: float
    force_rms: float


def steps_between(path: Frames) -> np.ndarray:
    """Return the way of each atom from each image to the next in Å, over the nearest image of the cell.

    :param path: images of the same atoms in the same cell.
    :return: shape (n_images - 1, n_atoms, 3).
    """
    positions = path.positions.reshape(len(path), -1, 3)
    ways = [find_mic(way, path.cells[0], path.pbc[0])[0] for way in np.diff(positions, axis=0)]
    return np.array(ways)


def spacings(path: Frames) -> np.ndarray:
    """Return the distance from each image to the next in Å, in the space of all positions; shape (n_images - 1,).

    :param path: images of the same atoms in the same cell.
    """
    return np.linalg.norm(steps_between(path).reshape(len(path) - 1, -1), axis=1)


def find_collapsed(path: Frames, ratio: float) -> list[int]:
    """Return the indices of images that lie on the one before them.

    :param path: images of the same atoms in the same cell.
    :param ratio: two images have collapsed where their distance is below this share of the mean distance.
    """
    distances = spacings(path)
    return [int(index) + 1 for index in np.flatnonzero(distances <= ratio * distances.mean())]


def describe_path(path: Frames) -> PathProfile:
    """Return energies and forces along a path, and a spline through them.

    Between two images the spline is the cubic polynomial with their energies and slopes, as in `NEBTools` of ASE: the
    slope of an image is that of its forces along the direction from the image before to the image after it. The force
    across the path is taken with the improved tangent of G. Henkelman and H. Jónsson, J. Chem. Phys. 113, 9978 (2000).

    :param path: images in order with energies and forces: the same atoms in the same cell.
    :raises ValueError: if there are fewer than three images, an image lies on the one before it, or has no labels.
    """
    if len(path) < 3 or not path.is_evaluated.all():
        raise ValueError('A path needs three images at least, and energies and forces of all of them.')
    assert path.energies is not None and path.forces is not None
    steps = steps_between(path).reshape(len(path) - 1, -1)
    coordinate = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps, axis=1))])
    if np.any(np.diff(coordinate) <= 0.0):
        raise ValueError('An image of the path lies on the one before it.')
    energies = path.energies - path.energies[0]
    forces = path.forces.reshape(len(path), -1)
    along = np.sum(forces * _central_tangents(steps), axis=1)
    spline = CubicHermiteSpline(coordinate, energies, -along)
    points = np.concatenate([
        *(np.linspace(*ends, POINTS_PER_STEP, endpoint=False) for ends in pairwise(coordinate)),
        coordinate[-1:],
    ])  # fmt: skip
    where, highest = _find_highest(spline)
    return PathProfile(
        coordinate, energies, along, _forces_across(forces, _improved_tangents(steps, energies)), points,
        spline(points), highest, where,
    )  # fmt: skip


def compare_profiles(path: Frames, reference: Frames) -> ProfileErrors:
    """Return how far off a path is by a reference on the same images.

    :param path: images in order with energies and forces.
    :param reference: the same images with those of the reference.
    :raises ValueError: if they are not the same images.
    """
    if path.hashes() != reference.hashes():
        raise ValueError('The two paths do not consist of the same images.')
    assert path.forces is not None and reference.forces is not None
    one, other = describe_path(path), describe_path(reference)
    return ProfileErrors(
        forward=one.forward - other.forward,
        backward=one.backward - other.backward,
        reaction_energy=one.reaction_energy - other.reaction_energy,
        energy_rms=_rms(one.energies[1:] - other.energies[1:]),
        force_rms=_rms(path.forces - reference.forces),
    )


def _find_highest(spline: CubicHermiteSpline) -> tuple[float, float]:
    """Return where a spline is highest, and how high."""
    roots = np.asarray(spline.derivative().roots(extrapolate=False), dtype=float)
    candidates = np.concatenate([spline.x, roots[np.isfinite(roots)]])
    best = candidates[np.argmax(spline(candidates))]
    return float(best), float(spline(best))


def _central_tangents(steps: np.ndarray) -> np.ndarray:
    """Return unit vectors from the image before to the image after each image; shape (n_images, 3·n_atoms)."""
    directions = np.concatenate([steps[:1], steps[:-1] + steps[1:], steps[-1:]])
    return directions / np.linalg.norm(directions, axis=1)[:, None]


def _improved_tangents(steps: np.ndarray, energies: np.ndarray) -> np.ndarray:
    """Return unit vectors along the path at the images between the ends; shape (n_images - 2, 3·n_atoms)."""
    before, after = energies[:-2] - energies[1:-1], energies[2:] - energies[1:-1]
    high, low = np.maximum(abs(before), abs(after)), np.minimum(abs(before), abs(after))
    is_up = after > before
    rising, falling = (after > 0) & (before < 0), (after < 0) & (before > 0)
    weight_after = np.where(rising, 1.0, np.where(falling, 0.0, np.where(is_up, high, low)))
    weight_before = np.where(rising, 0.0, np.where(falling, 1.0, np.where(is_up, low, high)))
    directions = weight_before[:, None] * steps[:-1] + weight_after[:, None] * steps[1:]
    lengths = np.linalg.norm(directions, axis=1)
    return directions / np.where(lengths > 0.0, lengths, 1.0)[:, None]


def _forces_across(forces: np.ndarray, tangents: np.ndarray) -> np.ndarray:
    """Return the largest force across the path on an atom of each image in eV/Å; shape (n_images,)."""
    inner = forces[1:-1]
    across = inner - np.sum(inner * tangents, axis=1)[:, None] * tangents
    largest = np.linalg.norm(across.reshape(len(across), -1, 3), axis=2).max(axis=1)
    return np.concatenate([[np.nan], largest, [np.nan]])


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
