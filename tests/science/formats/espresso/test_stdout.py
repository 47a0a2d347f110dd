"""What pw.x prints: recordings of 6.7."""

import pytest

from aiida_seimlip.science.formats.espresso.stdout import find_error, is_refusal, read_potentials

BORDER = '%' * 78
STOPPED = f"""
     mesh size missing, using the one in header

 {BORDER}
     Error in routine setup (1):
     too few bands
 {BORDER}

     stopping ...--------------------------------------------------------------------------
"""


def test_error_is_found_and_refuses():
    assert find_error(STOPPED) == ('setup', 'too few bands (setup, 1)')
    assert is_refusal('setup')


@pytest.mark.parametrize('routine', ['c_bands', 'cdiaghg', 'davcio', 'electrons'])
def test_errors_of_later_routines_are_no_refusals(routine):
    found = find_error(STOPPED.replace('setup', routine))
    assert found is not None
    assert not is_refusal(found[0])


def test_no_error():
    assert find_error('     convergence has been achieved in   9 iterations\n') is None


def test_potentials(fixtures):
    text = (fixtures / 'espresso' / 'lif.out').read_text()
    assert read_potentials(text) == {
        'F': 'e79d493a50113cefedcefee2f1adb6e7', 'Li': 'dbcf0ea72988e720c8c712b432d51b0d',
    }  # fmt: skip
    assert read_potentials('') == {}
