"""The report of errors behind a training and of ``check_errors``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_output.search import NUMBER

_REPORT_BEGIN = 'Errors report'
REPORT_END = '_' * 40
_HEADINGS = {
    'energy': 'Energy:',
    'energy_per_atom': 'Energy per atom:',
    'force': 'Forces:',
    'stress_energy': 'Stresses (in energy units):',
    'stress_pressure': 'Virial stresses (in pressure units):',
}
_LINES = {
    'count': r'Errors checked for (\d+) (?:configurations|atoms)',
    'max': rf'Maximal absolute difference = ({NUMBER})',
    'mean': rf'Average absolute difference = ({NUMBER})',
    'rms': rf'RMS     absolute difference = ({NUMBER})',
    'relative_max': rf'Max\(\w+Diff\) / Max\(\w+\) = ({NUMBER})',
    'relative_rms': rf'RMS\(\w+Diff\) / RMS\(\w+\) = ({NUMBER})',
}
_OPTIONAL = ('relative_max', 'relative_rms')


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


def parse_errors_report(text: str) -> ErrorsReport:
    """Parse the last report of errors in a text.

    :raises FormatError: if there is none, or it is not complete.
    """
    _, mark, report = text.rpartition(_REPORT_BEGIN)
    if not mark:
        raise FormatError('There is no report of errors.', name='stdout')
    if f'\n{REPORT_END}' not in report:
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
