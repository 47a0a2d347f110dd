"""Tests of LAMMPS data files, for cells of any orientation and handedness."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_data import (
    compact_cells,
    follow_cells,
    from_lammps_frame,
    lammps_frame,
    read_data,
    reduce_tilt,
    to_lammps_frame,
    write_data,
)  # fmt: skip
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.frames import Frames, FramesError
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.structures.cells import heights

FIXTURES = Path(__file__).parents[2] / 'fixtures'
SPECIES = ('Li', 'C', 'O')

CELLS = {
    'monoclinic, ASE': np.array([[8.3593, 0, 0], [0, 4.9725, 0], [-2.6025, 0, 5.6246]]),
    'upside down': np.array([[0, 0, 7.0], [0, 6.5, 0.4], [6.0, -0.3, 0.2]]),
    'left-handed': np.array([[0, 6.5, 0], [7.0, 0.5, 0], [0.3, -0.2, 6.0]]),
    'strongly tilted': np.array([[5.0, 0, 0], [17.0, 6.0, 0], [-21.0, 23.0, 6.5]]),
}


def random_frame(cell: np.ndarray, *, n_atoms: int = 8, seed: int = 1, velocities: bool = False) -> Frames:
    rng = np.random.default_rng(seed)
    return Frames(
        numbers=rng.choice([3, 6, 8], n_atoms), positions=rng.uniform(-0.5, 1.5, (n_atoms, 3)) @ cell,
        ptr=np.array([0, n_atoms]), cells=cell[None], pbc=np.ones((1, 3), dtype=bool),
        velocities=rng.normal(0, 5, (n_atoms, 3)) if velocities else None,
    )  # fmt: skip


@pytest.mark.parametrize('cell', CELLS.values(), ids=CELLS)
def test_lammps_frame(cell):
    turned, rotation = lammps_frame(cell)
    np.testing.assert_array_equal(np.triu(turned, 1), 0)
    assert np.all(np.diag(turned) > 0)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(cell @ rotation, turned, atol=1e-13)
    assert np.linalg.det(rotation) == pytest.approx(np.sign(np.linalg.det(cell)))


def test_lammps_frame_keeps_what_fits():
    turned, rotation = lammps_frame(CELLS['monoclinic, ASE'])
    np.testing.assert_array_equal(turned, CELLS['monoclinic, ASE'])
    np.testing.assert_array_equal(rotation, np.eye(3))


def test_lammps_frame_without_volume():
    with pytest.raises(ValueError, match='no volume'):
        lammps_frame(np.diag([1.0, 1.0, 0.0]))


@pytest.mark.parametrize('cell', CELLS.values(), ids=CELLS)
def test_reduce_tilt(cell):
    """The lattice stays, the tilts are small, and a cell that needs no change has none."""
    turned, _ = lammps_frame(cell)
    reduced = reduce_tilt(turned)
    combination = reduced @ np.linalg.inv(turned)
    np.testing.assert_allclose(combination, np.rint(combination), atol=1e-10)
    assert np.linalg.det(combination) == pytest.approx(1.0)
    lengths = np.diag(reduced)
    assert np.all(np.abs(reduced[[1, 2, 2], [0, 0, 1]]) <= 0.5 * lengths[[0, 0, 1]] + 1e-9)
    np.testing.assert_array_equal(reduce_tilt(reduced), reduced)


def test_follow_cells_takes_swaps_back():
    """A sheared cell is swapped for less tilted ones on its way, as LAMMPS does."""
    start = CELLS['strongly tilted']
    sheared = np.array([start @ np.array([[1, 0, 0], [s, 1, 0], [-s, 2 * s, 1]]) for s in np.linspace(0, 3, 200)])
    swapped = np.array([reduce_tilt(cell) for cell in sheared])
    assert np.abs(swapped - sheared).max() > 10
    np.testing.assert_allclose(follow_cells(swapped, start), sheared, atol=1e-10)
    assert follow_cells(np.empty((0, 3, 3)), start).shape == (0, 3, 3)


def test_follow_cells_from_a_strained_cell():
    """The last frame of a run alone comes back as a continuation of the start, however tilted that is."""
    start = CELLS['strongly tilted']
    strained = start @ np.array([[1.1, 0, 0], [0.05, 0.95, 0], [-0.08, 0.1, 1.05]])
    np.testing.assert_allclose(follow_cells(reduce_tilt(strained)[None], start)[0], strained, atol=1e-10)


def test_follow_cells_leaves_a_foreign_cell():
    cell = np.diag([3.0, 40.0, 5.0])
    np.testing.assert_array_equal(follow_cells(cell[None], np.eye(3) * 9), cell[None])


def test_vectors_follow_a_sheared_cell_until_they_are_skewed():
    """What flows would turn them into needles: then the vectors are those of LAMMPS, of the same lattice."""
    start = 10.0 * np.eye(3)
    shears = np.linspace(0, 3, 100)
    sheared = np.array([start @ np.array([[1, 0, 0], [s, 1, 0], [0, 0, 1]]) for s in shears])
    swapped = np.array([reduce_tilt(cell) for cell in sheared])
    compact = compact_cells(follow_cells(swapped, start), swapped, start)
    np.testing.assert_allclose(compact[shears < 0.7], sheared[shears < 0.7], atol=1e-10)
    np.testing.assert_allclose(compact[shears > 1.5], swapped[shears > 1.5], atol=1e-10)
    assert min(heights(cell).min() for cell in compact) > 0.75 * min(heights(cell).min() for cell in swapped)


def test_skewed_start_is_followed_all_the_same():
    start = CELLS['strongly tilted']
    followed = start @ np.array([[1.02, 0, 0], [0.01, 0.99, 0], [0, 0.02, 1.0]])
    compact = compact_cells(followed[None], reduce_tilt(followed)[None], start)
    np.testing.assert_array_equal(compact[0], followed)


@pytest.mark.parametrize('velocities', [False, True])
@pytest.mark.parametrize('cell', CELLS.values(), ids=CELLS)
def test_round_trip(cell, velocities):
    frame = random_frame(cell, velocities=velocities)
    text, rotation = write_data(frame, SPECIES)
    back = from_lammps_frame(read_data(text.encode(), SPECIES), rotation, cell)
    np.testing.assert_array_equal(back.numbers, frame.numbers)
    np.testing.assert_allclose(back.positions, frame.positions, atol=1e-12)
    np.testing.assert_allclose(back.cells, frame.cells, atol=1e-12)
    if velocities:
        np.testing.assert_allclose(back.velocities, frame.velocities, atol=1e-12)
    else:
        assert back.velocities is None


@pytest.mark.parametrize('cell', CELLS.values(), ids=CELLS)
def test_physics_is_the_same_in_both_frames(cell):
    potential = read_almtp(FIXTURES / 'mlip3/shared/l08_nbh_30.almtp', SPECIES)
    frame = random_frame(cell)
    _, rotation = write_data(frame, SPECIES)
    there = evaluate(potential, to_lammps_frame(frame, rotation))
    here = evaluate(potential, frame)
    back = from_lammps_frame(there, rotation)
    scale = np.abs(here.forces).max()
    assert there.energies == pytest.approx(here.energies, rel=1e-10)
    np.testing.assert_allclose(back.forces, here.forces, atol=1e-9 * scale)
    np.testing.assert_allclose(back.stresses, here.stresses, atol=1e-9 * np.abs(here.stresses).max())


def test_recording():
    frame = read_data(FIXTURES / 'lammps/shared/li2co3_96.data', SPECIES)
    assert frame.formulas == ['C16Li32O48']
    np.testing.assert_allclose(
        frame.cells[0], [[8.3592999999999993, 0, 0], [0, 9.945, 0], [-5.2049993309985538, 0, 11.249178057276211]]
    )
    np.testing.assert_array_equal(frame.positions[0], [-0.52359226082569688, 2.2291717499999999, 4.694282003301363])
    assert frame.types(SPECIES)[[0, 8, 95]].tolist() == [0, 1, 2]


def test_recording_with_more_types_than_species():
    with pytest.raises(FormatError, match='4 atom types, but only 3 species'):
        read_data(FIXTURES / 'lammps/F_lmp_species/s.data', SPECIES)


def test_image_flags_unwrap():
    text, _ = write_data(random_frame(CELLS['strongly tilted']), SPECIES)
    plain = read_data(text.encode(), SPECIES)
    head, _, atoms = text.partition('Atoms # atomic\n\n')
    flagged = read_data((head + 'Atoms\n\n' + atoms.replace('\n', ' 1 -2 0\n')).encode(), SPECIES)
    shift = plain.cells[0, 0] - 2 * plain.cells[0, 1]
    np.testing.assert_allclose(flagged.positions - plain.positions, np.broadcast_to(shift, (8, 3)), atol=1e-12)


WATER = """title, units = metal

