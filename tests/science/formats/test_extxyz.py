"""Extended XYZ."""

import io

import numpy as np
import pytest
from ase.io import read

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.extxyz import iterate_extxyz, parse_comment, parse_numbers, write_extxyz_frame

ROWS = 'Li 0.0 0.0 0.0 0.1 0.2 0.3\nF 2.0 2.1 2.0 -0.1 -0.2 -0.3\n'
HEAD = 'Lattice="4 0 0 0.5 4 0 0 0 4" Properties=species:S:1:pos:R:3:forces:R:3'


def frames_of(text):
    return list(iterate_extxyz(io.StringIO(text), name='a.xyz'))


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('energy=-1.5 name=a', {'energy': '-1.5', 'name': 'a'}),
        ('a="1 2 3" b={1 2} c=[1,2]', {'a': '1 2 3', 'b': '1 2', 'c': '1,2'}),
        ('virial=[[1, 2, 3], [4, 5, 6]] x=1', {'virial': '[[1, 2, 3], [4, 5, 6]]', 'x': '1'}),
        ('virial="_JSON [[1, 2], [3, 4]]"', {'virial': '_JSON [[1, 2], [3, 4]]'}),
        (r'note="he said \"no\"" flag', {'note': 'he said "no"', 'flag': 'T'}),
        ("note='a b' energy = -2", {'note': 'a b', 'energy': '-2'}),
        ('"a key"=1 empty=""', {'a key': '1', 'empty': ''}),
        ('path=a=b', {'path': 'a=b'}),
        ('', {}),
    ],
)
def test_parse_comment(text, expected):
    assert parse_comment(text) == expected


def test_parse_comment_refuses_two_values():
    assert parse_comment('energy=1 energy=1') == {'energy': '1'}
    with pytest.raises(ValueError, match='`energy` is given twice'):
        parse_comment('energy=1 energy=2')


@pytest.mark.parametrize(
    'text', ['1 2 3 4', '1,2,3,4', '[[1, 2], [3, 4]]', '_JSON [[1.0, 2.0], [3.0, 4.0]]', '{1 2 3 4}']
)
def test_parse_numbers(text):
    assert parse_numbers(text).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize('text', ['', 'abc', '1 2 abc', '[]'])
def test_parse_no_numbers(text):
    assert parse_numbers(text) is None


def test_read_as_ase_does():
    text = f'2\n{HEAD} energy=-9.5 config_type="a b" pbc="T F T"\n{ROWS}' * 2
    images = read(io.StringIO(text), ':', format='extxyz')
    frames = frames_of(text)
    assert [frame.line for frame in frames] == [1, 5]
    for frame, image in zip(frames, images, strict=True):
        np.testing.assert_array_equal(frame.numbers, image.numbers)
        np.testing.assert_array_equal(frame.positions, image.positions)
        np.testing.assert_array_equal(frame.cell, image.cell.array)
        np.testing.assert_array_equal(frame.pbc, image.pbc)
        np.testing.assert_array_equal(frame.columns['forces'], image.get_forces())
        assert frame.info == {'energy': '-9.5', 'config_type': 'a b'}


def test_more_than_nine_atoms():
    text = '12\nProperties=species:S:1:pos:R:3\n' + 'H 0 0 0\n' * 12
    assert len(frames_of(text)[0].numbers) == 12


@pytest.mark.parametrize(
    ('comment', 'pbc', 'volume'),
    [
        ('Lattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3', [True, True, True], 64),
        ('lattice="4 0 0 0 4 0 0 0 4" properties=species:S:1:pos:R:3 PBC=[T,F,true]', [True, False, True], 64),
        ('Properties=species:S:1:pos:R:3', [False, False, False], 0),
        ('some words that = mean nothing', [False, False, False], 0),
    ],
)
def test_cells(comment, pbc, volume):
    frame = frames_of(f'1\n{comment}\nH 0 0 0\n')[0]
    assert frame.pbc.tolist() == pbc
    assert np.linalg.det(frame.cell) == pytest.approx(volume)


