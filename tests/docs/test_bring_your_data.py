"""The commands of the how-to on data of one's own do what it says, in the order in which they stand there."""

from __future__ import annotations

import re
import shlex
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from aiida_seimlip.cli.profile.codes import setup_codes
from tests.cli.conftest import run_command  # noqa: F401
from tests.cli.launch.test_launch import submitted  # noqa: F401
from tests.science.formats.test_deepmd import write_system
from tests.science.formats.vasp.vasp_files import Step, outcar, vasprun

PAGE = Path(__file__).parents[2] / 'docs' / 'howto' / 'bring_your_data.md'
COMMANDS = re.findall(r'^\$ aiida-seimlip (.*)$', PAGE.read_text(encoding='utf-8'), re.MULTILINE)


@pytest.fixture
def files(fixtures, tmp_path, monkeypatch):
    """Go to a folder with all files that the page speaks of."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(fixtures / 'mlip3/shared/train30.cfg', 'train.cfg')
    shutil.copy(fixtures / 'mlip3/shared/l08_nbh_30.almtp', 'pot.almtp')
    shutil.copy(fixtures / 'cases/mace_ref.xyz', 'mace.xyz')
    shutil.copy(fixtures / 'cases/gap_dft.xyz', 'gap.xyz')
    text = (
        Path('gap.xyz').read_text().replace('dft_energy=', 'mace_energy=-9.4 E_tot=').replace('dft_virial', 'my_virial')
    )
    Path('other.xyz').write_text(text)
    atoms = Atoms('LiF', [[0, 0, 0], [2, 2.1, 2]], cell=[4, 4, 4], pbc=True)
    atoms.calc = SinglePointCalculator(atoms, energy=-9.5, free_energy=-9.52, forces=np.ones((2, 3)), stress=np.ones(6))
    for name in ('run.traj', 'all.db'):
        write(name, [atoms])
    Path('vasprun.xml').write_text(vasprun([Step(), Step(n_electronic=60)]))
    Path('OUTCAR').write_text(outcar([Step(energy=-9.7)]))
    arrays = {
        'box': np.diag([4.0, 5, 6]).reshape(1, 9),
        'coord': np.ones((1, 3)),
        'energy': [-3.0],
        'force': np.ones((1, 3)),
    }
    write_system(Path('deepmd'), {'set.000': arrays}, type='0', type_map='Li')
    with zipfile.ZipFile('mace.model', 'w') as archive:
        archive.writestr('mace/data.pkl', b'')


def test_commands(files, run_command, submitted, aiida_localhost, monkeypatch):  # noqa: F811
    codes = setup_codes(lambda _: None).values()

    def find_codes(prefix):
        return [code for code in codes if code.default_calc_job_plugin.startswith(prefix)]

    monkeypatch.setattr('aiida_seimlip.cli.launch.codes.find_codes', find_codes)  # not those of other tests
    first = None
    for line in COMMANDS:
        arguments = shlex.split(line)
        if arguments[0] == 'setup':
            continue
        if arguments[:2] == ['frames', 'export']:
            assert arguments[2] == '1'
            arguments[2] = first
        answers = () if '--yes' in arguments or arguments[1] in ('export', 'al') else ('--yes',)
        output = run_command(*arguments, *answers).output
        found = re.search(r'(?:as node|are there already: node) (\d+)', output)
        first = first or (found.group(1) if found else None)
    assert len(COMMANDS) == 16
    assert submitted[0].initial_potential.selection_mode == 'nbh'


def test_python(files):
    code = re.findall(r'^```python\n(.*?)^```', PAGE.read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL)
    assert len(code) == 1
    names = {}
    exec(code[0], names)
    assert names['node'].is_stored
    assert names['found'].tally.used['energy'] == {'E_tot': 1}
    assert names['found'].tally.left_out == {'mace_energy': 1}
