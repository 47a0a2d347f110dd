"""Preselected configurations, and the trace of the steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_preselected import Trace, read_preselected, read_trace
from aiida_seimlip.science.frames import Frames

SPECIES = ('Li', 'C', 'O')


@pytest.fixture(scope='module')
def content(fixtures):
    return (fixtures / 'mlip3' / '21_lmp_mlip_break' / 'preselected.cfg.0').read_bytes()


def test_whole_file(content):
    preselected = read_preselected({'preselected.cfg.0': content}, SPECIES)
    assert preselected.frames.grades.tolist() == [2.062841, 2.185300, 4.096431, 7.836848, 14.900080]
    assert preselected.frames.origin_steps.tolist() == [-1] * 5
    assert (preselected.n_damaged, preselected.fragment_files) == (0, ())


def test_several_files(content):
    first, rest = content.split(b'END_CFG', 1)
    files = {'preselected.cfg.1': rest, 'preselected.cfg.0': first + b'END_CFG\n'}
    assert read_preselected(files, SPECIES).frames.grades.tolist() == [2.062841, 2.1853, 4.096431, 7.836848, 14.90008]


def test_no_files():
    assert len(read_preselected({}, SPECIES).frames) == 0


def test_cut_file(content):
    preselected = read_preselected({'preselected.cfg': content[:-500]}, SPECIES)
    assert (len(preselected.frames), preselected.n_damaged) == (4, 1)


def test_fragments(fixtures, content):
    fragments = (fixtures / 'mlip3' / '22_lmp_break_2ranks' / 'preselected.cfg.0').read_bytes()
    preselected = read_preselected({'preselected.cfg.0': fragments, 'preselected.cfg.1': content}, SPECIES)
    assert preselected.fragment_files == ('preselected.cfg.0',)
    assert len(preselected.frames) == 5


def test_steps_told_by_the_file(content):
    told = content.replace(b' Feature   MV_grade\t2.062841', b' Feature   MD_step\t17\n Feature   MV_grade\t2.062841')
    steps = read_preselected({'preselected.cfg': told}, SPECIES).frames.origin_steps
    assert steps.tolist() == [17, -1, -1, -1, -1]


def test_step_of_the_break(content):
    preselected = read_preselected({'preselected.cfg': content}, SPECIES)
    assert preselected.end_at(12).frames.origin_steps.tolist() == [-1, -1, -1, -1, 12]
    assert preselected.end_at(12).end_at(13).frames.origin_steps.tolist() == [-1, -1, -1, -1, 12]
    assert len(read_preselected({}, SPECIES).end_at(3).frames) == 0


def test_steps_from_the_trace():
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(50, 4, 3)).cumsum(axis=0)
    lowest = positions.min(axis=1)
    text = '# step xmin ymin zmin\n'
    text += ''.join('{} {:.6f} {:.6f} {:.6f}\n'.format(100 + step, *row) for step, row in enumerate(lowest))
    frames = Frames(
        numbers=np.full(12, 3), positions=np.round(positions[[3, 17, 49]], 6).reshape(-1, 3),
        ptr=np.array([0, 4, 8, 12]), cells=np.tile(50 * np.eye(3), (3, 1, 1)), pbc=np.ones((3, 3), dtype=bool),
    )  # fmt: skip
    trace = read_trace(text + '150 nan nan nan\n151 0.0')
    assert trace.steps[-1] == 150
    assert trace.find(frames).tolist() == [103, 117, 149]
    moved = frames.replace(positions=frames.positions + 1e-3)
    assert trace.find(moved).tolist() == [-1, -1, -1]


def test_empty_trace(content):
    frames = read_preselected({'preselected.cfg': content}, SPECIES).frames
    assert read_trace('').find(frames).tolist() == [-1] * 5
    assert Trace().find(Frames.empty()).tolist() == []


@pytest.mark.parametrize('line', ['x 1 2 3', '1 2 3', '1 2 3 4 5', '', '-1 0 0 0', '1 2 3 b'])
def test_damaged_trace(line):
    with pytest.raises(FormatError, match=r'trace\.txt, line 2'):
        read_trace(f'0 1.0 2.0 3.0\n{line}\n')


@given(st.data())
def test_any_damage_gives_whole_frames_or_none(content, data):
    """Whatever happens to the bytes, what is read are frames of 96 atoms; the rest is counted."""
    start = data.draw(st.integers(0, len(content) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=20))
    damaged = content[:start] + noise + content[start + len(noise) :]
    preselected = read_preselected({'preselected.cfg': damaged}, SPECIES)
    assert set(preselected.frames.sizes) <= {96}
    assert len(preselected.frames) + preselected.n_damaged >= 4
