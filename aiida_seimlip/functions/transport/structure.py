"""Calcfunctions that look at the structure along a trajectory: radial distributions, and which units are intact."""

from __future__ import annotations

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.transport.structure import RdfOptions, UnitOptions
from aiida_seimlip.science.analysis.bonds import element_kinds, role_kinds
from aiida_seimlip.science.analysis.rdf import RadialDistribution, radial_distribution
from aiida_seimlip.science.analysis.units import UnitCounts
from aiida_seimlip.science.analysis.units import count_units as count_in_frames


@calcfunction
def calculate_rdf(trajectory: FramesData, options: orm.Dict) -> orm.ArrayData:
    """Return radial distribution functions and running coordination numbers, as `store_rdf` lays them out.

    :param trajectory: frames, periodic in all directions.
    :param options: see `RdfOptions`.
    """
    chosen = RdfOptions.from_node(options)
    frames = trajectory.get_frames()[:: chosen.every]
    by_role = chosen.kinds == 'role'
    distribution = radial_distribution(
        frames,
        kinds=role_kinds(frames, tolerance=chosen.tolerance) if by_role else element_kinds(frames),
        pairs=chosen.pairs,
        cutoff=chosen.cutoff,
        bin_width=chosen.bin_width,
        n_blocks=chosen.n_blocks,
    )
    return store_rdf(distribution)


def store_rdf(distribution: RadialDistribution) -> orm.ArrayData:
    """Pack radial distributions into a node.

    The arrays of a pair are ``<pair>_r`` (middles of the bins, Å), ``<pair>_g`` and ``<pair>_g_error`` (no unit),
    ``<pair>_coordination`` and ``<pair>_coordination_error`` (neighbours within the outer edge of the bin). Attributes:
    ``pairs`` (for each: `key`, `centre`, `neighbour`, and `shell`, the first one: `peak` and `minimum` in Å,
    `coordination`, `coordination_error`; null if there is none), ``n_frames``, ``n_blocks``.

    :param distribution: what to store.
    """
    node = orm.ArrayData()
    pairs = []
    for pair in distribution.pairs:
        for name in ('r', 'g', 'g_error', 'coordination', 'coordination_error'):
            node.set_array(f'{pair.key}_{name}', getattr(pair, name))
        shell = pair.first_shell()
        pairs.append({
            'key': pair.key, 'centre': pair.pair[0], 'neighbour': pair.pair[1],
            'shell': None if shell is None else {
                'peak': shell.peak, 'minimum': shell.minimum, 'coordination': shell.coordination,
                'coordination_error': shell.coordination_error if np.isfinite(shell.coordination_error) else None,
            },
        })  # fmt: skip
    node.base.attributes.set_many({
        'pairs': pairs, 'n_frames': distribution.n_frames, 'n_blocks': distribution.n_blocks,
    })  # fmt: skip
    return node


@calcfunction
def count_units(trajectory: FramesData, options: orm.Dict) -> dict[str, orm.Data]:
    """Count intact molecular units in each frame, so that decomposition is seen.

    :param trajectory: frames.
    :param options: see `UnitOptions`.
    :return: ``counts`` (`ArrayData`: ``frame``, ``step`` (-1 where unknown), ``intact_<unit>``, ``other_<formula>``)
        and ``summary`` (`Dict`, see `summarise_units`).
    """
    chosen = UnitOptions.from_node(options)
    frames = trajectory.get_frames()[:: chosen.every]
    counts = count_in_frames(frames, units=chosen.units, tolerance=chosen.tolerance)
    node = orm.ArrayData()
    node.set_array('frame', np.arange(0, trajectory.n_frames, chosen.every))
    node.set_array('step', np.full(len(frames), -1) if frames.origin_steps is None else frames.origin_steps)
    for unit, values in counts.intact.items():
        node.set_array(f'intact_{unit}', values)
    for formula, values in counts.others.items():
        node.set_array(f'other_{formula}', values)
    return {'counts': node, 'summary': orm.Dict(summarise_units(counts))}


def summarise_units(counts: UnitCounts) -> dict[str, object]:
    """Return what became of the units, as plain types.

    :param counts: of each frame.
    :return: ``n_frames``; ``has_decomposed`` (whether some unit is rarer at the end than at the start); ``intact``, for
        each unit that occurs `first`, `last`, `lowest` (numbers of units) and `share_of_frames_with_loss`; ``others``,
        for each other formula `first`, `last`, `highest` and `share_of_frames`.
    """
    return {
        'n_frames': counts.n_frames,
        'has_decomposed': counts.has_decomposed,
        'intact': {
            unit: {
                'first': int(values[0]), 'last': int(values[-1]), 'lowest': int(values.min()),
                'share_of_frames_with_loss': counts.share_of_frames_with_loss(unit),
            }
            for unit, values in counts.intact.items() if values.any()
        },
        'others': {
            formula: {
                'first': int(values[0]), 'last': int(values[-1]), 'highest': int(values.max()),
                'share_of_frames': float(np.mean(values > 0)),
            }
            for formula, values in counts.others.items()
        },
    }  # fmt: skip
