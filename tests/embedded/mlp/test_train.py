"""What the program makes of training, which is tested with `science.mtp.training`."""

import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from aiida_seimlip.science.formats.mlip3_cfg import read_cfg, write_cfg
from aiida_seimlip.science.formats.mlip3_output import (
    parse_errors_report,
    parse_train,
)
from aiida_seimlip.science.formats.mlip3_potential import ACTIVE_SET_MARK, read_almtp
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade

from .conftest import FIXTURES, SHARED, SPECIES, recorded


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
