"""Elements of LAMMPS' types, as far as files tell them."""

import pytest
from ase.data import atomic_masses, chemical_symbols

from aiida_seimlip.science.formats.lammps_elements import (
    elements_of_data,
    look_for_elements,
    looks_like_data,
    looks_like_dump,
)

BOX = '0 4 xlo xhi\n0 4 ylo yhi\n0 4 zlo zhi\n'
HEAD = 'any title\n\n1 atoms\n{n} atom types\n' + BOX + '\nMasses\n\n{masses}\n\nAtoms # charge\n'


def data(*masses):
    rows = '\n'.join(f'{number} {mass}' for number, mass in enumerate(masses, start=1))
    return HEAD.format(n=len(masses), masses=rows)


def test_masses_of_all_common_elements():
    """Each mass with two decimals is that of its element; neighbours that are nearer than the tolerance are refused."""
    for number in range(1, 93):
        symbol = chemical_symbols[number]
        near = [n for n in range(1, 119) if abs(atomic_masses[n] - atomic_masses[number]) <= 0.1]
        text = data(f'{atomic_masses[number]:.2f}')
        if len(near) == 1:
            assert elements_of_data(text) == [symbol]


@pytest.mark.parametrize(
    ('masses', 'elements'),
    [(('6.94', '16'), ['Li', 'O']), (('6.9 # Li', '6.9 # Na'), ['Li', 'Na']), (('7.0', '18.998  # F1'), ['Li', 'F'])],
)
def test_elements_of_data(masses, elements):
    assert elements_of_data(data(*masses)) == elements


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        (data('1.0', '1.0'), 'all its masses are 1'), (data('40'), 'that of Ar or Ca'), (data('500'), 'no element'),
        ('title\n\n1 atoms\n', 'no masses'), (data('6.94').replace('\n1 6.94', '\n2 6.94'), 'not those of the types'),
    ],
)  # fmt: skip
def test_data_that_tells_nothing(text, words):
    with pytest.raises(ValueError, match=words):
        elements_of_data(text)


def test_title_of_this_package():
    assert elements_of_data('LAMMPS data file, units metal, atom types: Li C O\n\n') == ['Li', 'C', 'O']


def test_column_of_elements():
    look_for_elements('ITEM: TIMESTEP\n0\nITEM: ATOMS id type element x\n1 3 O 0\n')
    with pytest.raises(ValueError, match='no column `element`'):
        look_for_elements('ITEM: ATOMS id type x\n1 3 0\n')


def test_what_files_look_like():
    assert looks_like_data(data('1'))
    assert not looks_like_data('5 atoms in a box')
    assert looks_like_dump('ITEM: UNITS\nmetal\nITEM: TIMESTEP\n')
    assert not looks_like_dump('ITEM: nothing')
