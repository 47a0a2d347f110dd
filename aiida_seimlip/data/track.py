"""Paths of mobile ions in the database, in few bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from aiida import orm

from aiida_seimlip.science.analysis.track import Track

INTERVAL = 'track_every'
"""Attribute that tells after how many MD steps a frame was meant to be kept."""

PARTS = 'n_parts'
"""Attribute that tells of how many runs, each of which continued the one before it, the node holds the tracks."""


def store_track(*tracks: Track, every: int | None = None) -> orm.ArrayData:
    """Return a node, not stored yet, that holds a track, or those of a run and its continuations.

    Continuations stay apart as they came: files of the same content, which the nodes of the single runs hold already,
    are kept once in AiiDA's repository. `load_track` joins them.

    :param tracks: in order of time; each starts with a frame that the one before it has.
    :param every: MD steps between two frames; others, such as those at which a job ended, are left out by `load_track`.
        None to keep all frames.
    :raises ValueError: if there is no track, or (`TrackError`) one does not continue the one before it.
    """
    if not tracks:
        raise ValueError('There is no track to store.')
    _join(tracks)
    return _node([track.to_arrays() for track in tracks], every)


def join_track_nodes(nodes: Sequence[orm.ArrayData]) -> orm.ArrayData:
    """Return a node, not stored yet, of a run and its continuations.

    :param nodes: that `store_track` made, in order of time.
    :raises TrackError: if one does not continue the one before it.
    """
    tracks = [track for node in nodes for track in load_parts(node)]
    return store_track(*tracks, every=nodes[0].base.attributes.get(INTERVAL, None))


def load_track(node: orm.ArrayData) -> Track:
    """Return the track that a node holds, continuations joined.

    :param node: that `store_track` made.
    :raises KeyError: if the node holds no track.
    """
    track = _join(load_parts(node))
    every = node.base.attributes.get(INTERVAL, None)
    if every is None or not (track.steps % every).any():
        return track
    kept = np.flatnonzero(track.steps % every == 0)
    return Track(
        positions=track.positions[kept], symbols=track.symbols, framework=track.framework[kept],
        cells=track.cells[kept], steps=track.steps[kept], timestep=track.timestep,
    )  # fmt: skip


def load_parts(node: orm.ArrayData) -> list[Track]:
    """Return the tracks of the runs that a node holds, as they were stored.

    :param node: that `store_track` made.
    """
    names = node.get_arraynames()
    prefixes = _prefixes(int(node.base.attributes.get(PARTS, 1)))
    return [
        Track.from_arrays({
            name.removeprefix(prefix): node.get_array(name) for name in names if name.startswith(prefix)
        })
        for prefix in prefixes
    ]  # fmt: skip


def _join(parts: Sequence[Track]) -> Track:
    """Return one track of a run and its continuations.

    :raises TrackError: if one does not continue the one before it.
    """
    if len(parts) == 1:
        return parts[0]
    carried = [parts[0]]
    for later in parts[1:]:
        carried.append(_carry_on(carried[-1], later))
    return carried[0].join(carried[1:])


def _carry_on(earlier: Track, later: Track) -> Track:
    """Let a continuation in a cell that changes begin where the run before it ended.

    A path that was unwrapped step by step has left the lattice of the present cell: the same frame lies elsewhere in
    both, and not by whole cell vectors. In a cell that stays it does, and `Track.join` sees to that.
    """
    shared = np.flatnonzero(earlier.steps == later.steps[0])
    is_npt = np.ptp(earlier.cells, axis=0).any() or np.ptp(later.cells, axis=0).any()
    if not (shared.size and is_npt and earlier.symbols == later.symbols):
        return later
    gap = earlier.positions[shared[0]].astype(float) - later.positions[0]
    return dataclasses.replace(later, positions=(later.positions + gap).astype(later.positions.dtype))


def _node(parts: Sequence[dict[str, np.ndarray]], every: int | None) -> orm.ArrayData:
    node = orm.ArrayData()
    for prefix, arrays in zip(_prefixes(len(parts)), parts, strict=True):
        for name, array in arrays.items():
            node.set_array(prefix + name, array)
    node.base.attributes.set_many({PARTS: len(parts), INTERVAL: every})
    return node


def _prefixes(n_parts: int) -> list[str]:
    """Return how the names of the arrays of each part begin: one part alone has plain names."""
    return [''] if n_parts == 1 else [f'part_{number:03d}_' for number in range(n_parts)]
