"""The dump of the mobile ions, and the track that it makes."""

import numpy as np
import pytest

from aiida_seimlip.science.formats.lammps_data import lammps_frame, to_lammps_frame
from aiida_seimlip.science.formats.lammps_track import (
    assemble_lammps_track,
    from_lammps_orientation,
    read_framework,
    read_track,
)
from aiida_seimlip.science.frames import Frames

N_IONS = 3
CELL = np.array([[9.0, 0.0, 0.0], [1.0, 8.0, 0.0], [-2.0, 0.5, 7.0]])


def snapshot(step, positions, cell=CELL, columns='xu yu zu'):
    """Return a frame as LAMMPS writes it: with the bounds of a box that encloses the tilted one."""
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = cell
    low = [min(0, xy, xz, xy + xz), min(0, yz), 0.0]
    high = [lx + max(0, xy, xz, xy + xz), ly + max(0, yz), lz]
    rows = '\n'.join(f'{a:.16e} {b:.16e} {tilt:.16e}' for a, b, tilt in zip(low, high, (xy, xz, yz), strict=True))
    body = ''.join('{:.4f} {:.4f} {:.4f} \n'.format(*row) for row in positions)
    return (
        f'ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(positions)}\nITEM: BOX BOUNDS xy xz yz pp pp pp\n{rows}\n'
        f'ITEM: ATOMS {columns}\n{body}'
    )


def path_of(steps, scale=1.0):
    rng = np.random.default_rng(3)
    return rng.uniform(0, 5, size=(N_IONS, 3)) + scale * np.cumsum(rng.normal(size=(len(steps), N_IONS, 3)), axis=0)


@pytest.fixture
def write(tmp_path):
    def factory(text):
        path = tmp_path / 'track.lammpstrj'
        path.write_text(text)
        return path

    return factory


def test_read(write):
    steps = [0, 10, 20]
    positions = path_of(steps)
    dump = read_track(write(''.join(map(snapshot, steps, positions))), N_IONS)
    assert dump.steps.tolist() == steps
    np.testing.assert_allclose(dump.positions, positions, atol=5.1e-5)
    np.testing.assert_allclose(dump.cells, np.tile(CELL, (3, 1, 1)), atol=1e-12)
    assert (dump.is_unwrapped, dump.truncated, dump.problem) == (True, False, None)


def test_read_orthogonal_box(write):
    text = snapshot(0, path_of([0])[0], np.diag([9.0, 8.0, 7.0]))
    lines = [' '.join(line.split()[:2]) if 'e+' in line else line for line in text.splitlines()]
    dump = read_track(write('\n'.join(lines).replace(' xy xz yz', '') + '\n'), N_IONS)
    np.testing.assert_allclose(dump.cells[0], np.diag([9.0, 8.0, 7.0]), atol=1e-12)


@pytest.mark.parametrize('n_bytes', [1, 10, 60, 150, 199])
def test_a_frame_that_is_cut_is_left_out(write, n_bytes):
    positions = path_of([0, 10])
    text = snapshot(0, positions[0]) + snapshot(10, positions[1])
    dump = read_track(write(text[:-n_bytes]), N_IONS)
    assert dump.steps.tolist() == [0]
    assert dump.truncated
    assert dump.problem is None


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (('NUMBER OF ATOMS\n3', 'NUMBER OF ATOMS\n4'), 'There are 4 ions, expected 3'),
        (('ITEM: ATOMS xu yu zu', 'ITEM: ATOMS id xu yu'), 'no header'),
        (('pp pp pp', 'pp pp qq'), 'neither orthogonal'),
        ((' \nITEM: TIMESTEP\n20', ' 1.0\nITEM: TIMESTEP\n20'), 'not 3 rows'),
        ((' \nITEM: TIMESTEP\n20', ' x\nITEM: TIMESTEP\n20'), 'not 3 rows'),
    ],
)
def test_what_lies_behind_damage_is_left_out(write, change, message):
    positions = path_of([0, 10, 20])
    first, second, third = (snapshot(step, where) for step, where in zip([0, 10, 20], positions, strict=True))
    text = first + (second + third).replace(*change, 1)
    dump = read_track(write(text), N_IONS)
    assert dump.steps.tolist() == [0]
    assert message in dump.problem


def test_numbers_that_are_not_finite(write):
    """As LAMMPS writes them when a run explodes."""
    positions = path_of([0, 10])
    positions[1, 1, 2] = np.nan
    dump = read_track(write(snapshot(0, positions[0]) + snapshot(10, positions[1])), N_IONS)
    assert dump.steps.tolist() == [0]
    assert 'not finite' in dump.problem


@pytest.mark.parametrize('content', [None, ''])
def test_no_file(tmp_path, content):
    path = tmp_path / 'none'
    if content is not None:
        path.write_text(content)
    dump = read_track(path, N_IONS)
    assert dump.positions.shape == (0, N_IONS, 3)
    assert dump.problem is None


