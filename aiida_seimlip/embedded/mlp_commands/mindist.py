"""``mindist``: the shortest distances between types."""

from __future__ import annotations

import numpy as np

from aiida_seimlip.embedded.mlp_commands.files import SPECIES, Options, load_configurations, save_configurations, say
from aiida_seimlip.science.frames import Frames

_CUTOFFS = (5.0, 10.0, 20.0, 40.0)


def mindist(arguments: list[str], options: Options) -> None:
    """Print the shortest distances between types, and add those of each configuration to the file."""
    (name,) = arguments
    cfg = load_configurations(name)
    distances = _distances_by_types(cfg.frames)
    shortest = {pair: float(values.min()) for pair, values in distances.items() if np.isfinite(values.min())}
    say(f'Global mindist: {min(shortest.values(), default=np.inf):g}')
    say(*(f'mindist({one}, {two}) = {distance:g}' for (one, two), distance in shortest.items()))
    if options['no_overwrite']:
        return
    features = []
    for index, known in enumerate(cfg.features):
        of_frame = {pair: values[index] for pair, values in distances.items() if np.isfinite(values[index])}
        text = ','.join(f'({one},{two}):{distance:f}' for (one, two), distance in of_frame.items())
        features.append({**known, 'mindists': f'{{{text}}}'})
    save_configurations(name, cfg, features=features)


def _distances_by_types(frames: Frames) -> dict[tuple[int, int], np.ndarray]:
    """Return the shortest distance of each pair of types in each configuration, infinity where there is no such pair.

    The search is widened for configurations in which a pair of types is not found, as types may be far apart.
    """
    numbers = np.unique(frames.numbers)
    distances = {
        (int(one) - 1, int(two) - 1): np.full(len(frames), np.inf)
        for index, one in enumerate(numbers)
        for two in numbers[index:]
    }
    present = np.array([np.isin(numbers, frame.numbers) for frame in frames]).reshape(len(frames), numbers.size)
    for cutoff in _CUTOFFS:
        lacking = np.zeros(len(frames), dtype=bool)
        for (one, two), values in distances.items():
            has_pair = present[:, numbers == one + 1].any(axis=1) & present[:, numbers == two + 1].any(axis=1)
            lacking |= has_pair & np.isinf(values)
        searched = np.flatnonzero(lacking)
        if searched.size:
            for symbols, values in frames[searched].shortest_distances_by_species(cutoff).items():
                pair = SPECIES.index(symbols[0]), SPECIES.index(symbols[1])
                distances[pair][searched] = np.minimum(distances[pair][searched], values)
    return distances
