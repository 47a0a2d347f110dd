"""Which ion is on which site, and when it hops to another, with a memory of the site that it was on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from scipy.spatial import cKDTree

from aiida_seimlip.science.analysis.track import FRAMES_PER_BLOCK, Track

RADIUS = 0.9
"""An ion that comes nearer than this to a site in Å has arrived there."""


class SiteError(ValueError):
    """Ions cannot be assigned to sites; the message says why."""


@dataclass(frozen=True, eq=False)
class ReferenceSites:
    """Places that ions hop between.

    :param positions: Cartesian coordinates in Å; shape (n_sites, 3).
    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param labels: of the sites, such as the part of the structure that they belong to.
    :raises SiteError: if shapes do not fit together, or there is no site.
    """

    positions: np.ndarray
    cell: np.ndarray
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        shapes = np.shape(self.positions), np.shape(self.cell)
        if shapes != ((len(self.labels), 3), (3, 3)) or not self.labels:
            raise SiteError(f'Positions of shape {shapes[0]} do not fit to {len(self.labels)} labels of sites.')

    @classmethod
    def of_atoms(cls, atoms: Atoms, indices: Sequence[int], labels: Sequence[str] | None = None) -> ReferenceSites:
        """Return the places of some atoms of a structure.

        :param atoms: the structure.
        :param indices: of the atoms.
        :param labels: of the sites; by default the chemical symbols.
        """
        chosen = np.asarray(indices, dtype=int)
        names = labels if labels is not None else [atoms.symbols[index] for index in chosen]
        return cls(atoms.positions[chosen], atoms.cell.array, tuple(names))

    @classmethod
    def of_track(cls, track: Track, *, until_ps: float, labels: Sequence[str] | None = None) -> ReferenceSites:
        """Return the mean places of the ions at the beginning of a track, as seen from the framework.

        :param track: of the ions.
        :param until_ps: time from the start in ps to average over, before ions hop.
        :param labels: of the sites; by default the chemical symbols.
        """
        start = track.drift_free()[: int(np.searchsorted(track.times, until_ps, side='right'))]
        names = tuple(labels if labels is not None else track.symbols)
        return cls(start.positions.mean(axis=0, dtype=float), start.cells.mean(axis=0), names)

    def with_empty(self, fractional: np.ndarray, label: str = 'empty') -> ReferenceSites:
        """Return these sites and some between them, such as `equivalents` of `structures.sites.empty_sites`.

        :param fractional: fractional coordinates in this cell; shape (n, 3).
        :param label: of the new sites.
        """
        more = np.asarray(fractional, dtype=float).reshape(-1, 3) @ self.cell
        return ReferenceSites(np.concatenate([self.positions, more]), self.cell, self.labels + (label,) * len(more))

    @property
    def shortest_distance(self) -> float:
        """Shortest distance between two sites in Å, images of one site aside; infinite for one site."""
        first, second = np.triu_indices(len(self.positions), 1)
        if not first.size:
            return float('inf')
        _, lengths = find_mic(self.positions[first] - self.positions[second], self.cell)
        return float(lengths.min())


@dataclass(frozen=True, eq=False)
class IonHop:
    """A hop of an ion from one site to another.

    :param ion: its index in the track.
    :param ion_label: its label.
    :param from_site: index of the site that it left.
    :param to_site: index of the site that it arrived at.
    :param from_label: label of the site that it left.
    :param to_label: label of the site that it arrived at.
    :param since_ps: time at which it had come to the site that it left, in ps.
    :param left_ps: last time at which it was seen there.
    :param arrived_ps: first time at which it was seen at the other one.
    :param displacement: from site to site in Å; shape (3,).
    """

    ion: int
    ion_label: str
    from_site: int
    to_site: int
    from_label: str
    to_label: str
    since_ps: float
    left_ps: float
    arrived_ps: float
    displacement: np.ndarray

    @property
    def length(self) -> float:
        """Distance between the sites in Å."""
        return float(np.linalg.norm(self.displacement))


@dataclass(frozen=True, eq=False)
class SiteHistory:
    """Where ions were.

    :param sites: index of the site of each ion in each frame, the last one it was at while it is between sites, -1
        before it has been at any; shape (n_frames, n_ions).
    :param hops: in order of the time of arrival.
    :param share_at_sites: share of all positions of ions that are within the radius of a site: where it is low, the
        sites do not suit, as in a metal that melts.
    :param times_ps: of the frames in ps; shape (n_frames,).
    """

    sites: np.ndarray
    hops: tuple[IonHop, ...]
    share_at_sites: float
    times_ps: np.ndarray = field(repr=False)


class _Visit(NamedTuple):
    """Frames in which an ion was at one site, in one image of the cell."""

    site: int
    image: tuple[int, int, int]
    first: int
    last: int


def follow_sites(
    track: Track,
    sites: ReferenceSites,
    *,
    radius: float = RADIUS,
    min_stay_ps: float = 0.0,
    labels: Sequence[str] | None = None,
) -> SiteHistory:
    """Assign each ion to a site in each frame, and list its hops.

    An ion belongs to a site once it is within `radius` of it, and stays with it until it is within `radius` of another
    one: vibrations across the middle between two sites do not count. Positions are those seen from the framework, and
    scale with a cell that changes.

    :param track: of the ions.
    :param sites: that they hop between, in the cell of the track's beginning.
    :param radius: in Å, up to half the shortest distance between sites.
    :param min_stay_ps: a visit counts only if at least this time in ps lies between its first and last frame; the first
        and the last visit of an ion always count.
    :param labels: of the ions, such as the part that they come from; by default the chemical symbols.
    :raises SiteError: if the radius is too large, there is not one label for each ion, or no ion ever is at a site.
    """
    names = tuple(labels if labels is not None else track.symbols)
    if len(names) != track.n_ions:
        raise SiteError(f'There are {len(names)} labels for {track.n_ions} ions.')
    if not 0.0 < radius <= 0.5 * sites.shortest_distance:
        raise SiteError(
            f'The radius of {radius:g} Å must be above zero and up to half the shortest distance between sites, '
            f'{sites.shortest_distance:.2f} Å.'
        )
    near, images = _nearest(track.drift_free(), sites, radius)
    if not np.any(near >= 0):
        raise SiteError(f'No ion ever is within {radius:g} Å of a site.')
    history, hops = np.full(near.shape, -1, dtype=np.int32), []
    for ion in range(track.n_ions):
        visits = _long_visits(_visits(near[:, ion], images[:, ion]), track.times, min_stay_ps)
        for visit, following in itertools.zip_longest(visits, visits[1:]):
            history[visit.first : following.first if following else None, ion] = visit.site
        hops += [_hop(ion, names[ion], pair, sites, track) for pair in itertools.pairwise(visits)]
    hops.sort(key=lambda hop: (hop.arrived_ps, hop.ion))
    return SiteHistory(history, tuple(hops), float(np.mean(near >= 0)), track.times)


def _nearest(track: Track, sites: ReferenceSites, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the site that each ion is near to, -1 if there is none, and in which image of the cell that site is.

    :return: shapes (n_frames, n_ions) and (n_frames, n_ions, 3).
    """
    tree, owners, images_of = _site_tree(sites, radius)
    near = np.empty(track.positions.shape[:2], dtype=np.int32)
    images = np.empty(track.positions.shape, dtype=np.int32)
    for start in range(0, len(track), FRAMES_PER_BLOCK):
        block = slice(start, start + FRAMES_PER_BLOCK)
        scaled = track.positions[block].astype(float) @ np.linalg.inv(track.cells[block])
        corner = np.floor(scaled)
        distances, found = tree.query((scaled - corner) @ sites.cell, distance_upper_bound=radius)
        is_found = np.isfinite(distances)
        found = np.where(is_found, found, 0)
        near[block] = np.where(is_found, owners[found], -1)
        images[block] = corner + images_of[found]
    return near, images


