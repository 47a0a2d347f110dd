"""Which frames of an exploration become candidates, whatever program has run it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from aiida_seimlip.options.exploration import ExplorationRunOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.salvage import is_sane, is_whole, thin


@dataclass(frozen=True, eq=False)
class Candidates:
    """Frames that are worth a look, and what was left out.

    :param frames: in the order in which they were met.
    :param counts: how many there were at first, and how many were left out for which reason.
    :param breaking_index: index of the frame that broke the run, None if there is none.
    """

    frames: Frames = field(default_factory=Frames.empty)
    counts: dict[str, int] = field(default_factory=dict)
    breaking_index: int | None = None


def gather_candidates(
    saved: Frames,
    trajectory: Frames,
    options: ExplorationRunOptions,
    outcome: str,
    numbers: np.ndarray,
    *,
    n_damaged: int = 0,
) -> Candidates:
    """Choose the candidates of a run.

    :param saved: frames above the threshold, in the order in which they were met, with grades.
    :param trajectory: of the same run; its last sane frames are added after a crash.
    :param options: how many to keep, and what is sane.
    :param outcome: how the run ended; the last frame saved by a run that broke is the one that broke it.
    :param numbers: atomic numbers of the start: frames that have lost atoms are left out.
    :param n_damaged: number of frames that were saved, but cannot be read.
    """
    frames = saved
    counts = {'n_saved': len(frames) + n_damaged, 'n_damaged': n_damaged}
    whole = is_whole(frames, numbers)
    counts['n_incomplete'] = int((~whole).sum())
    frames = frames[whole]
    if outcome == 'crashed':
        sane = is_sane(frames, options.salvage_distance)
        counts['n_insane'] = int((~sane).sum())
        frames = frames[sane]
    grades = np.full(len(frames), np.nan) if frames.grades is None else frames.grades
    broke = outcome == 'broke' and len(frames) > 0
    chosen = thin(grades, options.max_candidates, keep=(-1,) if broke else ())
    counts['n_thinned'] = len(frames) - len(chosen)
    frames = frames[chosen]
    breaking_index = len(frames) - 1 if broke else None
    if outcome == 'crashed' and options.n_salvaged:
        sane = is_sane(trajectory, options.salvage_distance) & is_whole(trajectory, numbers)
        salvaged = trajectory[sane].without_labels()
        salvaged = salvaged[np.arange(len(salvaged))[-options.n_salvaged :]].replace(velocities=None)
        counts['n_salvaged'] = len(salvaged)
        frames = Frames.concatenate([frames, salvaged])
    return Candidates(frames, counts, breaking_index)
