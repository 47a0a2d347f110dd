"""Files under wrong names, cut off and damaged: the commands take them or say in one sentence why not."""

import itertools
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from click.testing import CliRunner

from aiida_seimlip.cli import cmd_root
from aiida_seimlip.science.frames import Frames
from tests.conftest import FIXTURES
from tests.science.formats.vasp.vasp_files import Step, outcar, vasprun

NAMES = (
    'a.xyz', 'a.cfg', 'a.traj', 'a.db', 'a.json', 'a.npz', 'vasprun.xml', 'OUTCAR', 'POSCAR', 'a.almtp', 'a.model', 'a',
    'a.extxyz.gz',
)  # fmt: skip
FILES = sorted(path for path in FIXTURES.rglob('*') if path.is_file())
PARTS = 8
NUMBER = 25


def run(*arguments):
    """Run a command; anything but an answer is an error."""
    result = CliRunner().invoke(cmd_root, [*map(str, arguments), '--species', 'Li,C,O', '--dry-run'])
    if not isinstance(result.exception, SystemExit | None):
        raise AssertionError(f'{arguments}: {result.exception!r}') from result.exception
    assert result.exit_code in (0, 2), result.output
    if result.exit_code == 2:
        message = result.output.partition('Error: ')[2]
        assert message.strip(), result.output
        assert 'Traceback' not in message
    return result


@pytest.mark.parametrize('part', range(PARTS))
def test_wrong_names(tmp_path, part):
    names = itertools.cycle(NAMES)
    accepted = 0
    for path in FILES[part::PARTS]:
        wrong = tmp_path / next(names)
        shutil.copy(path, wrong)
        accepted += run('frames', 'import', wrong, '--method', 'PBE').exit_code == 0
        accepted += run('potential', 'import', wrong).exit_code == 0
        wrong.unlink()
    assert accepted  # some of the files are what the commands are for


@pytest.fixture(scope='module')
def sound(tmp_path_factory):
    """Return a folder with a sound file of each format."""
    folder = tmp_path_factory.mktemp('sound')
    for name in ('cases/plain.xyz', 'mlip3/shared/train30.cfg', 'mlip3/shared/l08_nbh_30.almtp'):
        (folder / Path(name).name).write_bytes((FIXTURES / name).read_bytes()[:20_000])
    atoms = Atoms('LiF', [[0, 0, 0], [2, 2.1, 2]], cell=[4, 4, 4], pbc=True)
    atoms.calc = SinglePointCalculator(atoms, energy=-9.5, free_energy=-9.5, forces=np.ones((2, 3)), stress=np.ones(6))
    for name in ('a.traj', 'a.db', 'a.json'):
        write(folder / name, [atoms, atoms])
    arrays = {name: value for name, value in vars(Frames.from_atoms([atoms])).items() if value is not None}
    np.savez(folder / 'a.npz', **arrays)
    (folder / 'vasprun.xml').write_text(vasprun([Step(), Step()]))
    (folder / 'OUTCAR').write_text(outcar([Step(), Step()]))
    return folder


SOUND = ('plain.xyz', 'train30.cfg', 'l08_nbh_30.almtp', 'a.traj', 'a.db', 'a.json', 'a.npz', 'vasprun.xml', 'OUTCAR')


def damage(content, generator):
    """Change, repeat, remove or cut off a few bytes."""
    damaged = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        begin = generator.randrange(max(len(damaged), 1))
        end = begin + generator.randint(1, 30)
        match generator.randrange(4):
            case 0:
                damaged[begin:end] = bytes(generator.randrange(256) for _ in range(3))
            case 1:
                damaged[begin:end] = damaged[begin:end] * 2
            case 2:
                del damaged[begin:end]
            case 3:
                del damaged[begin + 1 :]
    return bytes(damaged)


@pytest.mark.parametrize('name', SOUND)
def test_damaged(tmp_path, sound, name):
    content = (sound / name).read_bytes()
    for number in range(NUMBER):
        path = tmp_path / f'{number}{Path(name).suffix}'
        path.write_bytes(damage(content, random.Random(f'{name} {number}')))
        run('frames', 'import', path, '--method', 'PBE')
        run('potential', 'import', path)


def test_folders_and_nothing(tmp_path):
    (tmp_path / 'empty').mkdir()
    for path in (tmp_path / 'empty', tmp_path / 'nothing', tmp_path):
        assert run('frames', 'import', path).exit_code == 2
        assert run('potential', 'import', path).exit_code == 2
