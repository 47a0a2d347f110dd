"""Recorded commands, run again."""

import re

import numpy as np
import pytest

from aiida_seimlip.science.formats.mlip3_cfg import read_cfg, write_cfg
from aiida_seimlip.science.formats.mlip3_output import (
    find_error,
    parse_errors_report,
)
from aiida_seimlip.science.formats.mlip3_potential import read_almtp

from .conftest import FIXTURES, OUTPUTS, SHARED, SPECIES, assert_same_configurations, recorded


class TestRecordings:
    @pytest.mark.parametrize(
        'case',
        [
            '10_check_errors', '11_calculate_efs', '12_calculate_grade', '13_select_add', '55_mtp_preselected_read',
            '61_mlp_reads_motep_legacy', 'F_noF', 'F_overwrite_inplace', 'F_select_empty',
        ],
    )  # fmt: skip
    def test_standard_output(self, replay, case):
        """The standard output must be that of mlp, to its last character."""
        assert replay(case) == (0, recorded(case, 'stdout.txt'), '')

    @pytest.mark.parametrize(
        ('case', 'name'),
        [
            ('11_calculate_efs', 'out.cfg'), ('12_calculate_grade', 'out.cfg'), ('13_select_add', 'selected.cfg'),
            ('55_mtp_preselected_read', 'sel.cfg'), ('61_mlp_reads_motep_legacy', 'o.cfg'),
        ],
    )  # fmt: skip
    def test_file(self, replay, folder, case, name):
        replay(case)
        assert_same_configurations(folder / name, FIXTURES / case / name)

    def test_selected_equations(self, replay, folder):
        replay('13_select_add')
        found = read_cfg(folder / 'selected.cfg', SPECIES).features
        assert found == read_cfg(FIXTURES / '13_select_add' / 'selected.cfg', SPECIES).features

    def test_input_is_replaced(self, replay, folder):
        """Without an output file, `calculate_efs` replaces its input, as mlp does."""
        replay('F_overwrite_inplace')
        labelled = read_cfg(folder / 'in.cfg', SPECIES)
        assert labelled.features[0]['EFS_by'] == 'MultiMTP10'
        assert_same_configurations(folder / 'in.cfg', FIXTURES / '11_calculate_efs' / 'out.cfg')

    def test_empty_selection(self, replay, folder):
        replay('F_select_empty')
        assert (folder / 'sel.cfg').read_bytes() == b''

    def test_line_for_each_configuration(self, replay, folder):
        replay('10_check_errors')
        number = re.compile(r'[-+\d.e]+$')
        found = (folder / 'per_cfg.log').read_text().split('\t')
        expected = recorded('10_check_errors', 'per_cfg.log').split('\t')
        assert [number.sub('', word) for word in found] == [number.sub('', word) for word in expected]
        values = [[float(number.search(word.split('\n')[0])[0]) for word in words] for words in (found, expected)]
        np.testing.assert_allclose(*values, rtol=2e-5)

    def test_mindist(self, run, folder):
        """The recorded file is what mlp left of the first two configurations of a training set."""
        first = read_cfg(SHARED / 'train40.cfg', SPECIES)
        write_cfg('db.cfg', first.frames[:2], SPECIES, features=first.features[:2], decimals=6)
        before = (folder / 'db.cfg').read_bytes()
        code, out, err = run('mindist', 'db.cfg', '--no_overwrite=true')
        assert (code, out, err) == (0, recorded('14_mindist', 'stdout.txt'), '')
        assert (folder / 'db.cfg').read_bytes() == before
        run('mindist', 'db.cfg')
        assert (folder / 'db.cfg').read_bytes() == (FIXTURES / '14_mindist' / 'db.cfg').read_bytes()

    def test_active_set(self, replay, folder):
        """Without iterations, `train` only makes the active set: the same as mlp's, of the same configurations."""
        code, out, _ = replay('04_train_cfgmode')
        assert code == 0
        report = parse_errors_report(recorded('04_train_cfgmode', 'stdout.txt'))
        assert parse_errors_report(out) == report
        found = read_almtp(folder / 'pot.almtp', SPECIES[:3]).active_set
        expected = read_almtp(FIXTURES / '04_train_cfgmode' / 'pot.almtp', SPECIES[:3]).active_set
        assert found.mode == expected.mode == 'cfg'
        assert found.weights == expected.weights
        assert found.frames.hashes() == expected.frames.hashes()
        assert found.features == expected.features
        np.testing.assert_array_equal(np.sort(found.origins, axis=0), np.sort(expected.origins, axis=0))


class TestRecordedFailures:
    @pytest.mark.parametrize(
        'case',
        [
            'F_bad_option', 'F_check_missing_cfg', 'F_corruptpot', 'F_emptycfg', 'F_missing_cfg', 'F_missing_pot',
            'F_nan', 'F_nanF', 'F_species_train', 'F_truncated_cfg_calculate_efs', 'F_truncated_cfg_calculate_grade',
            'F_truncated_cfg_mindist', 'F_truncated_cfg_select_add', 'F_untrained_efs', 'F_untrained_grade',
        ],
    )  # fmt: skip
    def test_message(self, replay, folder, case):
        """Exit code and message must be those of mlp, with more behind the message; nothing must be written."""
        inputs = {path.name for path in (FIXTURES / case).iterdir() if path.name not in OUTPUTS}
        code, out, err = replay(case)
        message = find_error(recorded(case, 'stdout.txt'), recorded(case, 'stderr.txt'), 9)
        assert code == int(recorded(case, 'exitcode.txt'))
        assert find_error(out, err, code).startswith(message)
        assert err.startswith('ERROR: ' if 'ERROR: ' in recorded(case, 'stderr.txt') else message)
        assert {path.name for path in folder.iterdir()} == inputs

    @pytest.mark.parametrize('case', ['F_bad_command', 'F_missing_args', 'F_missing_args_train'])
    def test_usage(self, replay, case):
        """Here mlp ends with 0; that is not repeated."""
        code, out, err = replay(case)
        assert code == 2
        assert out.startswith(recorded(case, 'stdout.txt'))
        assert err == ''

    def test_unknown_option(self, replay, folder):
        """Here mlp goes on without a word; that is not repeated."""
        code, out, err = replay('F_unknown_option')
        assert (code, out) == (9, '')
        assert err == 'ERROR: calculate_grade has no option treshold_save. (its options are: log)\n'
        assert not (folder / 'o.cfg').exists()

    def test_fragments(self, replay, folder):
        """Here mlp selects fragments without a word; that is not repeated."""
        code, _, err = replay('76_mpi2_select_ghost')
        assert code == 9
        assert 'Configuration 1 of cand.cfg is a fragment with ghost atoms' in err
        assert not (folder / 'sel.cfg').exists()

    def test_detail(self, replay):
        err = replay('F_nan')[2]
        assert err.endswith('(in.cfg, line 9: AtomData holds `nan`, which is not a valid value.)\n')
