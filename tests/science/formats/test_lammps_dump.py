"""Tests of LAMMPS trajectories: recordings, other columns, and what a killed or crashed run leaves."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.lammps_log import parse_log

CASES = Path(__file__).parents[2] / 'fixtures' / 'cases'
LAMMPS = Path(__file__).parents[2] / 'fixtures' / 'lammps'
SPECIES = ('Li', 'C', 'O')

SMALL = b"""\
ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS xy xz yz pp pp ff
-1.5 5.0 1.0
0.0 4.0 -1.5
1.0 7.0 0.5
ITEM: ATOMS id type xs ys zs vx vy vz
7 3 0.5 0.25 0.5 1 2 3
4 1 0 0 0 -1 -2 -3
ITEM: TIMESTEP
10
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS xy xz yz pp pp ff
-1.5 5.0 1.0
0.0 4.0 -1.5
1.0 7.0 0.5
ITEM: ATOMS id type xs ys zs vx vy vz
4 1 0.5 0 0 -1 -2 -3
7 3 0.5 0.25 0.75 1 2 3
"""


def test_recording():
    dump = read_dump(LAMMPS / '20_lmp_mlip_nograde/dump.lammpstrj', SPECIES)
    frames = dump.frames
    assert not dump.truncated
    assert dump.problem is None
    assert frames.origin_steps.tolist() == [0, 20]
    assert frames.formulas == ['C16Li32O48'] * 2
    np.testing.assert_allclose(
        frames.cells[0], [[8.3593, 0, 0], [0, 9.945, 0], [-5.2049993309985538, 0, 11.249178057276211]], rtol=1e-15
    )
    # atom 6 stands in the first row of the recording
    np.testing.assert_array_equal(frames.positions[5], [0.777658, 2.74333, 1.88199])
    np.testing.assert_array_equal(frames.forces[5], [-0.463453, 0.167882, -0.0787837])
    assert frames.types(SPECIES)[[5, 8, 12]].tolist() == [0, 1, 2]
    assert frames.pbc.all()
    assert frames.velocities is None


def test_recording_of_a_break():
    dump = read_dump(LAMMPS / '25_lmp_save_nobreak/dump.lammpstrj', SPECIES)
    assert dump.frames.origin_steps.tolist() == [0, 20, 40, 60]
    assert not dump.truncated


def test_recording_without_any_frame():
    dump = read_dump(LAMMPS / 'F_lmp_species/dump.lammpstrj', SPECIES)
    assert len(dump.frames) == 0
    assert not dump.truncated


def test_steps_match_the_log():
    """Energies of the frames can be taken from the log."""
    case = LAMMPS / '20_lmp_mlip_nograde'
    steps = read_dump(case / 'dump.lammpstrj', SPECIES).frames.origin_steps
    energies = parse_log((case / 'log.lammps').read_text()).at_steps('PotEng', steps)
    np.testing.assert_array_equal(energies, [-7442.1478, -7441.824])


def test_scaled_columns_and_tilted_box():
    """Fractions are turned into coordinates, bounds into the box, rows into the order of the ids."""
    frames = read_dump(SMALL, SPECIES).frames
    cell = np.array([[4.0, 0, 0], [1.0, 4.0 - 0.5, 0], [-1.5, 0.5, 6.0]])
    low, high = np.array([-1.5 - min(0, 1, -1.5, -0.5), 0.0, 1.0]), np.array([5.0 - 1.0, 4.0 - 0.5, 7.0])
    np.testing.assert_allclose(frames.cells[0], cell)
    np.testing.assert_allclose(np.diag(frames.cells[0]), high - low)
    np.testing.assert_allclose(frames.positions[0], low)
    np.testing.assert_allclose(frames.positions[1], low + np.array([0.5, 0.25, 0.5]) @ cell)
    assert frames.numbers.tolist() == [3, 8, 3, 8]
    np.testing.assert_array_equal(frames.velocities[:2], [[-1, -2, -3], [1, 2, 3]])
    assert frames.pbc.tolist() == [[True, True, False]] * 2


def test_unwrapped_columns_are_preferred():
    text = SMALL.replace(b'id type xs ys zs vx vy vz', b'id type xs ys zs xu yu zu')
    np.testing.assert_array_equal(read_dump(text, SPECIES).frames.positions[0], [-1, -2, -3])


def test_units_and_time_are_understood():
    text = SMALL.replace(b'ITEM: TIMESTEP\n10', b'ITEM: UNITS\nmetal\nITEM: TIME\n0.005\nITEM: TIMESTEP\n10')
    assert read_dump(text, SPECIES).frames.origin_steps.tolist() == [0, 10]


def dump_of(columns, *rows, box='pp pp pp\n0 4\n0 4\n0 4'):
    """Return a dump of one snapshot."""
    text = f'ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n{len(rows)}\nITEM: BOX BOUNDS {box}\nITEM: ATOMS {columns}\n'
    return (text + ''.join(f'{row}\n' for row in rows)).encode()


TILTED = 'xy xz yz pp pp pp\n-0.5 6 1.5\n0 5.25 -0.5\n1 7 0.25'


def test_image_flags():
    (atoms,) = read_dump(CASES / 'images.lammpstrj', ('Li', 'F')).frames.to_atoms()
    np.testing.assert_array_equal(atoms.positions, [[4.5, 0, -8], [2, 2.1, 2]])


@pytest.mark.parametrize('names', ['x y z', 'xs ys zs'])
def test_image_flags_in_a_tilted_box(names):
    """Each flag counts a whole cell vector; unwrapped columns hold it already."""
    with_flags = read_dump(dump_of(f'id type {names} ix iy iz', '1 1 0.5 0.25 0.75 2 -1 3', box=TILTED), SPECIES).frames
    without = read_dump(dump_of(f'id type {names}', '1 1 0.5 0.25 0.75', box=TILTED), SPECIES).frames
    np.testing.assert_allclose(with_flags.positions[0] - without.positions[0], [2, -1, 3] @ without.cells[0])
    for unwrapped in ('xu yu zu', 'xsu ysu zsu'):
        plain = read_dump(dump_of(f'id type {unwrapped}', '1 1 0.5 0.25 0.75', box=TILTED), SPECIES).frames
        flagged = dump_of(f'id type {unwrapped} ix iy iz', '1 1 0.5 0.25 0.75 2 -1 3', box=TILTED)
        np.testing.assert_array_equal(read_dump(flagged, SPECIES).frames.positions, plain.positions)


def test_some_image_flags():
    frames = read_dump(dump_of('id type x y z iy', '1 1 0.5 0.25 0.75 -2', box=TILTED), SPECIES).frames
    np.testing.assert_allclose(frames.positions[0], [0.5, 0.25, 0.75] - 2 * frames.cells[0, 1])


def test_image_flag_that_is_none():
    with pytest.raises(FormatError, match=r'Image flag 0\.5 is not an integer'):
        read_dump(dump_of('id type x y z ix', '1 1 0.5 0.25 0.75 0.5'), SPECIES)


@pytest.mark.parametrize('species', [None, ('Li', 'F')])
def test_element_column(species):
    (atoms,) = read_dump(CASES / 'element.lammpstrj', species).frames.to_atoms()
    assert atoms.get_chemical_symbols() == ['Li', 'F']
    np.testing.assert_array_equal(atoms.positions, [[0, 0, 0], [2, 2.1, 2]])


def test_element_column_without_types():
    frames = read_dump(dump_of('element id x y z', 'O 2 1 1 1', 'Li 1 2 2 2'), None).frames
    assert frames.numbers.tolist() == [3, 8]


def test_elements_that_were_not_set():
    """LAMMPS calls every atom C then: the named elements count, and without them nothing is known."""
    content = dump_of('id type element x y z', '1 1 C 0 0 0', '2 2 C 1 1 1')
    assert read_dump(content, ('Li', 'F')).frames.numbers.tolist() == [3, 9]
    with pytest.raises(FormatError, match='All types are called C'):
        read_dump(content, None)


@pytest.mark.parametrize(
    ('content', 'species', 'match'),
    [
        (dump_of('id type x y z', '1 1 0 0 0'), None, 'no column `element`: name the elements of its types'),
        (
            dump_of('id type element x y z', '1 1 F 0 0 0'),
            ('Li', 'F'),
            'line 10: Type 1 is F here, but Li was named for it',
        ),
        (dump_of('id element x y z', '1 Qq 0 0 0'), None, 'line 10: `Qq` is no element'),
        (dump_of('id element x y z', '1 X 0 0 0'), None, 'line 10: `X` is no element'),
        (dump_of('id element x y z', '1 Li 0 0'), None, 'line 10: Expected 5 values'),
        (dump_of('id element x y z', '1 Li 0 0 nan'), None, 'line 10: Expected 5 finite numbers'),
        (dump_of('id x y z', '1 0 0 0'), ('Li',), 'The columns must include `id`'),
    ],
)
def test_elements_that_are_refused(content, species, match):
    with pytest.raises(FormatError, match=match):
        read_dump(content, species, name='t.dump')


def test_general_triclinic_box():
    box = 'abc origin pp pp ff\n4 1 0 0.5\n0 5 1 -0.5\n1 0 6 0.25'
    frames = read_dump(dump_of('id type xs ys zs', '1 1 0.5 0.25 0.75', box=box), SPECIES).frames
    cell = np.array([[4, 1, 0], [0, 5, 1], [1, 0, 6]])
    np.testing.assert_array_equal(frames.cells[0], cell)
    np.testing.assert_allclose(frames.positions[0], [0.5, 0.25, 0.75] @ cell + [0.5, -0.5, 0.25])
    assert frames.pbc.tolist() == [[True, True, False]]
    for wrong, match in (
        (box.replace('1 0 6', '4 1 0'), 'no volume'),
        (box.replace('ff', 'xx'), 'boundary conditions'),
    ):
        with pytest.raises(FormatError, match=match):
            read_dump(dump_of('id type xs ys zs', '1 1 0.5 0.25 0.75', box=wrong), SPECIES)


def test_windows_line_ends():
    frames = read_dump(SMALL.replace(b'\n', b'\r\n'), SPECIES).frames
    np.testing.assert_array_equal(frames.positions, read_dump(SMALL, SPECIES).frames.positions)


@pytest.mark.parametrize(
    ('old', 'new', 'match'),
    [
        (b'id type', b'id what', 'line 9: The columns must include `id`, the positions, and `type` or `element`'),
        (b'7 3 0.5', b'7 4 0.5', 'line 10: Type 4, but only 3 species'),
        (b'7 3 0.5', b'7 3.5 0.5', 'line 10: Type 3.5 is not an integer'),
        (b'\n4 1 0 0', b'\n7 1 0 0', 'An atom id occurs twice'),
        (b'\n4 1 0 0', b'\n4 1 nan 0', 'line 11: Expected 8 finite numbers'),
        (b'\n4 1 0 0', b'\n4 1 0', 'line 11: Expected 8 finite numbers'),
        (b'\n4 1 0 0 0 -1 -2 -3', b'', '1 rows, expected 2'),
        (b'ITEM: NUMBER OF ATOMS\n2\n', b'', 'line 7: The snapshot lacks'),
        (b'ATOMS\n2\n', b'ATOMS\n-2\n', 'line 4: Number of atoms `-2` is not'),
        (b'xy xz yz pp', b'abc origin pp', 'line 6: Expected 4 finite numbers'),
        (b'xy xz yz pp', b'ab origin pp', 'line 5: The box is neither'),
        (b'-1.5 5.0 1.0', b'5.0 -5.0 1.0', 'The box has no volume'),
        (b'ITEM: TIMESTEP\n0', b'TIMESTEP\n0', 'line 1: `TIMESTEP` is not an item'),
        (b'ITEM: TIMESTEP\n0', b'ITEM: UNITS\nreal\nITEM: TIMESTEP\n0', 'units `real`, not metal'),
        (b'0.5 0.25 0.5', b'0.5 \xff 0.5', 'byte 160: The content is not text'),
    ],
)
def test_damage(old, new, match):
    assert old in SMALL
    with pytest.raises(FormatError, match=match) as caught:
        read_dump(SMALL.replace(old, new, 1), SPECIES, name='t.dump')
    assert str(caught.value).startswith('t.dump, ')


def test_salvage_ends_at_the_first_damage():
    """After a crash the frames up to the last sane one are what one wants."""
    text = SMALL.replace(b'0.5 0 0 -1', b'nan nan nan -1')
    dump = read_dump(text, SPECIES, name='t.dump', salvage=True)
    assert dump.frames.origin_steps.tolist() == [0]
    assert dump.problem == 't.dump, line 21: Expected 8 finite numbers.'
    with pytest.raises(FormatError, match='line 21'):
        read_dump(text, SPECIES, name='t.dump')


RECORDED = (LAMMPS / '25_lmp_save_nobreak/dump.lammpstrj').read_bytes()


@settings(max_examples=60, deadline=None)
@given(length=st.one_of(st.integers(0, len(RECORDED)), st.integers(len(RECORDED) - 200, len(RECORDED))))
def test_fuzz_truncated(length):
    """A file that is cut anywhere yields its complete snapshots, nothing else."""
    whole = read_dump(RECORDED, SPECIES).frames
    dump = read_dump(RECORDED[:length], SPECIES)
    boundaries = [match.start() for match in re.finditer(b'ITEM: TIMESTEP', RECORDED)] + [len(RECORDED)]
    count = int(np.searchsorted(boundaries, length, side='right')) - 1
    assert len(dump.frames) == count
    assert dump.truncated == (length not in boundaries)
    np.testing.assert_array_equal(dump.frames.positions, whole.positions[: 96 * count])
    np.testing.assert_array_equal(dump.frames.forces if count else np.empty((0, 3)), whole.forces[: 96 * count])


@settings(max_examples=60, deadline=None)
@given(index=st.integers(0, 10**6), poison=st.sampled_from([b'nan', b'-inf', b'\xff', b'1e999', b'1,5', b'0x10', b'_']))
def test_fuzz_poisoned(index, poison):
    """A number that is none is found wherever it stands."""
    spots = [match.span() for match in re.finditer(rb'(?<=\s)[-+.\de]+(?=\s)', RECORDED)]
    start, stop = spots[index % len(spots)]
    with pytest.raises(FormatError, match=r'^t\.dump, (line|byte) \d+: '):
        read_dump(RECORDED[:start] + poison + RECORDED[stop:], SPECIES, name='t.dump')


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_fuzz_shuffled(data):
    """Rows of one snapshot in another order change nothing; lines out of their place are refused."""
    lines = SMALL.splitlines(keepends=True)
    one, two = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    moved = {lines[one][:5], lines[two][:5]}
    lines[one], lines[two] = lines[two], lines[one]
    try:
        dump = read_dump(b''.join(lines), SPECIES)
    except FormatError as error:
        assert error.line is not None
        return
    if one // 11 == two // 11 and min(one % 11, two % 11) >= 9:
        np.testing.assert_array_equal(dump.frames.positions, read_dump(SMALL, SPECIES).frames.positions)
    else:  # a larger number of atoms than there are rows looks like a cut
        assert dump.truncated or b'ITEM:' not in moved or lines == SMALL.splitlines(keepends=True)
