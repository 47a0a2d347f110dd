"""Tests of LAMMPS logs: every recording, runs that ended in whatever way, and damaged files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_log import parse_log

CASES = Path(__file__).parents[2] / 'fixtures' / 'cases'
LAMMPS = Path(__file__).parents[2] / 'fixtures' / 'lammps'
MLIP3 = LAMMPS.with_name('mlip3')

BREAKS = {
    '21_lmp_mlip_break': [0], '22_lmp_break_2ranks': [0], '23_lmp_cfgmode_1rank': [], '24_lmp_cfgmode_2ranks': [],
    '25_lmp_save_nobreak': [0, 10, 20, 30, 40, 50, 60, 70],
}  # fmt: skip
FAILURES = sorted(path.name for path in LAMMPS.glob('F_*') if path.name != 'F_lmp_bad_key')


def recorded(case: str) -> str:
    return (LAMMPS / case / 'log.lammps').read_text()


def test_completed():
    log = parse_log(recorded('20_lmp_mlip_nograde'))
    assert log.completed
    assert log.error is None
    assert not log.timed_out
    assert not log.truncated
    assert log.version == '19 Nov 2024'
    assert log.n_atoms == 96
    assert log.wall_time == 0.0
    assert [(run.n_steps, run.n_atoms, run.seconds) for run in log.runs] == [(20, 96, 0.134651)]
    assert log.steps.tolist() == [0, 10, 20]
    assert list(log.thermo) == ['Step', 'Temp', 'PotEng', 'KinEng', 'TotEng', 'Press', 'Volume']
    np.testing.assert_array_equal(log.thermo['PotEng'], [-7442.1478, -7441.8483, -7441.824])
    np.testing.assert_array_equal(log.thermo['Press'], [58869.444, 44672.432, 43167.134])
    np.testing.assert_array_equal(log.run_indices, [0, 0, 0])


@pytest.mark.parametrize('case', BREAKS)
def test_break_ends_in_mid_air(case):
    """MLIP-3 ends LAMMPS at once: neither an error nor a total wall time."""
    for text in (recorded(case), (MLIP3 / case / 'stdout.txt').read_text()):
        log = parse_log(text)
        assert not log.completed
        assert log.error is None
        assert log.runs == ()
        assert not log.truncated
        assert log.steps.tolist() == BREAKS[case]


@pytest.mark.parametrize('case', FAILURES)
def test_failure_before_the_run(case):
    log = parse_log(recorded(case))
    assert not log.completed
    assert log.steps.size == 0
    assert log.thermo == {}
    assert log.error is None  # MLIP-3 and MPI_Abort leave no word in the log


def test_ignored_key():
    assert parse_log(recorded('F_lmp_bad_key')).completed


def test_pressure_components():
    thermo = parse_log(recorded('79_stress_check')).thermo
    assert thermo['Pxy'] == [2182.340882]
    assert thermo['Pyz'] == [-17167.365127]
    assert thermo['Volume'] == [233.795149]


TABLE = """\
LAMMPS (22 Jul 2025 - Update 4)
  48 atoms
WARNING: Something odd (src/src/verlet.cpp:60)
Per MPI rank memory allocation (min/avg/max) = 3.465 | 3.465 | 3.465 Mbytes
   Step          Temp          c_g[1]
         0   300            1.5
WARNING: In between (src/thermo.cpp:1)
         5   -nan           2.5
Loop time of 0.5 on 1 procs for 5 steps with 48 atoms
Per MPI rank memory allocation (min/avg/max) = 3.465 | 3.465 | 3.465 Mbytes
   Step         PotEng         Temp
         5  -10.5            280
        10  -10.25           290
