"""The table of what was found in files, which is read before anything is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from aiida.cmdline.utils import echo

from aiida_seimlip.cli.tables import print_facts, print_table
from aiida_seimlip.data.frames import find_shortest_distances
from aiida_seimlip.exchange.readers.found import ENERGY_KINDS, SOURCE_FILE, SOURCE_INDEX, Found
from aiida_seimlip.science.features import count_values
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA

SHOWN = 8
"""Number of compositions, or of values of a feature, that are shown, the most common first."""

LARGE_STRESS = 1.0
"""In eV/Å³, 160 GPa: whoever has more has another unit, most likely."""

CLOSE = 0.5
"""In Å: atoms are not that close in anything that can be calculated."""

SAME_ENERGY = 1e-6
"""Energies that differ by less are the same with other digits, in eV/atom."""


def print_found(found: Found) -> None:
    """Print what was found: frames, labels and their ranges, what is missing and what is odd."""
    rows = [(source.name, source.kind, source.n_frames, source.sha256[:12]) for source in found.sources]
    print_table(rows, ('File', 'Format', 'Frames', 'SHA-256'), nothing='No file was read.')
    echo.echo('')
    shortest = find_shortest_distances(found.frames)
    print_facts('Found', describe_frames(found, shortest))
    for note in find_notes(found, shortest):
        echo.echo_warning(note)


def describe_frames(found: Found, shortest: np.ndarray) -> dict[str, Any]:
    """Return what is known about frames as names and values.

    :param found: what was read.
    :param shortest: shortest distance in each frame in Å, infinity where none is near; shape (n_frames,).
    """
    frames, used = found.frames, found.tally.used
    near = shortest[np.isfinite(shortest)]
    energies = None if frames.energies is None else frames.energies / frames.sizes
    forces = None if frames.forces is None else np.linalg.norm(frames.forces, axis=1)
    stresses = None if frames.stresses is None else frames.stresses * EV_PER_A3_TO_GPA
    computed = frames.is_computed
    return {
        'frames': f'{len(frames)}, {frames.sizes.min()} to {frames.sizes.max()} atoms',
        'compositions': _counts(Counter(frames.formulas)),
        'energy (eV/atom)': _range(energies, used.get('energy')),
        'kind of energy': _kinds(frames),
        'force (eV/Å)': _range(forces, used.get('forces')),
        'stress (GPa)': _range(stresses, used.get('stress')),
        'shortest distance (Å)': f'{near.min():.3f} to {near.max():.3f}' if near.size else 'none below 5',
        'calculated by': _counts(_methods(frames, computed)) if computed.any() else 'nobody: there are no labels',
        'labelled': f'{int(frames.labelled.sum())} of {len(frames)}',
        'missing': ', '.join(_missing(frames)) or 'nothing',
        'features': _features(frames),
        'left out': _counts(found.tally.left_out) or None,
    }


def find_notes(found: Found, shortest: np.ndarray) -> Iterator[str]:
    """Yield one sentence for each thing that somebody should look at.

    :param found: what was read.
    :param shortest: shortest distance in each frame in Å; shape (n_frames,).
    """
    frames = found.frames
    for note, count in found.tally.notes.items():
        yield f'{note} ({count} {"frame" if count == 1 else "frames"})'
    yield from _duplicates(frames)
    if frames.stresses is not None and np.nanmax(np.abs(frames.stresses)) > LARGE_STRESS:
        largest = np.nanmax(np.abs(frames.stresses))
        yield (
            f'The largest stress is {largest * EV_PER_A3_TO_GPA:.4g} GPa: stresses are taken to be in eV/Å³, of which '
            'one is 160.2 GPa and 1602 kbar.'
        )
    if frames.forces is not None and not np.any(np.nan_to_num(frames.forces)) and frames.sizes.max() > 1:
        yield 'All forces are 0: have they been calculated?'
    close = int((shortest < CLOSE).sum())
    if close:
        yield f'Atoms are closer than {CLOSE} Å in {close} frame(s).'
    if frames.is_predicted.any():
        yield f'A potential predicted {int(frames.is_predicted.sum())} frame(s): that is no label.'


def _duplicates(frames: Frames) -> Iterator[str]:
    hashes = np.array(frames.hashes())
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    repeated = len(hashes) - len(first)
    if not repeated:
        return
    yield f'{repeated} frame(s) repeat an earlier one.'
    if frames.energies is not None:
        change = np.abs(frames.energies - frames.energies[first[inverse]]) / frames.sizes
        differing = int((change > SAME_ENERGY).sum())
        if differing:
            yield (
                f'{differing} of them have another energy than the earlier one, by up to {1e3 * np.nanmax(change):.4g} '
                'meV/atom.'
            )


def _missing(frames: Frames) -> Iterator[str]:
    """Yield which labels are unknown, and in how many frames."""
    number = len(frames)
    known = {
        'energy': 0 if frames.energies is None else int(np.isfinite(frames.energies).sum()),
        'forces': 0,
        'stress': 0 if frames.stresses is None else int(np.isfinite(frames.stresses).all(axis=1).sum()),
    }
    if frames.forces is not None:
        finite = np.isfinite(frames.forces).all(axis=1)
        known['forces'] = int(np.logical_and.reduceat(finite, frames.ptr[:-1]).sum())
    for name, count in known.items():
        if count < number:
            yield f'{name} in all frames' if not count else f'{name} in {number - count} of {number} frames'


def _range(values: np.ndarray | None, used: Mapping[str, int] | None) -> str:
    known = np.empty(0) if values is None else values[np.isfinite(values)]
    if not known.size:
        return 'none'
    names = f', from {_counts(used)}' if used and len(used) > 1 else f', from {next(iter(used))}' if used else ''
    return f'{known.min() + 0.0:.4f} to {known.max() + 0.0:.4f}{names}'


def _kinds(frames: Frames) -> str | None:
    if frames.energies is None:
        return None
    kinds = {''} if frames.energy_kinds is None else set(frames.energy_kinds.tolist()) - {''} or {''}
    return ', '.join(ENERGY_KINDS.get(kind, 'not known (say it with --energy-kind)') for kind in sorted(kinds))


def _methods(frames: Frames, computed: np.ndarray) -> Counter[str]:
    names = np.full(len(frames), '') if frames.methods is None else frames.methods
    return Counter(name or 'unknown' for name in names[computed].tolist())


def _features(frames: Frames) -> str | None:
    if frames.features is None:
        return None
    values = count_values(frames.features)
    texts = [f'{name}: {_counts(counts)}' for name, counts in values.items() if name not in (SOURCE_FILE, SOURCE_INDEX)]
    return '; '.join(texts) or None


def _counts(counts: Mapping[str, int] | None) -> str:
    """Write names and how often they occur, the most common first."""
    common = Counter(dict(counts or {})).most_common()
    words = [f'{count} × {name}' for name, count in common[:SHOWN]]
    return ', '.join(words) + (f' and {len(common) - SHOWN} more' if len(common) > SHOWN else '')
