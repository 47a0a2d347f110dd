"""How numbers are written."""

import pytest

from aiida_seimlip.report import words

NAN = float('nan')


@pytest.mark.parametrize(
    ('value', 'text'),
    [(0.0, '0'), (4.196, '4.20'), (0.11951, '0.120'), (8000, '8\u202f000'), (NAN, '–'), (2.54e7, '3·10⁷')],
)
def test_number(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(('seconds', 'text'), [(4, '4 s'), (200, '3.3 min'), (7200, '2.0 h'), (NAN, '–')])
def test_duration(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ('value', 'uncertainty', 'text'),
    [
        (1.23456e-10, 5.2e-12, '1.23(5)e-10'),
        (1.23456e-10, 1.27e-12, '1.235(13)e-10'),
        (1.23456e-10, 9.6e-12, '1.23(10)e-10'),
        (0.61234, 0.0421, '0.61(4)'),
        (3.14159, 2.5, '3.1(2.5)'),
        (1.0e-16, 2.4e-16, '1.0(2.4)e-16'),
        (-0.5, 0.01, '-0.500(10)'),
        (0.6123, None, '0.612'),
        (0.6123, 0.0, '0.612'),
        (0.6123, NAN, '0.612'),
        (300.0, None, '300'),
        (0.0, None, '0'),
        (NAN, 0.1, '–'),
    ],
)
def test_value_ends_where_its_uncertainty_does(value, uncertainty, text):
    assert words.with_uncertainty(value, uncertainty) == text


@pytest.mark.parametrize(
    ('value', 'text'),
    [(183.0, '180'), (0.00452, '0.0045'), (0.000452, '4.5e-4'), (99.7, '100'), (-1.0e-7, '-1.0e-7'),
     (2.98e25, '3.0e25'), (1935.4, '1900'), (9.96, '10')],
)  # fmt: skip
def test_two_significant_digits(value, text):
    assert words.significant(value, 2) == text


def test_numbers_as_a_printer_sets_them():
    assert words.typeset('1.23(5)e-10') == '1.23(5) × 10⁻¹⁰'
    assert words.typeset('1.2e+25') == '1.2 × 10²⁵'
    assert words.typeset('-0.50(1)') == '−0.50(1)'
    assert words.typeset_latex('1.23(5)e-10') == r'$1.23(5)\times10^{-10}$'
    assert words.typeset_latex('-0.50(1)') == '$-0.50(1)$'


@pytest.mark.parametrize(
    ('value', 'text'), [(0.0, '0 %'), (4e-6, '< 0.1 %'), (0.0125, '1.25 %'), (1.0, '100 %'), (NAN, '–')]
)
def test_share_that_is_not_zero_never_reads_zero(value, text):
    assert words.share(value) == text


def test_interval_over_orders_of_magnitude():
    assert words.interval(3.14e-17, 4.52e-16) == '3.1e-17 to 4.5e-16'
