"""The figures of trainings: functions from arrays to SVG text."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import rc_context

from aiida_seimlip.report.style import BLUE, ORANGE, STYLE, VERMILION, new_figure, plain_log, to_svg

CURVES = {
    'loss': ('training loss', BLUE), 'validation_loss': ('validation loss', ORANGE),
}  # fmt: skip
"""Name and colour of each curve of losses."""


def learning_curve(history: Mapping[str, np.ndarray], salt: str) -> str:
    """Draw the losses, and beside them the error of the forces where it is known, by epoch or iteration.

    :param history: arrays of shape (n_epochs,), or (n_members, n_epochs), of which each member is drawn.
    :param salt: begins the ids in the figure.
    """
    with rc_context(STYLE):
        forces = history.get('force_rmse')
        figure, (row,) = new_figure(7.6, 3.4, columns=1 if forces is None else 2)
        for name, (label, colour) in CURVES.items():
            for number, values in enumerate(np.atleast_2d(history.get(name, np.zeros((0, 0))))):
                row[0].plot(np.arange(values.size), values, color=colour, lw=1.2, label='' if number else label)
        row[0].set_ylabel('loss')
        if forces is not None:
            for values in np.atleast_2d(forces):
                row[1].plot(np.arange(values.size), values, color=VERMILION, lw=1.2)
            row[1].set_ylabel('force RMSE on validation (eV/Å)')
        for axes in row:
            axes.set_yscale('log')
            plain_log(axes.yaxis)
            axes.set_xlabel('epoch' if 'validation_loss' in history else 'iteration')
        row[0].legend(loc='upper right')
        return to_svg(figure, salt)
