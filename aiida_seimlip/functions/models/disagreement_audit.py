"""The audit of a cross-examination: how much two models disagree, on which elements, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import chemical_symbols

from aiida_seimlip.options.models.cross_examination import CrossExaminationOptions
from aiida_seimlip.options.models.cross_examination_results import (
    CrossExaminationResults,
    DisagreementRecord,
    ElementRecord,
    WindowRecord,
    WitnessRecord,
)
from aiida_seimlip.science.analysis.cross_examination import Disagreement
from aiida_seimlip.science.frames import Frames

MANY, FEW = 2.0, 1.0 / 3.0
"""Atoms in disagreement over those to be expected, from which on it is said that there are many, or few."""


@dataclass(frozen=True, eq=False)
class Examined:
    """Two models on the same frames.

    :param settings: what was asked for.
    :param frames: that both have evaluated.
    :param found: how far they are apart.
    :param steps: MD step of each frame, -1 where it is not known; shape (n_frames,).
    :param numbers: index of each frame in what was given; shape (n_frames,).
    """

    settings: CrossExaminationOptions
    frames: Frames
    found: Disagreement
    steps: np.ndarray
    numbers: np.ndarray

    @cached_property
    def is_beyond(self) -> np.ndarray:
        """Whether each atom is beyond what is allowed; shape (n_atoms,)."""
        return self.found.ratios > 1.0

    @property
    def shares(self) -> np.ndarray:
        """Share of the atoms of each frame beyond what is allowed; shape (n_frames,)."""
        return np.bincount(self.frames.frame_of_atom, self.is_beyond, len(self.frames)) / self.frames.sizes


def audit_of(examined: Examined, models: Mapping[str, WitnessRecord]) -> CrossExaminationResults:
    """Return how much two models disagree.

    :param examined: the frames, at least one.
    :param models: what is known of each, by its name.
    """
    settings, ratios = examined.settings, examined.found.largest_ratios
    is_told = any(record.source != 'threshold' for record in models.values())
    in_disagreement = ratios > settings.min_ratio
    results = CrossExaminationResults(
        models=dict(models), level=settings.level, min_ratio=settings.min_ratio, n_frames=len(examined.frames),
        n_atoms=int(examined.frames.ptr[-1]), share_expected=1.0 - settings.level if is_told else None,
        share_atoms=float(examined.is_beyond.mean()), share_frames=float(in_disagreement.mean()),
        by_element=dict(_by_element(examined)), over_time=list(_over_time(examined)),
        largest=_record(examined, int(np.argmax(ratios))), first=_first(examined, in_disagreement),
    )  # fmt: skip
    results.doubts = list(_doubts(results))
    return results


def _by_element(examined: Examined) -> Iterator[tuple[str, ElementRecord]]:
    for number in np.unique(examined.frames.numbers):
        which = examined.frames.numbers == number
        norms = examined.found.norms[which]
        yield chemical_symbols[number], ElementRecord(
            n_atoms=int(which.sum()), share=float(examined.is_beyond[which].mean()),
            rms_ev_per_angstrom=float(np.sqrt(np.mean(norms**2))), largest_ev_per_angstrom=float(norms.max()),
        )  # fmt: skip


def _over_time(examined: Examined) -> Iterator[WindowRecord]:
    """Yield parts of the time of equal length; those without a frame are left out."""
    known = np.flatnonzero(examined.steps >= 0)
    if known.size < 2:
        return
    steps = examined.steps[known]
    edges = np.linspace(steps.min(), steps.max(), examined.settings.n_windows + 1)
    windows = np.clip(np.searchsorted(edges, steps, side='right') - 1, 0, examined.settings.n_windows - 1)
    ratios, sizes, shares = examined.found.largest_ratios, examined.frames.sizes, examined.shares
    for window in np.unique(windows):
        inside = known[windows == window]
        yield WindowRecord(
            first_step=int(examined.steps[inside].min()), last_step=int(examined.steps[inside].max()),
            n_frames=int(inside.size), share=float(np.average(shares[inside], weights=sizes[inside])),
            largest_ratio=float(ratios[inside].max()),
        )  # fmt: skip


def _first(examined: Examined, in_disagreement: np.ndarray) -> DisagreementRecord | None:
    found = np.flatnonzero(in_disagreement & (examined.steps >= 0))
    return None if not found.size else _record(examined, int(found[np.argmin(examined.steps[found])]))


def _record(examined: Examined, index: int) -> DisagreementRecord:
    """Return the atom of a frame with the largest ratio."""
    atom, found = int(examined.found.worst_atoms[index]), examined.found
    step = int(examined.steps[index])
    return DisagreementRecord(
        frame=int(examined.numbers[index]), atom=atom - int(examined.frames.ptr[index]),
        symbol=chemical_symbols[examined.frames.numbers[atom]], step=None if step < 0 else step,
        norm_ev_per_angstrom=float(found.norms[atom]), allowed_ev_per_angstrom=float(found.allowed[atom]),
        ratio=float(found.ratios[atom]),
    )  # fmt: skip


def _doubts(results: CrossExaminationResults) -> Iterator[str]:
    expected, share = results.share_expected, results.share_atoms
    if expected is None or share is None:
        return
    if share > MANY * expected:
        yield (
            f'{100 * share:.3g} % of the atoms are beyond what the errors of both allow, {100 * expected:.3g} % were '
            'to be expected: these frames are unlike those that the errors are known from.'
        )
    elif share < FEW * expected:
        yield (
            f'Only {100 * share:.2g} % of the atoms are beyond what the errors of both allow, {100 * expected:.3g} % '
            'were to be expected: models that learned from the same frames share a part of their errors, which they '
            'cannot see in each other.'
        )
