"""Any file in the place of a structure: a command does what it says, or refuses in one sentence; it never trips."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from aiida_seimlip.cli import cmd_root

FIXTURES = Path(__file__).parents[1] / 'fixtures'
NAMES = (
    'x', 'x.cif', 'x.xyz', 'x.extxyz', 'POSCAR', 'CONTCAR', 'XDATCAR', 'x.vasp', 'x.cfg', 'x.data', 'data.x', 'x.lmp',
    'x.lammpstrj', 'x.dump', 'OUTCAR', 'vasprun.xml', 'x.traj', 'x.json', 'x.db', 'x.gz', 'x.pdb', 'x.in', 'x.out',
    'x@0', 'start=x.cif', 'x.res', 'x.xsf', 'x.cube', 'x.gen', 'x.mol', 'x.xml', 'geometry.in', 'x.struct',
)  # fmt: skip
COMMANDS = (
    ('structure', 'supercell', 'FILE', '-r', 1, 1, 1), ('structure', 'vacancy', 'FILE', '--list'),
    ('structure', 'vacancy', 'FILE'), ('structure', 'interstitial', 'FILE', '--list'),
    ('structure', 'frenkel', 'FILE'), ('structure', 'hops', 'FILE', '--max-length', 2), ('structure', 'order', 'FILE'),
    ('structure', 'slab', 'FILE', '-m', 1, 1, 0, '--thickness', 6),
    ('launch', 'al', '--structure', 'FILE', '--dry-run'), ('launch', 'diffusivity', '--structure', 'FILE', '--dry-run'),
    ('launch', 'conductivity', '--structure', 'FILE', '--dry-run'),
    ('launch', 'neb', '--initial', 'FILE', '--final', 'FILE', '--dry-run'),
)  # fmt: skip
SPECIES = ((), ('--species', 'Li,F'), ('--species', 'Li,C,O'))
MAX_BYTES = 60_000
"""Larger files take long and tell no more."""


def all_files() -> list[Path]:
    return sorted(path for path in FIXTURES.rglob('*') if path.is_file() and path.stat().st_size < MAX_BYTES)


def damage(content: bytes, rng: random.Random) -> bytes:
    """Return a content as it may become on the way: cut, doubled, with a wrong byte, or with lines out of order."""
    if not content:
        return content
    place = rng.randrange(len(content))
    lines = content.split(b'\n')
    line = rng.randrange(len(lines))
    damaged = [
        content[:place], content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :],
        b'\n'.join(lines[:line] + lines[line + 1 :]), b'\n'.join([*lines[:line], lines[line], *lines[line:]]),
        content.replace(b'.', b',', 3), content.replace(b'0', b'nan', 2), content + content[place:],
    ]  # fmt: skip
    return rng.choice(damaged)


@pytest.fixture
def run(code):
    """Return a function that runs a command on a file, and says what is wrong with how it ended, None if nothing is."""
    plugins = {'reference': 'seimlip.ase', 'training': 'seimlip.mlip3.train', 'exploration': 'seimlip.lammps'}
    codes = {socket: code(name).full_label for socket, name in plugins.items()}
    jobs = {
        'al': codes, 'neb': {'path': codes['reference']}, 'diffusivity': {'dynamics': codes['exploration']},
        'conductivity': {'dynamics': codes['exploration']},
    }  # fmt: skip

    def run(command, path, species):
        arguments = [str(path) if part == 'FILE' else str(part) for part in command]
        for socket, label in jobs.get(command[1], {}).items():
            arguments += ['--code', f'{socket}={label}']
        if command[1] != 'order' or species:
            arguments += species
        result = CliRunner().invoke(cmd_root, arguments)
        said = ' '.join(result.output.split())
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return f'{" ".join(arguments)}: {result.exception!r}'
        if 'Traceback' in said or result.exit_code not in (0, 2):
            return f'{" ".join(arguments)}: exit code {result.exit_code}: {said[-800:]}'
        if result.exit_code == 2 and not said.split('Error: ')[-1].rstrip().endswith('.'):
            return f'{" ".join(arguments)}: no sentence: {said.split("Error: ")[-1]}'
        return None

    return run


@pytest.mark.parametrize('seed', range(4))
def test_files_of_any_kind_under_any_name(run, tmp_path, seed):
    rng = random.Random(seed)
    faults = []
    for path in rng.sample(all_files(), 40):
        target = tmp_path / rng.choice([path.name, *rng.sample(NAMES, 3)])
        shutil.copy(path, target)
        faults.append(run(rng.choice(COMMANDS), target, rng.choice(SPECIES)))
        target.unlink()
    assert [fault for fault in faults if fault] == []


@pytest.mark.parametrize('seed', range(4))
def test_damaged_files(run, tmp_path, seed):
    rng = random.Random(100 + seed)
    sources = [path for folder in ('cases', 'crystals') for path in sorted((FIXTURES / folder).iterdir())]
    faults = []
    for _ in range(40):
        path = rng.choice(sources)
        target = tmp_path / rng.choice([path.name, path.name, rng.choice(NAMES)])
        target.write_bytes(damage(path.read_bytes(), rng))
        faults.append(run(rng.choice(COMMANDS), target, rng.choice(SPECIES)))
        target.unlink()
    assert [fault for fault in faults if fault] == []