def _site_tree(sites: ReferenceSites, radius: float) -> tuple[cKDTree, np.ndarray, np.ndarray]:
    """Return a tree of the sites in and around the cell, which site each of them is, and in which image of the cell."""
    inverse = np.linalg.inv(sites.cell)
    fractional = sites.positions @ inverse
    margin = radius * np.linalg.norm(inverse, axis=0) + 1e-6
    ranges = [np.arange(-n, n + 1) for n in np.ceil(margin).astype(int)]
    images = np.array(list(itertools.product(*ranges))) - np.floor(fractional).astype(int)[:, None, :]
    copies = fractional[:, None, :] + images
    is_near = np.all((copies > -margin) & (copies < 1.0 + margin), axis=2)
    return cKDTree(copies[is_near] @ sites.cell), np.nonzero(is_near)[0], images[is_near]


def _visits(near: np.ndarray, images: np.ndarray) -> list[_Visit]:
    """Return the visits of an ion, one after the other, from the sites that it is near to."""
    frames = np.flatnonzero(near >= 0)
    if not frames.size:
        return []
    states = np.column_stack([near[frames], images[frames]])
    starts = np.concatenate([[0], np.flatnonzero(np.any(np.diff(states, axis=0) != 0, axis=1)) + 1])
    ends = np.concatenate([starts[1:], [frames.size]]) - 1
    return [
        _Visit(int(states[start, 0]), tuple(states[start, 1:].tolist()), int(frames[start]), int(frames[end]))
        for start, end in zip(starts, ends, strict=True)
    ]


def _long_visits(visits: list[_Visit], times: np.ndarray, min_stay: float) -> list[_Visit]:
    """Return the visits without short ones, neighbours at the same site made one."""
    kept: list[_Visit] = []
    for index, visit in enumerate(visits):
        is_inside = 0 < index < len(visits) - 1
        if is_inside and times[visit.last] - times[visit.first] < min_stay - 1e-9:
            continue
        if kept and (kept[-1].site, kept[-1].image) == (visit.site, visit.image):
            kept[-1] = kept[-1]._replace(last=visit.last)
        else:
            kept.append(visit)
    return kept


def _hop(ion: int, label: str, pair: tuple[_Visit, _Visit], sites: ReferenceSites, track: Track) -> IonHop:
    before, after = pair
    images = np.subtract(after.image, before.image)
    displacement = sites.positions[after.site] - sites.positions[before.site] + images @ sites.cell
    times = track.times
    return IonHop(
        ion=ion, ion_label=label, from_site=before.site, to_site=after.site, from_label=sites.labels[before.site],
        to_label=sites.labels[after.site], since_ps=float(times[before.first]), left_ps=float(times[before.last]),
        arrived_ps=float(times[after.first]), displacement=displacement,
    )  # fmt: skip
