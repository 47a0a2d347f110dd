"""Tests for `science.formats.mlip3_output`."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_output import (
    ErrorBlock,
    find_error,
    parse_break,
    parse_errors_report,
    parse_grades,
    parse_mindist,
    parse_select,
    parse_train,
)

FIXTURES = Path(__file__).parents[2] / 'fixtures' / 'mlip3'
SPECIES = ('Li', 'C', 'O')
NOT_PRESENT = 'from the MTP is not present in the training set. You are doing something wrong!'


def recorded(case: str) -> tuple[str, str, int]:
    """Return standard output, standard error and exit code of a recording."""
    folder = FIXTURES / case
    return (
        (folder / 'stdout.txt').read_text(), (folder / 'stderr.txt').read_text(),
        int((folder / 'exitcode.txt').read_text()),
    )  # fmt: skip


def stdout(case: str) -> str:
    return recorded(case)[0]


class TestFindError:
    @pytest.mark.parametrize(
        ('case', 'message'),
        [
            ('F_bad_command', 'command calculate_grades does not exist'),
            ('F_bad_option', 'while parsing option iteration_limit: abc is not a valid int.'),
            ('F_check_missing_cfg', 'Input stream is not open'),
            ('F_corruptpot', 'Error reading .mtp file "pot.almtp"'),
            ('F_emptycfg', f'Atomic number 0 {NOT_PRESENT}'),
            ('F_missing_args', '3 arguments required'),
            ('F_missing_args_train', '2 arguments are required'),
            ('F_missing_cfg', "Can't open input configurations file"),
            ('F_missing_pot', 'Cannot open nopot.almtp'),
            ('F_nan', 'Unable to read AtomData. Wrong Size specified?'),
            ('F_nanF', 'Unable to read AtomData. Wrong Size specified?'),
            ('F_species_train', f'Atomic number 2 {NOT_PRESENT}'),
            ('F_truncated_cfg_calculate_efs', 'Unable to read field name'),
            ('F_truncated_cfg_calculate_grade', 'Unable to read AtomData. Wrong Size specified?'),
            ('F_truncated_cfg_mindist', 'Unable to read AtomData. Wrong Size specified?'),
            ('F_truncated_cfg_select_add', 'Unable to read AtomData. Wrong Size specified?'),
            ('F_untrained_efs', 'Atomic number 1 is not present in the MTP potential!'),
            ('F_untrained_grade', 'No selection data provided with MLIP'),
            ('61_mlp_reads_motep_new', 'Error reading .mtp file'),
            ('75_mpi2_err', 'Cannot open nopot.almtp'),
            ('F_lmp_bad_bool', 'settings["extrapolation_control"]="yes" but it is not "TRUE" or "FALSE"'),
            ('F_lmp_bad_pot', 'Error reading .mtp file "pot.almtp"'),
            ('F_lmp_missing_pot', 'Can not open file "nopot.almtp" for MLIP loading'),
            ('F_lmp_missing_pot_al', 'Can not open file "nopot.almtp" for MLIP loading'),
            ('F_lmp_no_mvs', 'No selection data provided with MLIP'),
            ('F_lmp_species', 'Atomic number 3 is not present in the MTP potential!'),
            ('F_mtp_missing', 'Invalid file descriptor'),
            ('21_lmp_mlip_break', 'Breaking threshold exceeded (MV-grade: 14.900080)'),
        ],
    )  # fmt: skip
    def test_recorded_failure(self, case, message):
        assert find_error(*recorded(case)) == message

    @pytest.mark.parametrize(
        'case',
        [
            '01_train_l08', '04_train_cfgmode', '10_check_errors', '11_calculate_efs', '12_calculate_grade',
            '13_select_add', '14_mindist', '39_train_unlabelled', '40_train_add_species', '70_mpi2_grade', '78_relax',
            'F_select_empty', 'F_unknown_option', '20_lmp_mlip_nograde', 'F_mtp_nomvs',
        ],
    )  # fmt: skip
    def test_none(self, case):
        """No message; `F_mtp_nomvs` failed, but left nothing but the banner of mpirun."""
        assert find_error(*recorded(case)) is None

    def test_lammps_error(self):
        text = 'ERROR: Lost atoms: original 96 current 0 (src/thermo.cpp:494)\nLast command: run 100\n'
        assert find_error(text, '', 1) == 'Lost atoms: original 96 current 0'

    def test_unknown_message(self):
        assert find_error('', 'Segmentation fault (core dumped)\n', 139) == 'Segmentation fault (core dumped)'
        assert find_error('', 'some remark\n', 0) is None

    def test_negative_stress(self):
        text = 'ERROR: \n!!!!!!\n!!!          ERROR         ERROR        ERROR         !!!\n'
        text += '!!!      Read a configuration with (negative) Stress. !!!\n!!!!!!\n \n  Thrown by function Load\n'
        assert find_error('', text, 9) == 'Read a configuration with (negative) Stress'


class TestParseBreak:
    @pytest.mark.parametrize(
        ('case', 'grade'),
        [
            ('21_lmp_mlip_break', 14.90008), ('22_lmp_break_2ranks', 14.90008), ('23_lmp_cfgmode_1rank', 54175.465427),
            ('24_lmp_cfgmode_2ranks', 54175.465427), ('25_lmp_save_nobreak', 1842531.565265),
            ('20_lmp_mlip_nograde', None), ('F_lmp_species', None), ('78_relax', None),
        ],
    )  # fmt: skip
    def test_recorded(self, case, grade):
        out, err, _ = recorded(case)
        assert parse_break(err, out) == grade

    def test_mtp_pair_style(self):
        text = 'ERROR on proc 0: Exceeded Break Threshold: 11.57554. Terminating simulation.'
        assert parse_break('', text) == 11.57554
        assert find_error(text, '', 1) == 'Exceeded Break Threshold: 11.57554. Terminating simulation.'


class TestParseTrain:
    def test_untrained_start(self):
        out = parse_train(*recorded('01_train_l08')[:2])
        assert out.success
        assert out.n_configurations == 40
        assert len(out.pretraining_losses) == 75
        assert len(out.losses) == 100
        assert out.losses[-1] == 0.045086094
        assert out.min_dist == 0.725585
        assert out.stop_reason == 'iteration_limit'
        assert out.message is None
        assert out.errors.energy == ErrorBlock(40, 0.543139, 0.11906, 0.166638)

    def test_warm_start(self):
        out = parse_train(*recorded('39_train_unlabelled')[:2])
        assert out.n_configurations == 37
        assert out.errors.energy.count == 30
        assert out.losses.tolist() == [0.00841926, 0.00841499, 0.00840295]
        assert out.pretraining_losses.size == 0

    def test_no_iterations(self):
        out = parse_train(*recorded('04_train_cfgmode')[:2])
        assert out.success
        assert out.losses.size == 0
        assert out.stop_reason is None

    def test_killed(self):
        out = parse_train(*recorded('01k_train_killed')[:2])
        assert not out.success
        assert len(out.losses) == 297
        assert out.errors is out.stop_reason is out.message is None

    def test_killed_in_pretraining(self):
        text = stdout('01k_train_killed').split('Pre-training ended')[0]
        out = parse_train(text[: text.index('BFGS iter 20')], '')
        assert out.losses.size == 0
        assert len(out.pretraining_losses) == 20
        assert out.stop_reason is None

    def test_failed(self):
        out = parse_train(*recorded('F_species_train')[:2])
        assert not out.success
        assert out.message.startswith('Atomic number 2 from the MTP is not present')

    def test_levenberg_marquardt(self):
        out = parse_train(
            'MTPR training started\nLM iter 0: f=2.5\nLM iter 1: f=1e-3\ntraining complete\n' + REPORT, ''
        )
        assert out.losses.tolist() == [2.5, 1e-3]

    @pytest.mark.parametrize(
        ('line', 'reason'),
        [
            ('BFGS ended due to small decr. in 50 iterations', 'converged'),
            ('BFGS has exceeded the linesearch limit. Cannot converge further', 'linesearch'),
        ],
    )
    def test_stop_reasons(self, line, reason):
        text = stdout('39_train_unlabelled').replace('step limit reached', line)
        assert parse_train(text, '').stop_reason == reason


REPORT = stdout('10_check_errors')


class TestParseErrorsReport:
    def test_recorded(self):
        report = parse_errors_report(REPORT)
        assert report.energy == ErrorBlock(16, 0.306369, 0.141316, 0.1669)
        assert report.energy_per_atom == ErrorBlock(16, 0.0127654, 0.00588818, 0.00695417)
        assert report.force == ErrorBlock(384, 1.678, 0.304509, 0.379251, 0.0779002, 0.0762487)
        assert report.stress_energy == ErrorBlock(16, 19.8759, 8.86966, 10.2372, 0.302264, 0.339173)
        assert report.stress_pressure == ErrorBlock(16, 13.7373, 5.77844, 6.63495, 0.314964, 0.330578)

    def test_nothing_to_compare(self):
        """MLIP-3 prints 0 for each error of nothing; it is unknown."""
        report = parse_errors_report(stdout('F_noF'))
        for block in (report.energy, report.energy_per_atom):
            assert block.count == 0
            assert np.isnan([block.max, block.mean, block.rms]).all()
            assert (block.relative_max, block.relative_rms) == (None, None)
        assert report.force.count == 48
        assert report.force.rms > 0

    def test_none(self):
        with pytest.raises(FormatError, match='There is no report of errors'):
            parse_errors_report('training complete\n')

    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, REPORT.index('\n____')))
    def test_truncated(self, length):
        with pytest.raises(FormatError, match='report of errors'):
            parse_errors_report(REPORT[:length])


class TestCommands:
    def test_grades(self):
        grades = parse_grades(stdout('12_calculate_grade'))
        written = read_cfg(FIXTURES / '12_calculate_grade' / 'out.cfg', SPECIES).frames.grades
        np.testing.assert_allclose(grades, written, rtol=1e-5)

    def test_grades_of_two_ranks(self):
        with pytest.raises(FormatError, match='not those of configurations 1, 2, 3'):
            parse_grades(stdout('70_mpi2_grade'))

    def test_select(self):
        out = parse_select(*recorded('13_select_add')[:2])
        assert (out.success, out.n_from_training, out.n_selected, out.message) == (True, 28, 9, None)

    def test_select_nothing(self):
        out = parse_select(*recorded('F_select_empty')[:2])
        assert (out.success, out.n_selected) == (True, 0)

    def test_select_failed(self):
        out = parse_select(*recorded('F_truncated_cfg_select_add')[:2])
        assert (out.success, out.n_from_training, out.n_selected) == (False, 28, None)
        assert out.message == 'Unable to read AtomData. Wrong Size specified?'

    def test_select_without_active_set(self):
        """This failure is only printed, and then the program goes on."""
        out = parse_select('No selection data provided with MLIP\nTraining set was increased by 3 configurations\n')
        assert (out.success, out.message) == (False, 'No selection data provided with MLIP')

    def test_mindist(self):
        out = parse_mindist(stdout('14_mindist'))
        assert out.shortest == 1.16181
        assert out.by_types[0, 2] == 1.75757
        assert len(out.by_types) == 6

    def test_mindist_failed(self):
        with pytest.raises(FormatError, match='`Global mindist` is missing'):
            parse_mindist(stdout('F_truncated_cfg_mindist'))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.integers(0, 3000), st.integers(0, 200))
def test_noise(noise, position, removed):
    """Noise must lead to a `FormatError` or to a result, and success only if the last line says so."""
    text = stdout('39_train_unlabelled')
    text = text[:position] + noise + text[position + removed :]
    find_error(text, noise, 9)
    parse_break(noise, text)
    try:
        out = parse_train(text, noise)
    except FormatError:
        return
    assert out.success == bool(re.search('^training complete$', text, re.MULTILINE))