3 atoms
2 atom types
2 bonds
1 bond types
0 extra bond per atom

0 10 xlo xhi
-1 9 ylo yhi
0 10 zlo zhi
-2.5 0 1 xy xz yz

Masses

1 15.999 # O
2 1.008 # H

Atom Type Labels

1 O
2 H

Bond Coeffs # harmonic

1 450 1.0

Atoms{style}

{rows}

Velocities

2 0.001 0 0
1 0 0.002 0
3 0 0 0.003

Bonds

1 1 1 2
2 1 1 3
"""
ROWS = {
    'atomic': ('{id} {type} {xyz}', True), 'charge': ('{id} {type} {q} {xyz}', True),
    'molecular': ('{id} 1 {type} {xyz}', False), 'bond': ('{id} 1 {type} {xyz}', False),
    'angle': ('{id} 1 {type} {xyz}', False), 'full': ('{id} 1 {type} {q} {xyz}', True),
}  # fmt: skip


def water(
    style: str, *, named: bool = True, images: str = '', charges: tuple[str, ...] = ('-0.8', '0.4', '0.4')
) -> str:
    """Return a molecule in a box with a negative tilt."""
    sites = (('2', '2', '0.75 0.5 0'), ('1', '1', '0 0 0'), ('3', '2', '9.5 0.25 1'))
    rows = [
        ROWS[style][0].format(id=number, type=kind, q=charge, xyz=xyz) + images
        for (number, kind, xyz), charge in zip(sites, charges, strict=True)
    ]
    return WATER.replace('{style}', f' # {style}' if named else '').replace('{rows}', '\n'.join(rows))


@pytest.mark.parametrize('images', ['', ' 0 0 0', ' -1 2 1'])
@pytest.mark.parametrize('style', ROWS)
def test_atom_styles(style, images):
    frame = read_data(water(style, images=images).encode(), ('O', 'H'))
    assert frame.numbers.tolist() == [8, 1, 1]
    np.testing.assert_array_equal(frame.cells[0], [[10, 0, 0], [-2.5, 10, 0], [0, 1, 10]])
    shift = np.array([float(flag) for flag in (images or ' 0 0 0').split()]) @ frame.cells[0]
    np.testing.assert_allclose(frame.positions - shift, [[0, 0, 0], [0.75, 0.5, 0], [9.5, 0.25, 1]], atol=1e-14)
    np.testing.assert_array_equal(frame.velocities, [[0, 0.002, 0], [0.001, 0, 0], [0, 0, 0.003]])


@pytest.mark.parametrize('style', [style for style, (_, is_clear) in ROWS.items() if is_clear])
def test_styles_that_the_columns_tell(style):
    named, told = (read_data(water(style, named=name).encode(), ('O', 'H')) for name in (True, False))
    np.testing.assert_array_equal(told.positions, named.positions)


@pytest.mark.parametrize(
    'text', [water('molecular', named=False), water('charge', named=False, charges=('1', '2', '1'))]
)
def test_columns_that_mean_two_styles(text):
    with pytest.raises(FormatError, match=r'styles charge or molecular: name the style, such as `Atoms # charge`'):
        read_data(text.encode(), ('O', 'H'))


def test_units_real():
    """Velocities are in Å/fs there."""
    frame = read_data(water('full').replace('units = metal', 'units = real').encode(), ('O', 'H'))
    np.testing.assert_allclose(frame.velocities[1], [1.0, 0, 0])


@pytest.mark.parametrize('edit', [lambda text: text.replace('\n', '\r\n'), lambda text: '\ufeff' + text])
def test_what_editors_do(edit):
    frame = read_data(edit(water('full')).encode(), ('O', 'H'))
    np.testing.assert_array_equal(frame.positions, read_data(water('full').encode(), ('O', 'H')).positions)


@pytest.mark.parametrize('name', ['lif.data', 'data.lif'])
def test_cases(name):
    frame = read_data(FIXTURES / 'cases' / name, ('Li', 'F'))
    assert frame.formulas == ['F4Li4']
    np.testing.assert_array_equal(frame.positions[4], [2.015, 0, 0])


@pytest.mark.parametrize(
    ('frames', 'error', 'match'),
    [
        (random_frame(np.eye(3) * 5).replace(pbc=np.array([[True, True, False]])), ValueError, 'not periodic'),
        (Frames.empty(), ValueError, 'exactly one frame, not 0'),
        (random_frame(np.eye(3) * 5).replace(numbers=np.full(8, 9)), FramesError, 'Element'),
    ],
)
def test_write_refuses(frames, error, match):
    with pytest.raises(error, match=match):
        write_data(frames, SPECIES)


@pytest.mark.parametrize(
    ('old', 'new', 'match'),
    [
        ('8 atoms', '9 atoms', 'has 8 rows, expected 9'),
        ('8 atoms\n', '', 'does not say how many atoms'),
        ('3 atom types', '2 atom types', 'Type `3` is not an integer from 1 to 2'),
        ('ylo yhi', 'zlo zhi', 'lacks the bounds of the box along y'),
        ('0.0 5 xlo', '5 0 xlo', 'no volume'),
        ('0.0 5 xlo', 'nan 5 xlo', 'line 6: `nan` is not a finite number'),
        ('Atoms # atomic', 'Bones', 'line 11: Unknown section `Bones`'),
        ('Atoms # atomic', 'Bonds', 'Section `Atoms` is missing'),
        ('Atoms # atomic', 'Atoms # sphere', 'Atom style `sphere` is not supported, only atomic'),
        ('Atoms # atomic', 'Atoms # full', '5 columns in section `Atoms`'),
        ('units metal', 'units = lj', 'line 1: The file is in units `lj`, not metal or real'),
        ('Atoms # atomic', '', 'line 13: Unknown header line'),
        ('\n2 ', '\n1 ', 'line 14: Atom id 1 occurs twice'),
        ('\n2 ', '\n2.0 ', 'Atom id `2.0` is not an integer'),
    ],
)
def test_damage(old, new, match):
    text, _ = write_data(random_frame(np.eye(3) * 5), SPECIES)
    assert old in text
    with pytest.raises(FormatError, match=match) as caught:
        read_data(text.replace(old, new, 1).encode(), SPECIES, name='s.data')
    assert str(caught.value).startswith('s.data')


def test_not_utf8():
    with pytest.raises(FormatError, match=r'^s\.data, byte 3: '):
        read_data(b'abc\xff', SPECIES, name='s.data')


TEXT = write_data(random_frame(CELLS['monoclinic, ASE'], velocities=True), SPECIES)[0].encode()


@settings(max_examples=60, deadline=None)
@given(length=st.integers(0, len(TEXT) - 1))
def test_fuzz_truncated(length):
    """A file that is cut is refused, unless it lost its velocities as a whole."""
    whole = read_data(TEXT, SPECIES)
    try:
        result = read_data(TEXT[:length], SPECIES, name='s.data')
    except FormatError as error:
        assert str(error).startswith('s.data')
        return
    np.testing.assert_array_equal(result.positions, whole.positions)
    assert result.velocities is None


@settings(max_examples=60, deadline=None)
@given(
    index=st.integers(0, len(TEXT.split()) - 1), poison=st.sampled_from([b'nan', b'-inf', b'\xff', b'1e999', b'1,5'])
)
def test_fuzz_poisoned(index, poison):
    """A number that is none is found wherever it stands behind the title."""
    title, body = TEXT.split(b'\n', 1)
    spots = [match.span() for match in re.finditer(rb'(?<=\s)[-+.\de]+(?=\s)', body)]
    start, stop = spots[index % len(spots)]
    with pytest.raises(FormatError, match=r'^s\.data, (line|byte) \d+: '):
        read_data(title + b'\n' + body[:start] + poison + body[stop:], SPECIES, name='s.data')


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_fuzz_shuffled(data):
    """Lines in another order: atoms keep their ids, anything else is refused."""
    lines = TEXT.decode().splitlines(keepends=True)
    one, two = (data.draw(st.integers(1, len(lines) - 1)) for _ in range(2))
    lines[one], lines[two] = lines[two], lines[one]
    whole = read_data(TEXT, SPECIES)
    try:
        result = read_data(''.join(lines).encode(), SPECIES)
    except FormatError:
        return
    np.testing.assert_array_equal(result.positions, whole.positions)
    np.testing.assert_array_equal(result.numbers, whole.numbers)
    np.testing.assert_array_equal(result.cells, whole.cells)
