"""Calcfunction that looks at the structure in the runs of a diffusivity: neighbours, and bonded units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.transport.structure import store_rdf
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions
from aiida_seimlip.options.transport.results import UnitRecord, temperature_key, temperature_of
from aiida_seimlip.options.transport.structure import RdfOptions, UnitOptions
from aiida_seimlip.science.frames import Frames


@calcfunction
def analyse_structure(options: orm.Dict, start: FramesData, **trajectories: FramesData) -> dict[str, Any]:
    """Return how atoms surround one another at each temperature, and how many bonded units stay intact.

    :param options: of the diffusivity (`DiffusivityOptions`).
    :param start: the frame that all runs began with.
    :param trajectories: whole frames of each run, by its key (`T0600_r0`).
    :return: ``rdf``, if wanted and the frames are periodic: the arrays of `store_rdf` for each temperature, whose name
        comes first (`T0600_Li_O_r`), and their attributes under that name; ``units``: for each temperature and kind of
        unit a `UnitRecord`.
    """
    settings = DiffusivityOptions.from_node(options)
    parts: dict[str, list[Frames]] = defaultdict(list)
    for key, node in sorted(trajectories.items()):
        parts[temperature_key(temperature_of(key))].append(node.get_frames())
    frames = {key: Frames.concatenate(several) for key, several in parts.items()}
    counts = {} if settings.units is None else _count(start.get_frames(), frames, settings.units)
    outputs: dict[str, Any] = {'units': orm.Dict(counts)}
    if settings.rdf is not None and all(part.pbc.all() for part in frames.values()):
        outputs['rdf'] = _distributions(frames, settings.rdf, settings.mobile)
    return outputs


def _distributions(groups: Mapping[str, Frames], options: RdfOptions, mobile: Sequence[str]) -> orm.ArrayData:
    """Return the radial distributions at all temperatures in one node."""
    from aiida_seimlip.science.analysis.bonds import element_kinds, role_kinds
    from aiida_seimlip.science.analysis.rdf import radial_distribution

    node, attributes = orm.ArrayData(), {}
    for key, everything in groups.items():
        frames = everything[:: options.every]
        by_role = options.kinds == 'role'
        kinds = role_kinds(frames, tolerance=options.tolerance) if by_role else element_kinds(frames)
        pairs = options.pairs or [(one, two) for one in mobile for two in kinds.names]
        known = [pair for pair in pairs if set(pair) <= set(kinds.names)]
        found = store_rdf(
            radial_distribution(
                frames, kinds=kinds, pairs=known, cutoff=options.cutoff, bin_width=options.bin_width,
                n_blocks=options.n_blocks,
            )
        )  # fmt: skip
        for name in found.get_arraynames():
            node.set_array(f'{key}_{name}', found.get_array(name))
        attributes[key] = {name: found.base.attributes.get(name) for name in ('pairs', 'n_frames', 'n_blocks')}
    node.base.attributes.set_many(attributes)
    return node


def _count(start: Frames, groups: Mapping[str, Frames], options: UnitOptions) -> dict[str, dict[str, Any]]:
    """Return a `UnitRecord` for each temperature and each kind of unit that there is in the start or appears later."""
    from aiida_seimlip.science.analysis.units import count_units

    count = partial(count_units, units=options.units, tolerance=options.tolerance)
    before = {unit: int(counts[0]) for unit, counts in count(start).intact.items()}
    records: dict[str, dict[str, Any]] = {}
    for key, frames in groups.items():
        intact = count(frames[:: options.every]).intact
        records[key] = {
            unit: _record(before[unit], counts).model_dump(mode='json') for unit, counts in intact.items()
            if before[unit] or np.any(counts)
        }  # fmt: skip
    return records


def _record(before: int, counts: np.ndarray) -> UnitRecord:
    """Describe the counts of a unit in the frames of one temperature.

    :param before: number in the start.
    :param counts: shape (n_frames,).
    """
    return UnitRecord(
        n_start=before, n_lowest=int(counts.min()), mean=float(counts.mean()), n_frames=int(counts.size),
        share_complete=float(np.mean(counts >= before)),
    )  # fmt: skip
