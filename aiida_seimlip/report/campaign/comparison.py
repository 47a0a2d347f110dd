"""Two campaigns side by side, to see whether the second did what the first did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.history import CampaignHistory, ExplorationRecord
from aiida_seimlip.report.campaign.collect import published_history
from aiida_seimlip.science.frames import Frames


@dataclass(frozen=True)
class Difference:
    """One thing that is compared.

    :param name: what it is.
    :param original: as the original has it, in words.
    :param replay: as the replay has it, in words.
    :param is_equal: whether they are the same, bit for bit where they are numbers.
    :param detail: how large the difference is, in words; empty if there is none, or none that has a size.
    """

    name: str
    original: str
    replay: str
    is_equal: bool
    detail: str = ''


def compare(original: orm.WorkChainNode, replay: orm.WorkChainNode) -> list[Difference]:
    """Compare what two campaigns did and made.

    :param original: an `ActiveLearningWorkChain`.
    :param replay: another one.
    """
    first, second = _history(original), _history(replay)
    return [
        _compare_values('ended with status', original.exit_status, replay.exit_status),
        _compare_values('converged', first.converged, second.converged),
        _compare_values('iterations', len(first.iterations) - 1, len(second.iterations) - 1),
        _compare_explorations(_explorations(first), _explorations(second)),
        _compare_frames('training frames', _training(original), _training(replay)),
        _compare_frames('held-out frames', _held_out(original), _held_out(replay)),
        _compare_potentials(original, replay),
    ]


def describe(differences: Sequence[Difference]) -> str:
    """Write the comparison as lines for a reader.

    :param differences: as `compare` returns them.
    """
    width = max(len(item.name) for item in differences)
    lines = []
    for item in differences:
        what = item.original if item.is_equal else f'{item.original} in the original, {item.replay} in the replay'
        verdict = 'the same' if item.is_equal else f'DIFFERENT{f" ({item.detail})" if item.detail else ""}'
        lines.append(f'  {item.name:<{width}}  {verdict}: {what}')
    return '\n'.join(lines)


# -- parts ------------------------------------------------------------------------------------------------------------


def _compare_values(name: str, one: Any, other: Any) -> Difference:
    return Difference(name, _word(one), _word(other), one == other)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return 'none' if value is None else str(value)


def _history(node: orm.WorkChainNode) -> CampaignHistory:
    """Return the history that a campaign has published, or that it ended with."""
    content = node.outputs.history.get_dict() if 'history' in node.outputs else published_history(node)
    return CampaignHistory.model_validate(content or {})


def _explorations(history: CampaignHistory) -> list[tuple[Any, ...]]:
    runs = [run for record in history.iterations for run in record.explorations]
    return [_outcome(run) for run in [*runs, *(history.held_out.explorations if history.held_out else [])]]


def _outcome(run: ExplorationRecord) -> tuple[Any, ...]:
    return run.start, run.condition, run.seed, run.outcome, run.n_steps, run.highest_grade, run.n_candidates


def _compare_explorations(one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]) -> Difference:
    n_equal = sum(first == second for first, second in zip(one, other, strict=False))
    detail = '' if one == other else f'{n_equal} went the same way'
    return Difference('explorations', f'{len(one)}', f'{len(other)}', one == other, detail)


def _training(node: orm.WorkChainNode) -> Frames:
    nodes = dict(node.outputs.training.items()) if 'training' in node.outputs else {}
    return Frames.concatenate([nodes[name].get_frames() for name in sorted(nodes)])


def _held_out(node: orm.WorkChainNode) -> Frames:
    found = node.outputs.held_out if 'held_out' in node.outputs else None
    return found.get_frames() if isinstance(found, FramesData) else Frames.concatenate([])


def _compare_frames(name: str, one: Frames, other: Frames) -> Difference:
    """Compare the hashes of frames in order, then the bits of positions and labels."""
    words = f'{len(one)}', f'{len(other)}'
    if not len(one) or not len(other):
        return Difference(name, *words, len(one) == len(other))
    hashes = one.hashes(), other.hashes()
    if hashes[0] != hashes[1]:
        n_common = len(set(hashes[0]) & set(hashes[1]))
        return Difference(name, *words, False, f'{n_common} frames are in both')
    parts = []
    for array, unit in (('positions', 'Å'), ('energies', 'eV'), ('forces', 'eV/Å'), ('stresses', 'eV/Å³')):
        largest = _largest(getattr(one, array), getattr(other, array))
        if largest:
            parts.append(f'{array} by up to {largest:.1e} {unit}')
    return Difference(name, *words, not parts, ', '.join(parts))


def _compare_potentials(original: orm.WorkChainNode, replay: orm.WorkChainNode) -> Difference:
    """Compare the coefficients of the last potentials."""
    name = 'coefficients of the potential'
    one, other = _coefficients(original), _coefficients(replay)
    words = f'{one.size}', f'{other.size}'
    if one.size != other.size:
        return Difference(name, *words, False)
    largest = _largest(one, other)
    detail = f'by up to {largest:.1e}, where the largest is {np.abs(one).max():.1e}' if largest else ''
    return Difference(name, *words, not largest, detail)


def _coefficients(node: orm.WorkChainNode) -> np.ndarray:
    """Return the coefficients of the last potential; none if there is no trained moment tensor potential."""
    potential = node.outputs.potential if 'potential' in node.outputs else None
    if potential is None or potential.family != 'mtp' or not potential.is_trained:
        return np.empty(0)
    return potential.get_mtp().parameters


def _largest(one: np.ndarray | None, other: np.ndarray | None) -> float:
    """Return the largest difference between arrays; infinity where only one has values."""
    if one is None or other is None:
        return 0.0 if one is other else float('inf')
    if one.shape != other.shape or not np.array_equal(np.isnan(one), np.isnan(other)):
        return float('inf')
    return float(np.nanmax(np.abs(one - other), initial=0.0))