def test_framework():
    text = '# Time-averaged data\n# TimeStep c[1] c[2] c[3]\n0 1.5 2 3\n10 1 2 nan\n20 4 5 6\n30 7 8'
    found = read_framework(text)
    assert sorted(found) == [0, 20]
    assert found[20].tolist() == [4.0, 5.0, 6.0]


# -- the track --------------------------------------------------------------------------------------------------------


def start_of(positions, rest, cell=CELL, step=None):
    """Return a frame of three ions and two other atoms, in between one another."""
    numbers = np.array([3, 6, 3, 8, 3])
    everything = np.empty((5, 3))
    everything[[0, 2, 4]], everything[[1, 3]] = positions, rest
    return Frames(
        numbers=numbers, positions=everything, ptr=np.array([0, 5]), cells=cell[np.newaxis],
        pbc=np.ones((1, 3), dtype=bool), origin_steps=None if step is None else np.array([step]),
    )  # fmt: skip


def test_track_is_whole_at_both_ends(write):
    steps = [40, 50]
    positions, rest = path_of([0, 1, 2, 3]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    dump = read_track(write(''.join(map(snapshot, steps, positions[1:3]))), N_IONS)
    start, final = start_of(positions[0], rest), start_of(positions[3], rest + 1.0, step=57)
    framework = {40: np.array([1.0, 0.0, 0.0]), 50: np.array([2.0, 0.0, 0.0])}
    track = assemble_lammps_track(
        dump, framework, start, final, mobile=['Li'], first_step=33, timestep=0.5, masses={'C': 13.0}
    )
    assert track.steps.tolist() == [33, 40, 50, 57]
    assert track.symbols == ('Li', 'Li', 'Li')
    np.testing.assert_allclose(track.positions, positions, atol=5.1e-5)
    centre = (13.0 * rest[0] + 15.999 * rest[1]) / 28.999
    np.testing.assert_allclose(track.framework, [centre, [1, 0, 0], [2, 0, 0], centre + 1.0], atol=1e-9)


def test_frames_without_the_framework_are_left_out(write):
    positions = path_of([0, 1, 2])
    dump = read_track(write(snapshot(10, positions[1]) + snapshot(20, positions[2])), N_IONS)
    start = start_of(positions[0], np.zeros((2, 3)))
    framework = {10: np.zeros(3)}
    track = assemble_lammps_track(dump, framework, start, Frames.empty(), mobile=['Li'], first_step=0, timestep=1.0)
    assert track.steps.tolist() == [0, 10]


def test_wrapped_positions_in_a_cell_that_swaps_its_vectors(write):
    """LAMMPS replaces a cell that has been sheared by one of the same lattice; the path knows nothing of it."""
    steps = np.arange(0, 60, 10)
    positions = path_of(steps, scale=0.3)
    cells = np.tile(CELL, (6, 1, 1))
    cells[:, 2, 0] -= 0.5 * np.arange(6)  # from -2 to -4.5 …
    swapped = cells.copy()
    swapped[4:, 2] += cells[4:, 0]  # … where half of 9 is the limit
    wrapped = positions.copy()
    for index, cell in enumerate(swapped):
        scaled = positions[index] @ np.linalg.inv(cell)
        wrapped[index] = (scaled - np.floor(scaled)) @ cell
    text = ''.join(
        snapshot(step, where, cell, 'x y z') for step, where, cell in zip(steps, wrapped, swapped, strict=True)
    )
    start = start_of(positions[0], np.zeros((2, 3)))
    framework = {int(step): np.zeros(3) for step in steps}
    track = assemble_lammps_track(
        read_track(write(text), N_IONS), framework, start, Frames.empty(), mobile=['Li'], first_step=0, timestep=1.0
    )
    np.testing.assert_allclose(track.cells, cells, atol=1e-9)
    np.testing.assert_allclose(np.diff(track.positions, axis=0)[:1], np.diff(positions, axis=0)[:1], atol=1e-4)


def test_back_to_the_orientation_of_the_start(write):
    rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    positions, rest = path_of([0, 1]), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    start = start_of(positions[0] @ rotation, rest @ rotation, CELL @ rotation)
    turn = lammps_frame(start.cells[0])[1]
    turned = to_lammps_frame(start, turn)
    text = snapshot(10, positions[1] @ rotation @ turn, turned.cells[0])
    track = from_lammps_orientation(
        assemble_lammps_track(
            read_track(write(text), N_IONS), {10: np.array([1.0, 2.0, 3.0]) @ rotation @ turn}, turned, Frames.empty(),
            mobile=['Li'], first_step=0, timestep=1.0,
        ),
        turn,
    )  # fmt: skip
    np.testing.assert_allclose(track.positions, positions @ rotation, atol=2e-4)
    np.testing.assert_allclose(track.cells[1], CELL @ rotation, atol=1e-9)
    np.testing.assert_allclose(track.framework[1], np.array([1.0, 2.0, 3.0]) @ rotation, atol=1e-9)
