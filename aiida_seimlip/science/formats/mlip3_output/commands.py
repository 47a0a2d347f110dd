"""What each command told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_output.endings import find_error
from aiida_seimlip.science.formats.mlip3_output.report import REPORT_END, ErrorsReport, parse_errors_report
from aiida_seimlip.science.formats.mlip3_output.search import NUMBER, find_float, find_integer, has_line

TRAINING_COMPLETE = 'training complete'
GRADES_COMPLETE = 'Grade evaluation complete'
EVALUATION_COMPLETE = 'EFS calculation complete'
NO_SELECTION_DATA = 'No selection data provided with MLIP'

STOP_REASONS = {
    'step limit reached': 'iteration_limit',
    'BFGS ended due to small decr. in': 'converged',
    'BFGS has exceeded the linesearch limit': 'linesearch',
    'LM ended due to small decr. in': 'converged',
    'LM cannot improve further': 'linesearch',
    'LM ended as the held-out loss did not fall in': 'held_out',
}
"""Why an optimiser stopped, by the begin of the line that it prints."""


@dataclass(frozen=True, eq=False)
class TrainOutput:
    """What ``mlp train`` told.

    :param success: whether it came to its end; only then the potential it wrote is complete.
    :param n_configurations: configurations read, labelled or not; None if it did not come so far.
    :param losses: loss before each iteration of the last optimisation; shape (n_iterations,).
    :param pretraining_losses: the same for the optimisations before, from an untrained potential.
    :param min_dist: shortest interatomic distance in the training set in Å.
    :param errors: differences to the training set, of the labelled configurations.
    :param stop_reason: ``converged``, ``iteration_limit``, ``linesearch``, ``held_out``, or None if there was no
        optimisation.
    :param message: what went wrong, or None.
    """

    success: bool
    n_configurations: int | None
    losses: np.ndarray
    pretraining_losses: np.ndarray
    min_dist: float | None
    errors: ErrorsReport | None
    stop_reason: str | None
    message: str | None


@dataclass(frozen=True)
class SelectOutput:
    """What ``mlp select_add`` told.

    :param success: whether it came to its end.
    :param n_from_training: configurations of the training set in the active set; None if it did not come so far.
    :param n_selected: candidates newly selected; None if it did not come to its end.
    :param message: what went wrong, or None.
    """

    success: bool
    n_from_training: int | None
    n_selected: int | None
    message: str | None


@dataclass(frozen=True)
class MindistOutput:
    """What ``mlp mindist`` told.

    :param shortest: shortest distance in the file in Å.
    :param by_types: shortest distance in Å for each pair of types, the smaller number first.
    """

    shortest: float
    by_types: dict[tuple[int, int], float] = field(default_factory=dict)


def parse_train(stdout: str, stderr: str) -> TrainOutput:
    """Parse the output of ``train``, complete or not.

    :raises FormatError: if the report of errors is damaged.
    """
    success = has_line(stdout, TRAINING_COMPLETE)
    runs = [_losses(part) for part in stdout.split('training started')[1:]]
    last = stdout.rsplit('training started', 1)[-1] if runs else ''
    is_pretraining = 'Pre-training started' in stdout and 'Pre-training ended' not in stdout
    final = runs.pop() if runs and not is_pretraining else np.empty(0)
    stops = [(last.rfind(line), reason) for line, reason in STOP_REASONS.items() if line in last]
    return TrainOutput(
        success=success,
        n_configurations=find_integer(r'^(\d+) configurations found in the training set$', stdout),
        losses=final,
        pretraining_losses=np.concatenate(runs) if runs else np.empty(0),
        min_dist=find_float(rf'^Minimal interatomic distance in the training set is ({NUMBER})', stdout),
        errors=parse_errors_report(stdout) if success or REPORT_END in stdout else None,
        stop_reason=max(stops)[1] if stops and not is_pretraining else None,
        message=None if success else find_error(stdout, stderr, None),
    )


def parse_grades(stdout: str) -> np.ndarray:
    """Return the grades that ``calculate_grade`` printed, in the order of the configurations; shape (n_frames,).

    :raises FormatError: if lines are missing or repeated, as the lines of several MPI ranks are: the numbers count for
        each rank anew, and only the files tell which configuration is which.
    """
    found = re.findall(rf'^Sampling: cfg# (\d+)\tgrade: ({NUMBER})$', stdout, re.MULTILINE)
    numbers = [int(number) for number, _ in found]
    if numbers != list(range(1, len(found) + 1)):
        raise FormatError('The grades are not those of configurations 1, 2, 3, ... in turn.', name='stdout')
    return np.array([float(grade) for _, grade in found])


def parse_select(stdout: str, stderr: str = '') -> SelectOutput:
    """Parse the output of ``select_add``, complete or not."""
    n_selected = find_integer(r'^Training set was increased by (\d+) configurations$', stdout)
    message = find_error(stdout, stderr, None)
    return SelectOutput(
        success=n_selected is not None and message is None,
        n_from_training=find_integer(r'^(\d+) configurations selected from training set$', stdout),
        n_selected=n_selected,
        message=message,
    )


def parse_mindist(stdout: str) -> MindistOutput:
    """Parse the output of ``mindist``.

    :raises FormatError: if it lacks the shortest distance.
    """
    shortest = find_float(rf'^Global mindist: ({NUMBER})$', stdout)
    if shortest is None:
        raise FormatError('The line `Global mindist` is missing.', name='stdout')
    pairs = re.findall(rf'^mindist\((\d+), (\d+)\) = ({NUMBER})$', stdout, re.MULTILINE)
    return MindistOutput(shortest, {(int(one), int(two)): float(distance) for one, two, distance in pairs})


def _losses(text: str) -> np.ndarray:
    found = re.findall(rf'^(?:BFGS|LM) iter \d+: f=({NUMBER})$', text, re.MULTILINE)
    return np.array([float(loss) for loss in found])