"""


def test_several_runs_with_other_columns():
    log = parse_log(TABLE)
    assert log.steps.tolist() == [0, 5, 5, 10]
    assert log.run_indices.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(log.thermo['Temp'], [300, np.nan, 280, 290])
    np.testing.assert_array_equal(log.thermo['c_g[1]'], [1.5, 2.5, np.nan, np.nan])
    np.testing.assert_array_equal(log.thermo['PotEng'], [np.nan, np.nan, -10.5, -10.25])
    np.testing.assert_array_equal(log.at_steps('PotEng', [10, 7]), [-10.25, np.nan])
    assert log.warnings == ('Something odd', 'In between')
    assert len(log.runs) == 1


@pytest.mark.parametrize(
    ('line', 'error', 'lost'),
    [
        ('ERROR: Lost atoms: original 96 current 0 (src/thermo.cpp:491)', 'Lost atoms: original 96 current 0', 96),
        ('ERROR: Lost atoms: original 48 current 17', 'Lost atoms: original 48 current 17', 31),
        ('ERROR on proc 0: Non-numeric atom coords - simulation unstable ((library):0)',
         'Non-numeric atom coords - simulation unstable', 0),
        ('ERROR on proc 0: Exceeded Break Threshold: 11.57554. Terminating simulation.',
         'Exceeded Break Threshold: 11.57554. Terminating simulation.', 0),
    ],
)  # fmt: skip
def test_errors_of_lammps(line, error, lost):
    log = parse_log(f'{TABLE}{line}\nLast command: run 100\nTotal wall time: 0:01:02\n')
    assert log.error == error
    assert log.n_atoms_lost == lost
    assert not log.completed
    assert log.wall_time == 62.0
    assert log.steps.tolist() == [0, 5, 5, 10]


@pytest.mark.parametrize(
    'line', ['WARNING: Wall time limit reached (src/src/timer.cpp:201)', 'Wall time limit reached']
)
def test_wall_time_limit(line):
    log = parse_log(f'{TABLE}{line}\nLoop time of 0.5 on 1 procs for 5 steps with 48 atoms\nTotal wall time: 1:00:00\n')
    assert log.timed_out
    assert log.completed
    assert log.wall_time == 3600.0


def test_cut_row_is_left_out():
    """A row without its newline may lack digits, even if it has all its columns."""
    log = parse_log(TABLE[:-2])
    assert log.truncated
    assert log.steps.tolist() == [0, 5, 5]


def test_numbers_of_fix_print():
    log = parse_log((CASES / 'fix_print_numbers.log').read_text())
    assert log.steps.tolist() == [0, 10]
    assert log.thermo['Temp'].tolist() == [300, 310]
    assert log.thermo['PotEng'].tolist() == [-95.0, -95.1]
    assert log.n_other_rows == 1
    assert log.completed


@pytest.mark.parametrize(
    ('line', 'n_other'),
    [('42.5', 1), ('7 8', 1), ('1 2 3 4 5', 1), ('0.5 -10.5 280', 1), ('nan 1 2', 1), ('-1e3', 1),
     ('WARNING: Too tall (src/a.cpp:1)', 0), ('some words 1 2', 0), ('', 0), ('ITEM: 3', 0)],
)  # fmt: skip
def test_other_lines_inside_a_table(line, n_other):
    """They cost neither the rows nor the log."""
    one, two = TABLE.splitlines(keepends=True)[-2:]
    log = parse_log(f'{TABLE[: TABLE.index(one)]}{line}\n{one}{line}\n{two}')
    whole = parse_log(TABLE)
    assert list(log.thermo) == list(whole.thermo)
    for name, values in whole.thermo.items():
        np.testing.assert_array_equal(log.thermo[name], values)
    assert log.n_other_rows == 2 * n_other
    assert log.warnings == (*whole.warnings, *(('Too tall',) * 2 if 'WARNING' in line else ()))


@pytest.mark.parametrize(
    ('old', 'new', 'match'),
    [
        ('PotEng         Temp', 'Temp         Temp', 'line 11: .* is not a header'),
        ('   Step         PotEng', '------------ Step', 'line 11: .* style multi or yaml'),
    ],
)
def test_damage(old, new, match):
    assert old in TABLE
    with pytest.raises(FormatError, match=match) as caught:
        parse_log(TABLE.replace(old, new, 1), name='log.lammps')
    assert str(caught.value).startswith('log.lammps, line')


def test_not_utf8():
    with pytest.raises(FormatError, match=r'^out, byte 2: '):
        parse_log(b'ab\xfe', name='out')


RECORDED = recorded('25_lmp_save_nobreak')


@settings(max_examples=100, deadline=None)
@given(length=st.integers(0, len(RECORDED)))
def test_fuzz_truncated(length):
    """A log that is cut anywhere yields a prefix of its rows."""
    whole, log = parse_log(RECORDED), parse_log(RECORDED[:length])
    assert not log.completed
    for column, values in log.thermo.items():
        np.testing.assert_array_equal(values, whole.thermo[column][: values.size])


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_fuzz_shuffled_or_garbled(data):
    """Whatever the lines are, there is a result or a `FormatError`, and each row is one of the table's."""
    lines = recorded('20_lmp_mlip_nograde').splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 5))):
        one, two = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        lines[one], lines[two] = lines[two], lines[one]
    spot = data.draw(st.integers(0, len(lines) - 1))
    lines.insert(spot, data.draw(st.text(max_size=20)) + '\n')
    try:
        log = parse_log(''.join(lines), name='log.lammps')
    except FormatError as error:
        assert error.line is not None
        return
    energies = log.thermo.get('PotEng', np.empty(0))
    inserted = lines[spot].split()
    assert len(inserted) == 7 or set(energies) <= {-7442.1478, -7441.8483, -7441.824}
