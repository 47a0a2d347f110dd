"""The figures of cross-examinations: functions from arrays to SVG text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context

from aiida_seimlip.report.models.calibration_plots import MAX_POINTS
from aiida_seimlip.report.style import BLUE, GREY, INK, STYLE, VERMILION, new_figure, plain_log, to_svg

POINTS, ALLOWED, KEPT = BLUE, INK, VERMILION
"""Colours of disagreements, of what is allowed, and of frames that are kept."""


def disagreement_over_time(points: Mapping[str, np.ndarray], kept: Sequence[int], salt: str) -> str:
    """Draw the disagreement on the worst atom of each frame, and what is allowed, against the MD step.

    :param points: arrays of the output `points`.
    :param kept: indices of the frames that are kept.
    :param salt: begins the ids in the figure.
    """
    has_steps = bool((points['steps'] >= 0).all())
    x = points['steps'] if has_steps else points['indices']
    order = np.argsort(x, kind='stable')
    is_kept = np.isin(points['indices'], kept)
    with rc_context(STYLE):
        figure, ((axes,),) = new_figure(7.6, 3.6)
        axes.plot(x[order], points['allowed'][order], color=ALLOWED, lw=1.2, drawstyle='steps-mid')
        axes.plot(x[~is_kept], points['norms'][~is_kept], 'o', color=POINTS, ms=4, mew=0, alpha=0.7)
        axes.plot(x[is_kept], points['norms'][is_kept], 'D', color=KEPT, ms=5, mew=0)
        axes.set(xlabel='MD step' if has_steps else 'frame', ylabel='disagreement (eV/Å)')
        axes.set_ylim(bottom=0)
        return to_svg(figure, salt)


def disagreement_against_allowed(norms: np.ndarray, allowed: np.ndarray, salt: str) -> str:
    """Draw the disagreement on each atom against what the errors of both models allow; both axes are logarithmic.

    :param norms: in eV/Å; shape (n_atoms,).
    :param allowed: in eV/Å; shape (n_atoms,).
    :param salt: begins the ids in the figure.
    """
    drawn = np.unique(np.linspace(0, norms.size - 1, min(norms.size, MAX_POINTS)).astype(int))
    drawn = drawn[norms[drawn] > 0]
    with rc_context(STYLE):
        figure, ((axes,),) = new_figure(5.4, 4.2)
        axes.plot(allowed[drawn], norms[drawn], '.', color=GREY, ms=2.5, alpha=0.5, rasterized=True)
        ends = np.array([allowed.min(), allowed.max()])
        ends = ends * (0.9, 1.1)
        axes.plot(ends, ends, color=ALLOWED, lw=1.2)
        axes.set_xscale('log')
        axes.set_yscale('log')
        for axis in (axes.xaxis, axes.yaxis):
            plain_log(axis)
        axes.set(xlabel='allowed by the errors of both (eV/Å)', ylabel='disagreement (eV/Å)')
        return to_svg(figure, salt)
