"""Files, help, and what other programs read."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.embedded.mlp_command_line import COMMANDS
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_output import (
    parse_grades,
    parse_mindist,
    parse_select,
)
from aiida_seimlip.science.formats.mlip3_potential import read_almtp, write_almtp

from .conftest import FIXTURES, SHARED, SPECIES, recorded


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