def test_other_columns():
    text = '2\nproperties=Z:I:1:tag:S:1:pos:R:3:charge:R:1\n3 a 0 0 0 0.5\n9 b 1.0D+00 0 0 -0.5\n'
    frame = frames_of(text)[0]
    assert frame.numbers.tolist() == [3, 9]
    assert frame.positions[1, 0] == 1.0
    assert frame.columns['charge'].tolist() == [0.5, -0.5]
    assert frame.columns['tag'].tolist() == ['a', 'b']


@pytest.mark.parametrize(
    ('text', 'line', 'reason'),
    [
        ('x\n', 1, 'number of atoms'),
        (f'3\n{HEAD}\n{ROWS}', 4, 'ends after 2 of 3'),
        ('2\n', 1, 'ends after 0 of 2'),
        (f'2\n{HEAD}\n{ROWS}rest\n', 5, 'number of atoms'),
        (f'2\n{HEAD}\nLi 0 0 0\n{ROWS[:30]}\n', 3, '4 words'),
        (f'2\n{HEAD} energy=1 energy=2\n{ROWS}', 2, 'given twice'),
        (f'2\n{HEAD.replace("0.5", "")}\n{ROWS}', 2, 'nine numbers'),
        (f'2\n{HEAD} pbc="T T X"\n{ROWS}', 2, '`pbc`'),
        (f'2\n{HEAD.replace("R:3:f", "R:x:f")}\n{ROWS}', 2, '`Properties`'),
        (f'2\n{HEAD.replace("S:1", "Q:1")}\n{ROWS}', 2, 'type other than'),
        (f'2\n{HEAD.replace("forces", "pos")}\n{ROWS}', 2, 'twice'),
        (f'2\n{HEAD}\n{ROWS.replace("Li", "Xx")}', 2, '`Xx` is no chemical element'),
        (f'2\n{HEAD}\n{ROWS.replace("2.1", "nan")}', 2, 'not a finite'),
        (f'2\n{HEAD}\n{ROWS.replace("2.1", "abc")}', 3, 'column `pos`'),
        (f'2\n{HEAD.replace("pos", "where")}\n{ROWS}', 2, 'no positions'),
    ],
)
def test_refusals(text, line, reason):
    with pytest.raises(FormatError, match=reason) as info:
        frames_of(text)
    assert (info.value.name, info.value.line) == ('a.xyz', line)
    assert '\n' not in str(info.value)


def test_written_numbers_are_the_same_bytes():
    generator = np.random.default_rng(1)
    positions, forces = generator.normal(size=(2, 5, 3)) * 10.0 ** generator.integers(-12, 12, (2, 5, 3))
    cell, energy = generator.normal(size=(3, 3)), float(generator.normal()) * 1e4
    info = {'energy': energy, 'stress': generator.normal(size=9), 'config_type': 'a "b" \\ c', 'a key': 'x=y'}
    handle = io.StringIO()
    write_extxyz_frame(
        handle, numbers=np.array([1, 6, 8, 3, 92]), positions=positions, cell=cell, pbc=np.array([True, False, True]),
        info=info, columns={'forces': forces},
    )  # fmt: skip
    frame = frames_of(handle.getvalue())[0]
    assert frame.numbers.tolist() == [1, 6, 8, 3, 92]
    assert frame.positions.tobytes() == positions.tobytes()
    assert frame.columns['forces'].tobytes() == forces.tobytes()
    assert frame.cell.tobytes() == cell.tobytes()
    assert frame.pbc.tolist() == [True, False, True]
    assert float(frame.info['energy']) == energy
    assert parse_numbers(frame.info['stress']).tobytes() == info['stress'].tobytes()
    assert (frame.info['config_type'], frame.info['a key']) == ('a "b" \\ c', 'x=y')
    image = read(io.StringIO(handle.getvalue()), format='extxyz')
    np.testing.assert_array_equal(image.positions, positions)
    assert image.get_potential_energy() == energy
    assert image.info['config_type'] == 'a "b" \\ c'
