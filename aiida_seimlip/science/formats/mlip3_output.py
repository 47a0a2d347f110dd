"""What MLIP-3's program ``mlp`` prints.

An exit code of zero does not mean success: each command says in its last lines whether it came to its end, and some
errors are told on the standard output only. The functions here take the whole text of the standard output and, where it
matters, of the standard error.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np

from aiida_seimlip.science.formats import FormatError

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

_NUMBER = r'[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|nan|inf)'
_BREAK = re.compile(
    rf'(?<!failed: )Breaking threshold exceeded \(MV-grade: ({_NUMBER})\)|Exceeded Break Threshold: ({_NUMBER})',
    re.IGNORECASE,
)
_MESSAGES = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r'ERROR(?: on proc \d+)?: (?P<message>[^\n]+?)[ \t]*(?:\((?:src|\.\.)/[^\n]*)?$',
        r'^!!!\s+(?P<message>Read a configuration with \(negative\) Stress)\.',
        r'^(?:Rank \d+, )?(?P<message>Atomic number \d+ is not present in the MTP potential!)',
        r'^(?:Rank \d+, )?(?P<message>No selection data provided with MLIP)',
        r'^(?:Rank \d+, )?(?P<message>MaxVol::ReadData\(\): .*)',
        r'^Error: (?P<message>command \S* does not exist)\.',
        r'^\s*(?:mlp \w+: |Error: )(?P<message>\d+ arguments?(?: are| is)? required)',
        r'^(?:Rank \d+, )?(?P<message>Breaking threshold exceeded \(MV-grade: [^)\n]*\))',
        r'^Exception: (?P<message>.*)',
    )
)
_ABORT = re.compile(r'MPI_ABORT was invoked|MPI_Abort\(')
_BANNER = re.compile(
    r'^-{20,}$[\s\S]*?^-{20,}$|^\[[^\]\n]*\] .*$|^Cannot open shared.*$|^\s*WARNING.*$|^.*MPI_Abort\(.*$', re.MULTILINE
)  # of mpirun


@dataclass(frozen=True)
class ErrorBlock:
    """Statistics of the absolute differences of one quantity, NaN if there was nothing to compare.

    :param count: number of configurations or atoms compared.
    :param max: largest difference.
    :param mean: mean difference.
    :param rms: root of the mean squared difference.
    :param relative_max: largest difference over largest reference value, where reported.
    :param relative_rms: RMS difference over RMS reference value, where reported.
    """

    count: int
    max: float
    mean: float
    rms: float
    relative_max: float | None = None
    relative_rms: float | None = None


@dataclass(frozen=True)
class ErrorsReport:
    """The report of errors behind a training and of ``check_errors``.

    :param energy: of total energies in eV.
    :param energy_per_atom: in eV.
    :param force: norms of the difference of the force *vectors*, per atom, in eV/Å. Divide the RMS by √3 to compare it
        with an RMS over components.
    :param stress_energy: Frobenius norms of the difference of stress times volume in eV.
    :param stress_pressure: Frobenius norms of the difference of stresses in GPa.
    """

    energy: ErrorBlock
    energy_per_atom: ErrorBlock
    force: ErrorBlock
    stress_energy: ErrorBlock
    stress_pressure: ErrorBlock


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


# -- why a program ended ----------------------------------------------------------------------------------------------


def find_error(stdout: str, stderr: str, exit_code: int | None = 0) -> str | None:
    """Return the one message that says why a program ended, without the place in its source code.

    Passing the break threshold has a message, too; see `parse_break`.

    :param exit_code: None if it is unknown. Where it is not zero and no known message is found, what stands on the
        standard error, other than the banners of ``mpirun``, is the message.
    :return: None if there is no message.
    """
    for text in (stderr, stdout):
        found = [match for pattern in _MESSAGES if (match := pattern.search(text))]
        if found:
            message = min(found, key=lambda match: match.start('message')).group('message')
            return ' '.join(message.split())
    rest = [line.strip() for line in _BANNER.sub('', stderr).splitlines() if line.strip()]
    return rest[-1] if exit_code != 0 and rest else None


def parse_break(stderr: str, stdout: str) -> float | None:
    """Return the highest grade at which an exploration passed its break threshold; None if it did not.

    Knows both pair styles, ``mlip`` and ``mtp``, and lines of several MPI ranks that run together. The breaks that
    ``mlp relax`` catches for each configuration do not count.
    """
    grades = [float(one or two) for one, two in _BREAK.findall(f'{stderr}\n{stdout}')]
    return max(grades) if grades else None


def was_aborted(stderr: str) -> bool:
    """Return whether an MPI library says that a program aborted itself, as LAMMPS does for an error on one rank.

    Killed programs do not. What such a program printed last is lost where it goes to a file.
    """
    return _ABORT.search(stderr) is not None


# -- commands ---------------------------------------------------------------------------------------------------------


def parse_train(stdout: str, stderr: str) -> TrainOutput:
    """Parse the output of ``train``, complete or not.

    :raises FormatError: if the report of errors is damaged.
    """
    success = _has_line(stdout, TRAINING_COMPLETE)
    runs = [_losses(part) for part in stdout.split('training started')[1:]]
    last = stdout.rsplit('training started', 1)[-1] if runs else ''
    is_pretraining = 'Pre-training started' in stdout and 'Pre-training ended' not in stdout
    final = runs.pop() if runs and not is_pretraining else np.empty(0)
    stops = [(last.rfind(line), reason) for line, reason in STOP_REASONS.items() if line in last]
    return TrainOutput(
        success=success,
        n_configurations=_integer(r'^(\d+) configurations found in the training set$', stdout),
        losses=final,
        pretraining_losses=np.concatenate(runs) if runs else np.empty(0),
        min_dist=_float(rf'^Minimal interatomic distance in the training set is ({_NUMBER})', stdout),
        errors=parse_errors_report(stdout) if success or _REPORT_END in stdout else None,
        stop_reason=max(stops)[1] if stops and not is_pretraining else None,
        message=None if success else find_error(stdout, stderr, None),
    )


def parse_grades(stdout: str) -> np.ndarray:
    """Return the grades that ``calculate_grade`` printed, in the order of the configurations; shape (n_frames,).

    :raises FormatError: if lines are missing or repeated, as the lines of several MPI ranks are: the numbers count for
        each rank anew, and only the files tell which configuration is which.
    """
    found = re.findall(rf'^Sampling: cfg# (\d+)\tgrade: ({_NUMBER})$', stdout, re.MULTILINE)
    numbers = [int(number) for number, _ in found]
    if numbers != list(range(1, len(found) + 1)):
        raise FormatError('The grades are not those of configurations 1, 2, 3, ... in turn.', name='stdout')
    return np.array([float(grade) for _, grade in found])


def parse_select(stdout: str, stderr: str = '') -> SelectOutput:
    """Parse the output of ``select_add``, complete or not."""
    n_selected = _integer(r'^Training set was increased by (\d+) configurations$', stdout)
    message = find_error(stdout, stderr, None)
    return SelectOutput(
        success=n_selected is not None and message is None,
        n_from_training=_integer(r'^(\d+) configurations selected from training set$', stdout),
        n_selected=n_selected,
        message=message,
    )


def parse_mindist(stdout: str) -> MindistOutput:
    """Parse the output of ``mindist``.

    :raises FormatError: if it lacks the shortest distance.
    """
    shortest = _float(rf'^Global mindist: ({_NUMBER})$', stdout)
    if shortest is None:
        raise FormatError('The line `Global mindist` is missing.', name='stdout')
    pairs = re.findall(rf'^mindist\((\d+), (\d+)\) = ({_NUMBER})$', stdout, re.MULTILINE)
    return MindistOutput(shortest, {(int(one), int(two)): float(distance) for one, two, distance in pairs})


# -- the report of errors ---------------------------------------------------------------------------------------------

_REPORT_BEGIN = 'Errors report'
_REPORT_END = '_' * 40
_HEADINGS = {
    'energy': 'Energy:',
    'energy_per_atom': 'Energy per atom:',
    'force': 'Forces:',
    'stress_energy': 'Stresses (in energy units):',
    'stress_pressure': 'Virial stresses (in pressure units):',
}
_LINES = {
    'count': r'Errors checked for (\d+) (?:configurations|atoms)',
    'max': rf'Maximal absolute difference = ({_NUMBER})',
    'mean': rf'Average absolute difference = ({_NUMBER})',
    'rms': rf'RMS     absolute difference = ({_NUMBER})',
    'relative_max': rf'Max\(\w+Diff\) / Max\(\w+\) = ({_NUMBER})',
    'relative_rms': rf'RMS\(\w+Diff\) / RMS\(\w+\) = ({_NUMBER})',
}
_OPTIONAL = ('relative_max', 'relative_rms')


def parse_errors_report(text: str) -> ErrorsReport:
    """Parse the last report of errors in a text.

    :raises FormatError: if there is none, or it is not complete.
    """
    _, mark, report = text.rpartition(_REPORT_BEGIN)
    if not mark:
        raise FormatError('There is no report of errors.', name='stdout')
    if f'\n{_REPORT_END}' not in report:
        raise FormatError('The report of errors is not complete.', name='stdout')
    return ErrorsReport(**{key: _block(report, heading) for key, heading in _HEADINGS.items()})


def _block(report: str, heading: str) -> ErrorBlock:
    match = re.search(rf'^{re.escape(heading)}\n((?:\t.*\n)+)', report, re.MULTILINE)
    if match is None:
        raise FormatError(f'The report of errors lacks the block `{heading}`.', name='stdout')
    values: dict[str, float | None] = {}
    for key, pattern in _LINES.items():
        found = re.search(rf'^\t{pattern}$', match.group(1), re.MULTILINE)
        if found is None and key not in _OPTIONAL:
            raise FormatError(f'The block `{heading}` of the report of errors is not complete.', name='stdout')
        values[key] = None if found is None else float(found.group(1))
    count = int(values.pop('count') or 0)
    if not count:  # the program prints 0 where there was nothing to compare
        values = dict.fromkeys(values, None) | dict.fromkeys(('max', 'mean', 'rms'), math.nan)
    return ErrorBlock(count=count, **values)  # type: ignore[arg-type]


# -- helpers ----------------------------------------------------------------------------------------------------------


def _has_line(text: str, line: str) -> bool:
    return re.search(rf'^{re.escape(line)}$', text, re.MULTILINE) is not None


def _losses(text: str) -> np.ndarray:
    found = re.findall(rf'^(?:BFGS|LM) iter \d+: f=({_NUMBER})$', text, re.MULTILINE)
    return np.array([float(loss) for loss in found])


def _integer(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text, re.MULTILINE)
    return int(found.group(1)) if found else None


def _float(pattern: str, text: str) -> float | None:
    found = re.search(pattern, text, re.MULTILINE)
    return float(found.group(1)) if found else None
