"""What is refused."""

import re

import numpy as np
import pytest

from aiida_seimlip.science.formats.mlip3_cfg import read_cfg, write_cfg

from .conftest import SHARED, SPECIES


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
