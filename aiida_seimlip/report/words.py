"""Numbers in words: how a report writes values, uncertainties, intervals and times."""

from __future__ import annotations

import math
import re
import warnings

UNKNOWN = '–'
EXPONENT_PATTERN = re.compile(r'e([+-]?)0*(\d+)$')
SMALLEST_POWER, LARGEST_POWER = -3, 5
"""Powers of ten from the first on, and below the second, are written out."""
SUPERSCRIPTS = str.maketrans('0123456789-', '⁰¹²³⁴⁵⁶⁷⁸⁹⁻')


def number(value: float) -> str:
    """Write a number with three significant digits at most, large ones in thousands."""
    if not math.isfinite(value):
        return UNKNOWN
    if abs(value) >= 1e5:
        exponent = math.floor(math.log10(abs(value)))
        return f'{value / 10**exponent:.0f}·10{superscript(exponent)}'
    if abs(value) >= 100:
        return f'{value:,.0f}'.replace(',', '\u202f')
    return f'{value:#.3g}' if value else '0'


def superscript(exponent: int) -> str:
    """Write an integer above the line."""
    return str(exponent).translate(SUPERSCRIPTS)


def power_of_ten(exponent: int) -> str:
    """Write a power of ten, such as ``10⁻¹⁰``."""
    return f'10{superscript(exponent)}'


def word(stage: str) -> str:
    """Write the name of a stage."""
    return stage.replace('held_out', 'held-out')


def grade(value: float) -> str:
    """Write an extrapolation grade, with one decimal where it can matter."""
    return f'{value:.1f}' if abs(value) < 100 else number(value)


def share(value: float) -> str:
    """Write a share from 0 to 1 in percent; one that is not zero is never written as zero."""
    if not math.isfinite(value):
        return UNKNOWN
    if 0 < value < 1e-3:
        return '< 0.1 %'
    return f'{100 * value:.3g} %'


def duration(seconds: float) -> str:
    """Write a length of time as a person would."""
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 90:
        return f'{seconds:.0f} s'
    if seconds < 90 * 60:
        return f'{seconds / 60:.1f} min'
    return f'{seconds / 3600:.1f} h'


def with_uncertainty(value: float, uncertainty: float | None = None, *, digits: int = 3) -> str:
    """Write a value with its standard uncertainty in parentheses, such as ``1.23(5)e-10``.

    Both are rounded by the rule of the Particle Data Group: the uncertainty keeps two digits where they are between 10
    and 35, one digit otherwise, and the value ends where its uncertainty does.

    :param value: any number.
    :param uncertainty: standard uncertainty in the same unit; None, zero or NaN if it is not known.
    :param digits: significant digits of a value without uncertainty.
    """
    if not math.isfinite(value):
        return UNKNOWN
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= 0:
        return significant(value, digits)
    from uncertainties import ufloat

    with warnings.catch_warnings():
        warnings.simplefilter('ignore', FutureWarning)
        text: str = f'{ufloat(value, uncertainty):uS}'
    return text


def significant(value: float, digits: int) -> str:
    """Write a number with so many significant digits; with a power of ten below 0.001 and from 100 000 on.

    :param value: a finite number.
    :param digits: at least one.
    """
    if value == 0:
        return '0'
    mantissa, exponent = f'{value:.{digits - 1}e}'.split('e')
    power = int(exponent)
    if not SMALLEST_POWER <= power < LARGEST_POWER:
        return f'{mantissa}e{power}'
    return f'{float(f"{mantissa}e{power}"):.{max(0, digits - 1 - power)}f}'


def interval(low: float, high: float, *, digits: int = 2) -> str:
    """Write an interval, such as ``3.1e-17 to 4.5e-16``."""
    return f'{with_uncertainty(low, digits=digits)} to {with_uncertainty(high, digits=digits)}'


def typeset(text: str) -> str:
    """Write numbers in the notation of computers as a printer would: ``1.23(5)e-10`` becomes ``1.23(5) × 10⁻¹⁰``."""
    pretty = EXPONENT_PATTERN.sub(lambda found: f' × {power_of_ten(_exponent(found))}', text)
    return re.sub(r'^-(?=\d)', '−', pretty)


def typeset_interval(low: float, high: float, *, digits: int = 2) -> str:
    """Write an interval as a printer would."""
    return ' to '.join(typeset(with_uncertainty(end, digits=digits)) for end in (low, high))


def typeset_latex(text: str) -> str:
    r"""Write a number for LaTeX: ``1.23(5)e-10`` becomes ``$1.23(5)\times10^{-10}$``."""
    number = EXPONENT_PATTERN.sub(lambda found: rf'\times10^{{{_exponent(found)}}}', text)
    return f'${number}$'


def _exponent(found: re.Match[str]) -> int:
    return int(found[1] + found[2])
