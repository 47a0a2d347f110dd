"""How a run of LAMMPS ended, from what it printed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.formats.lammps_log import LammpsLog
from aiida_seimlip.science.formats.mlip3_output import find_error, parse_break, was_aborted

LOST_BREAK = 'LAMMPS stopped without a message behind a frame above the threshold.'
LOST_MESSAGE = 'LAMMPS aborted itself, and its message was lost.'
UNKNOWN_STYLE = 'Unrecognized pair style'
UNKNOWN_STYLE_HINT = (
    'The code lacks the pair style of the option `dialect`: choose another, leave the choice to the engine, be it of '
    'explorations or of dynamics, by `dialect: auto`, or see by `aiida-seimlip check` which pair styles the code has.'
)


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    :param outcome: completed, broke, crashed, out_of_walltime or failed (of which nothing can be learned).
    :param message: why it ended early, None if it did not.
    :param exit_code: label of the exit code, None if all is well.
    :param grade: the grade that exceeded the threshold, of a run that broke.
    """

    outcome: str
    message: str | None = None
    exit_code: str | None = None
    grade: float | None = None


def find_ending(
    log: LammpsLog,
    stdout: str,
    stderr: str,
    *,
    is_started: bool,
    is_out_of_time: bool,
    breaking_grade: float | None = None,
) -> Ending:
    """Find out how a run ended from what it printed.

    A build of LAMMPS with MPI that aborts loses its last words where they go to a file, the break threshold and the
    cause of a crash among them: then the frame that it saved last, and the words of the MPI library, must tell.

    :param log: the log file, or what stands in its stead.
    :param is_started: whether a step was completed.
    :param is_out_of_time: whether the scheduler says that the wall time was used up.
    :param breaking_grade: grade of the frame that was saved last if it is above the threshold to break, else None.
    """
    grade = parse_break(stderr, stdout)
    if grade is not None:
        return Ending('broke', find_error(stdout, stderr), 'BREAKING_THRESHOLD_EXCEEDED', grade)
    message = log.error or find_error(stdout, stderr, 0 if log.completed else None)
    if message is None and not log.completed and breaking_grade is not None:
        return Ending('broke', LOST_BREAK, 'BREAKING_THRESHOLD_EXCEEDED', breaking_grade)
    if message is None and not log.completed and was_aborted(stderr):
        message = LOST_MESSAGE
    if message is not None and UNKNOWN_STYLE in message:
        message = f'{message.rstrip(" .")}. {UNKNOWN_STYLE_HINT}'
    if message is None and log.completed and not all(np.isfinite(column).all() for column in log.thermo.values()):
        message = 'The thermodynamic output holds values that are not finite.'
    if log.timed_out or (is_out_of_time and not log.completed):
        return Ending('out_of_walltime', message or 'The wall time ended.', 'ERROR_OUT_OF_WALLTIME')
    if message is not None:
        return (
            Ending('crashed', message, 'ERROR_CRASHED')
            if is_started
            else Ending('failed', message, 'ERROR_INITIALISATION')
        )
    if log.completed:
        return Ending('completed')
    return Ending('failed', 'The run stopped without a message.', 'ERROR_INTERRUPTED')
