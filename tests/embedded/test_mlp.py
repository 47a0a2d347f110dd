"""Tests for `seimlip-mlp`, against the recordings of the program that it stands in for."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.embedded.mlp import main
from aiida_seimlip.embedded.mlp_command_line import COMMANDS
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg, write_cfg
from aiida_seimlip.science.formats.mlip3_output import (
    find_error,
    parse_errors_report,
    parse_grades,
    parse_mindist,
    parse_select,
    parse_train,
)
from aiida_seimlip.science.formats.mlip3_potential import ACTIVE_SET_MARK, read_almtp, write_almtp
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade

FIXTURES = Path(__file__).parents[1] / 'fixtures' / 'mlip3'
SHARED = FIXTURES / 'shared'
SPECIES = ('Li', 'C', 'O', 'F')
OUTPUTS = ('out.cfg', 'o.cfg', 'selected.cfg', 'sel.cfg', 'per_cfg.log')


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder, capfd):
    """Return a function that runs the program and returns its exit code, standard output and standard error."""

    def factory(*words):
        capfd.readouterr()
        return (main([str(word) for word in words]), *capfd.readouterr())

    return factory


@pytest.fixture
def replay(folder, run):
    """Return a function that runs a recorded command on the recorded inputs."""

    def factory(case):
        for path in (FIXTURES / case).iterdir():
            if path.name not in OUTPUTS:
                shutil.copy(path, folder / path.name)
        return run(*shlex.split((FIXTURES / case / 'cmd.txt').read_text())[1:])

    return factory


def recorded(case, name):
    return (FIXTURES / case / name).read_text()


def assert_same_configurations(path, expected):
    """Check that two files hold the same, up to one unit in the last digit that MLIP-3 writes."""
    one, two = read_cfg(path, SPECIES), read_cfg(expected, SPECIES)
    assert one.frames.hashes() == two.frames.hashes()
    assert [features.keys() for features in one.features] == [features.keys() for features in two.features]
    tolerances = {'energies': 2e-9, 'forces': 1.1e-6, 'grades': 1.1e-4}
    for name, tolerance in tolerances.items():
        values = getattr(one.frames, name), getattr(two.frames, name)
        assert (values[0] is None) == (values[1] is None)
        if values[0] is not None:
            np.testing.assert_allclose(*values, rtol=tolerance if name == 'grades' else 0, atol=tolerance)
    if two.frames.stresses is not None:
        volumes = two.frames.volumes[:, None]
        np.testing.assert_allclose(one.frames.stresses * volumes, two.frames.stresses * volumes, atol=1.1e-5)
    assert (one.nbh_grades is None) == (two.nbh_grades is None)
    if two.nbh_grades is not None:
        np.testing.assert_allclose(one.nbh_grades, two.nbh_grades, rtol=1e-4, atol=1.1e-5)


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


class TestRefusals:
    @pytest.mark.parametrize(
        ('option', 'message'),
        [
            ('--tolerance=nan', 'while parsing option tolerance: nan is not a valid double.'),
            ('--tolerance=-1', 'while parsing option tolerance: -1 is not between 0.0 and inf.'),
            ('--iteration_limit=1.5', 'while parsing option iteration_limit: 1.5 is not a valid int.'),
            ('--iteration_limit=1_0', 'while parsing option iteration_limit: 1_0 is not a valid int.'),
            ('--init_random=yes', 'while parsing option init_random: yes is not a valid bool.'),
            ('--al_mode=atoms', 'while parsing option al_mode: atoms is not one of nbh, cfg.'),
            ('--weight_scaling=3', 'while parsing option weight_scaling: 3 is not between 0 and 2.'),
            ('--save_to=', 'while parsing option save_to:  is not a valid name.'),
            ('--save_to', 'The option save_to lacks a value. (write --save_to=VALUE)'),
            ('--max_iter=5', 'train has no option max_iter.'),
            ('--held_out_fraction=1', 'while parsing option held_out_fraction: 1 is not between 0.0 and 0.9.'),
        ],
    )
    def test_option(self, run, option, message):
        code, out, err = run('train', 'a.almtp', 'b.cfg', option)
        assert (code, out) == (9, '')
        assert err.startswith(f'ERROR: {message}')

    def test_select_without_active_set(self, run, folder):
        code, _, err = run('select_add', SHARED / 'l08_checkpoint.mtp', *[SHARED / 'train30.cfg'] * 2, 'out.cfg')
        assert (code, err) == (9, 'No selection data provided with MLIP\n')
        assert not (folder / 'out.cfg').exists()

    def test_unknown_type(self, run, folder):
        content = (SHARED / 'valid2.cfg').read_bytes().replace(b'    24    2 ', b'    24    7 ')
        (folder / 'in.cfg').write_bytes(content)
        for command in ('calculate_efs', 'calculate_grade', 'check_errors'):
            code, _, err = run(command, SHARED / 'l08_nbh_40.almtp', 'in.cfg', *['o.cfg'] * (command[-1] == 'e'))
            assert (code, err) == (9, 'Atomic number 7 is not present in the MTP potential!\n')

    def test_wrong_ids(self, run, folder):
        (folder / 'in.cfg').write_bytes((SHARED / 'valid2.cfg').read_bytes().replace(b'    24    2 ', b'    25    2 '))
        code, _, err = run('mindist', 'in.cfg')
        assert code == 9
        assert err.startswith("ERROR: Invalid file format: wrong order of id's (in.cfg, line 32: ")

    def test_truncated_active_set(self, run, folder):
        (folder / 'pot.almtp').write_bytes((SHARED / 'l08_nbh_40.almtp').read_bytes()[:100_000])
        code, _, err = run('calculate_grade', 'pot.almtp', SHARED / 'valid2.cfg', 'o.cfg')
        assert code == 9
        assert err.startswith('ERROR: MaxVol::ReadData(): Error loading matrices (pot.almtp, byte ')

    def test_template_without_coefficients(self, run, folder):
        frames = read_cfg(SHARED / 'valid2.cfg', SPECIES).frames
        write_cfg('in.cfg', frames.replace(numbers=np.full_like(frames.numbers, 3)), SPECIES)
        code, _, err = run('calculate_efs', SHARED / 'l08_template.almtp', 'in.cfg')
        assert code == 9
        assert 'is not trained: it has no coefficients' in err

    def test_folder_that_does_not_exist(self, run):
        target = 'nowhere/out.cfg'
        words = (SHARED / 'l08_nbh_40.almtp', SHARED / 'valid2.cfg', f'--output_filename={target}')
        code, _, err = run('calculate_efs', *words)
        assert code == 9
        assert re.search(r'^ERROR: .*nowhere.*: No such file or directory$', err)

    @pytest.mark.parametrize('command', ['relax', 'convert', 'nonsense'])
    def test_command(self, run, command):
        code, out, _ = run(command, 'a', 'b')
        assert code == 2
        assert out.startswith(f'Error: command {command} does not exist.\nThe commands are: train, ')


class TestTrain:
    """Training itself is tested with `science.mtp.training`; here it is what the program makes of it."""

    @pytest.fixture
    def trained(self, run, folder):
        """Train a potential for three iterations."""
        return run(
            'train', SHARED / 'l08_template.almtp', SHARED / 'train30.cfg', '--save_to=pot.almtp', '--al_mode=nbh',
            '--iteration_limit=3',
        )  # fmt: skip

    def test_output(self, trained):
        code, out, err = trained
        output = parse_train(out, err)
        assert (code, err, output.success, output.message) == (0, '', True, None)
        assert output.n_configurations == 30
        assert output.min_dist == 1.05233
        assert output.stop_reason == 'iteration_limit'
        assert len(output.losses) == 4
        assert (np.diff(output.losses) < 0).all()
        assert output.errors.force.count == 720

    def test_lines_of_mlp(self, trained):
        """All lines that mlp prints must be there, but for those of its own optimiser and options."""
        lines = recorded('02_train_l08_AL', 'stdout.txt').splitlines()
        own = re.compile(r'BFGS|\*|Rescaling|   scaling|Pre-training|MTPR serial|\t.*= |\tErrors|Basic|$')
        missing = [line for line in lines if not own.match(line) and line not in trained[1].splitlines()]
        assert missing == ['Iteration limit is 150']

    def test_potential(self, trained, folder):
        potential = read_almtp(folder / 'pot.almtp', SPECIES[:3])
        training = read_cfg(SHARED / 'train30.cfg', SPECIES).frames
        assert potential.is_trained
        assert potential.level == 8
        assert potential.min_dist == pytest.approx(0.99 * training.shortest_distances().min(), rel=1e-12)
        assert potential.active_set.mode == 'nbh'
        assert set(potential.active_set.frames.hashes()) <= set(training.hashes())
        assert grade(potential, training).frame.max() < 1.01
        errors = parse_train(trained[1], '').errors
        rms = np.sqrt(np.mean((evaluate(potential, training).energies - training.energies) ** 2))
        assert errors.energy.rms == pytest.approx(rms, rel=1e-4)

    def test_bytes_are_reproducible(self, trained, run, folder):
        first = (folder / 'pot.almtp').read_bytes()
        words = (SHARED / 'l08_template.almtp', SHARED / 'train30.cfg', '--al_mode=nbh', '--iteration_limit=3')
        run('train', *words, '--save_to=again.almtp')
        assert (folder / 'again.almtp').read_bytes() == first
        run('train', *words, '--save_to=other.almtp', '--seed=1')
        assert (folder / 'other.almtp').read_bytes() != first

    def test_warm_start_keeps_the_mode(self, trained, run, folder):
        words = ('pot.almtp', SHARED / 'train30.cfg', '--save_to=p2.almtp', '--iteration_limit=2', '--al_mode=cfg')
        code, out, _ = run('train', *words)
        assert code == 0
        assert out.startswith('Selection data found\n')
        assert parse_train(out, '').losses[0] <= parse_train(trained[1], '').losses[-1] * 1.0001
        assert read_almtp(folder / 'p2.almtp').active_set.mode == 'nbh'

    def test_input_is_replaced(self, trained, run, folder):
        before = (folder / 'pot.almtp').read_bytes()
        code, out, _ = run('train', 'pot.almtp', SHARED / 'train30.cfg', '--iteration_limit=1')
        assert code == 0
        assert 'WARNING: File pot.almtp already exists and will be overwritten during the training procedure!' in out
        after = (folder / 'pot.almtp').read_bytes()
        assert after != before
        assert ACTIVE_SET_MARK in after
        assert [path.name for path in folder.iterdir()] == ['pot.almtp']

    def test_new_species(self, trained, run, folder):
        """Types that the potential lacks are added, and the old ones keep what they have learned."""
        frames = read_cfg(SHARED / 'train30.cfg', SPECIES)
        numbers = frames.frames.numbers.copy()
        numbers[::24] = 9
        write_cfg('train.cfg', frames.frames.replace(numbers=numbers), SPECIES)
        code, out, _ = run('train', 'pot.almtp', 'train.cfg', '--save_to=p2.almtp', '--iteration_limit=1')
        assert code == 0
        assert 'Following atomic numbers will be added to the MTP potential: 3\n' in out
        assert read_almtp(folder / 'p2.almtp').n_species == 4

    def test_unlabelled(self, trained, run):
        """Configurations without labels are counted and named, and take part in the active set."""
        words = ('pot.almtp', FIXTURES / '39_train_unlabelled' / 'train.cfg', '--save_to=p2.almtp')
        code, out, _ = run('train', *words, '--iteration_limit=1')
        output = parse_train(out, '')
        assert code == 0
        assert 'WARNING: 7 of 37 configurations lack energy or forces; they take part in the active set only.' in out
        assert output.n_configurations == 37
        assert output.errors.energy.count == 30
        assert not read_almtp('p2.almtp').active_set.frames.is_labelled

    def test_nothing_labelled(self, run):
        words = ('train', SHARED / 'l08_nbh_30.almtp', FIXTURES / '55_mtp_preselected_read' / 'preselected.cfg')
        code, _, err = run(*words, '--save_to=p.almtp')
        assert code == 9
        assert 'None of the 14 configurations' in err

    def test_gap_in_types(self, run):
        frames = read_cfg(SHARED / 'valid2.cfg', SPECIES).frames
        write_cfg('train.cfg', frames.replace(numbers=np.where(frames.numbers == 6, 9, frames.numbers)), SPECIES)
        code, _, err = run('train', SHARED / 'l08_template.almtp', 'train.cfg', '--save_to=p.almtp')
        assert code == 9
        assert err.startswith('ERROR: The types in the training set are 0, 2, 3, but they must be 0, 1, 2, ... without')

    def test_untrained_without_iterations(self, run):
        words = ('train', SHARED / 'l08_template.almtp', SHARED / 'train30.cfg', '--save_to=p.almtp')
        code, _, err = run(*words, '--iteration_limit=0')
        assert code == 9
        assert 'is not trained, but iteration_limit is 0' in err

    def test_few_configurations_for_configuration_mode(self, run):
        words = ('train', SHARED / 'l08_checkpoint.mtp', SHARED / 'train30.cfg', '--save_to=p.almtp')
        out = run(*words, '--iteration_limit=0')[1]
        assert 'WARNING: 30 configurations do not fill an active set of 156 rows' in out

    def test_keep_shortest_distance(self, run):
        words = ('train', SHARED / 'l08_checkpoint.mtp', SHARED / 'train40.cfg', '--save_to=p.almtp')
        out = run(*words, '--iteration_limit=0', '--no_mindist_update=true', '--al_mode=nbh')[1]
        assert 'updated' not in out
        assert parse_train(out, '').min_dist == 0.725585
        assert read_almtp('p.almtp').min_dist == read_almtp(SHARED / 'l08_checkpoint.mtp').min_dist

    def test_held_out(self, run):
        words = ('train', SHARED / 'l08_checkpoint.mtp', SHARED / 'train30.cfg', '--save_to=p.almtp', '--al_mode=nbh')
        code, out, _ = run(*words, '--iteration_limit=2', '--held_out_fraction=0.2', '--threads=2')
        assert code == 0
        assert 'Held out: 6 configurations, RMS difference of the energy per atom = ' in out

    def test_log_file(self, run, folder):
        words = ('train', SHARED / 'l08_checkpoint.mtp', SHARED / 'train30.cfg', '--save_to=p.almtp', '--al_mode=nbh')
        out = run(*words, '--iteration_limit=1', '--log=train.log')[1]
        assert 'LM iter' not in out
        assert 'LM iter 1: f=' in (folder / 'train.log').read_text()
        assert parse_errors_report((folder / 'train.log').read_text()).energy.count == 30

    def test_killed(self, folder):
        """A killed training leaves a checkpoint, which says that it is none of the finished ones."""
        program = 'import sys; from aiida_seimlip.embedded.mlp import main; sys.exit(main())'
        words = ['train', SHARED / 'l08_template.almtp', SHARED / 'train30.cfg', '--save_to=pot.almtp', '--al_mode=nbh']
        command = [sys.executable, '-c', program, *map(str, words), '--iteration_limit=100000', '--tolerance=0']
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
            out = ''
            while 'LM iter 2' not in out:
                line = process.stdout.readline()
                assert line, out
                out += line
            process.send_signal(signal.SIGTERM)
            out += process.stdout.read()
        assert process.returncode == -signal.SIGTERM
        assert not parse_train(out, '').success
        potential = read_almtp(folder / 'pot.almtp')
        assert potential.is_trained
        assert potential.active_set is None


class TestFiles:
    def test_grades_in_configuration_mode(self, run):
        """There are no grades of atoms in configuration mode; `mlp` graded this ideal crystal 54175."""
        ideal = FIXTURES / '24_lmp_cfgmode_2ranks' / 'preselected.cfg'
        code, out, _ = run('calculate_grade', FIXTURES / '04_train_cfgmode' / 'pot.almtp', ideal, 'o.cfg')
        assert code == 0
        assert parse_grades(out) == pytest.approx([54175.5], rel=1e-4)
        assert read_cfg('o.cfg', SPECIES).nbh_grades is None

    def test_grades_to_file(self, run, folder):
        words = ('calculate_grade', SHARED / 'l08_nbh_40.almtp', SHARED / 'valid2.cfg', 'o.cfg', '--log=grades.log')
        out = run(*words)[1]
        assert parse_grades(out).size == 0
        assert parse_grades((folder / 'grades.log').read_text()).size == 2

    def test_report_to_file(self, run, folder):
        out = run('check_errors', SHARED / 'l08_nbh_40.almtp', SHARED / 'valid16.cfg', '--report_to=report.txt')[1]
        assert out == ''
        assert (folder / 'report.txt').read_text() == recorded('10_check_errors', 'stdout.txt')

    def test_output_to_a_device(self, run):
        """What is no regular file must be written to, not replaced."""
        words = ('calculate_efs', SHARED / 'l08_nbh_40.almtp', SHARED / 'valid2.cfg', '--output_filename=/dev/null')
        assert run(*words)[0] == 0
        assert Path('/dev/null').is_char_device()

    def test_output_through_a_link(self, run, folder):
        (folder / 'there').mkdir()
        (folder / 'there' / 'o.cfg').touch()
        (folder / 'o.cfg').symlink_to('there/o.cfg')
        run('calculate_efs', SHARED / 'l08_nbh_40.almtp', SHARED / 'valid2.cfg', '--output_filename=o.cfg')
        assert (folder / 'o.cfg').is_symlink()
        assert len(read_cfg(folder / 'there' / 'o.cfg', SPECIES).frames) == 2

    def test_swap_limit(self, run):
        words = [SHARED / name for name in ('l08_nbh_40.almtp', 'train40.cfg', 'valid16.cfg')]
        out = run('select_add', *words, 'o.cfg', '--swap_limit=1')[1]
        assert '\tswap_limit = 1\n' in out
        assert parse_select(out).n_selected == 1

    def test_mindist_of_distant_types(self, run):
        """Types that are far apart have a distance, too; a lone atom without a cell has none."""
        header = 'BEGIN_CFG\n Size\n 3\n AtomData: id type cartes_x cartes_y cartes_z\n'
        Path('db.cfg').write_text(f'{header} 1 0 0 0 0\n 2 1 0 0 13\n 3 1 2 0 13\nEND_CFG\n')
        out = run('mindist', 'db.cfg')[1]
        assert parse_mindist(out).by_types == {(0, 1): 13.0, (1, 1): 2.0}
        assert read_cfg('db.cfg', SPECIES).features[0]['mindists'] == '{(0,1):13.000000,(1,1):2.000000}'


class TestHelp:
    def test_commands(self, run):
        for words in ([], ['help'], ['list'], ['--help']):
            code, out, _ = run(*words)
            assert code == 0
            assert all(f'\n  {name} ' in out for name in COMMANDS)

    @pytest.mark.parametrize('name', COMMANDS)
    def test_options(self, run, name):
        code, out, _ = run('help', name)
        assert code == 0
        assert all(f'--{option}=' in out for option in COMMANDS[name].options)
        assert run(name, '--help')[1] == out

    def test_unknown(self, run):
        assert run('help', 'nonsense')[0] == 2

    def test_loads_nothing_heavy(self):
        program = (
            'import sys; from aiida_seimlip.embedded.mlp import main; main(["help"]); '
            'print([name for name in ("numpy", "ase", "numba", "scipy", "aiida") if name in sys.modules])'
        )
        out = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True).stdout
        assert out.splitlines()[-1] == '[]'


def test_what_is_written_can_be_read_by_motep(run, folder):
    """An independent reader of the format takes the potential, which it needs without the active set."""
    from motep.io.mlip.mtp import read_mtp

    words = ('train', SHARED / 'l08_checkpoint.mtp', SHARED / 'train30.cfg', '--save_to=p.almtp', '--al_mode=nbh')
    run(*words, '--iteration_limit=1')
    potential = read_almtp('p.almtp')
    (folder / 'text.mtp').write_bytes(write_almtp(potential.replace(active_set=None)))
    np.testing.assert_array_equal(read_mtp('text.mtp').radial_coeffs, potential.radial_coeffs)
