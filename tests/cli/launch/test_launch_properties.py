"""``aiida-seimlip launch diffusivity|conductivity|neb``: what is submitted, refused and said beforehand."""

from __future__ import annotations

import pytest
from aiida import orm
from ase.constraints import FixAtoms
from ase.io import read

from aiida_seimlip.options.check.report import CheckReport
from tests.cli.check.test_check import store_check
from tests.cli.launch.test_launch import count_nodes, submitted

__all__ = ('submitted',)


@pytest.fixture
def potential(potential_trained):
    potential_trained.label = 'for-properties'
    return potential_trained.store()


@pytest.fixture
def dynamics(code):
    return ['--code', f'dynamics={code("seimlip.lammps").full_label}']


@pytest.fixture
def ends(tmp_path, li2co3):
    """Return the files of both ends of a path, and of the crystal without a vacancy."""
    initial = li2co3[1:]
    final = initial.copy()
    final.positions[0] += [0.0, 0.0, 0.9]
    paths = [tmp_path / name for name in ('initial.xyz', 'final.xyz', 'crystal.xyz')]
    for path, atoms in zip(paths, (initial, final, li2co3), strict=True):
        atoms.write(path)
    return paths


def test_diffusivity(run_command, submitted, dynamics, potential, structure_li2co3):
    structure_li2co3.store()
    run_command(
        'launch', 'diffusivity', '--structure', structure_li2co3.pk, '--potential', 'for-properties', *dynamics,
        '--protocol', 'demo', '--seed', 5, '--overrides', '{"options": {"temperatures": [500.0]}}',
    )  # fmt: skip
    builder = submitted[0]
    assert (builder.structure.pk, builder.potential.pk) == (structure_li2co3.pk, potential.pk)
    assert (builder.options['seed'], builder.options['temperatures']) == (5, [500.0])


def test_dry_run_of_a_diffusivity(run_command, submitted, dynamics, potential, structure_li2co3):
    """Without grades, at a level between those that two checks have measured."""
    structure_li2co3.store()
    code = orm.load_code(dynamics[1].partition('=')[2])
    for level, rate in ((6, 4e4), (10, 1e4)):
        speed = {'level': level, 'n_atoms': 108, 'with_grade': False, 'atom_steps_per_second': rate}
        store_check(CheckReport(kind='lammps', code=code.full_label, code_uuid=code.uuid, speeds=[speed]))
    before = count_nodes()
    output = run_command(
        'launch', 'diffusivity', '--structure', structure_li2co3.pk, '--potential', potential.pk, *dynamics,
        '--protocol', 'demo', '--dry-run', '--overrides',
        '{"options": {"temperatures": [1000.0], "dynamics": {"production_steps": 20000}}}',
    ).output  # fmt: skip
    row = next(line.split() for line in output.splitlines() if line.startswith('production 1000 K'))
    assert row[3:7] == ['1', '20,000', '4.8e+05', f'{4.8e5 / 2e4 / 3600:.3g}']
    total = next(line for line in output.splitlines() if line.startswith('total'))
    assert '≥' not in total, 'every speed is known'
    assert '20,000 atom-steps per core and second without grades' in output
    assert 'interpolated to level 8 between 6 and 10' in output
    assert (count_nodes(), submitted) == (before, [])


def test_speed_of_a_code_like_it(run_command, code, potential, structure_li2co3):
    """A check of another code for the same jobs on the same computer is better than none."""
    structure_li2co3.store()
    mine, other = code('seimlip.lammps', '/bin/echo'), code('seimlip.lammps')
    speed = {'level': 8, 'n_atoms': 108, 'with_grade': False, 'atom_steps_per_second': 3e4}
    store_check(CheckReport(kind='lammps', code=other.full_label, code_uuid=other.uuid, speeds=[speed]))
    output = run_command(
        'launch', 'diffusivity', '--structure', structure_li2co3.pk, '--potential', potential.pk, '--code',
        f'dynamics={mine.full_label}', '-n',
    ).output  # fmt: skip
    assert f'with a code like {mine.full_label} on the same computer' in output


def test_conductivity_of_what(run_command, dynamics):
    result = run_command('launch', 'conductivity', *dynamics, fails=True)
    assert result.exit_code == 2
    assert 'Give either --diffusivity, one that has ended, or --structure' in result.output


def test_conductivity_with_its_diffusivity(run_command, submitted, dynamics, potential, structure_li2co3):
    structure_li2co3.store()
    arguments = ['--structure', structure_li2co3.pk, '--potential', potential.pk, *dynamics, '--protocol', 'demo']
    run_command('launch', 'conductivity', *arguments)
    assert submitted[0].diffusivity['structure'].pk == structure_li2co3.pk
    output = run_command('launch', 'conductivity', *arguments, '--dry-run').output
    assert 'production 900 K' in output


def test_conductivity_of_something_else(run_command, submitted):
    node = orm.WorkChainNode(process_type='aiida.workflows:seimlip.active_learning')
    node.set_process_state('finished')
    result = run_command('launch', 'conductivity', '--diffusivity', node.store().pk, fails=True)
    assert result.exit_code == 2
    assert 'is no `seimlip.diffusivity`' in ' '.join(result.output.split())


def test_neb(run_command, submitted, code, potential, ends):
    python = code('seimlip.ase').full_label
    arguments = [
        '--initial', ends[0], '--final', ends[1], '--potential', potential.uuid, '--code', f'path={python}',
        '--protocol', 'demo', '--overrides', '{"options": {"n_images": 3}}',
    ]  # fmt: skip
    run_command('launch', 'neb', *arguments)
    assert submitted[0].options['n_images'] == 3
    assert submitted[0].initial.n_atoms == submitted[0].final.n_atoms == 23
    output = run_command('launch', 'neb', *arguments, '--dry-run').output
    assert 'band of 3 images' in output
    assert 'label the path' not in output, 'there is no code for the reference'
    assert f'aiida-seimlip check {python} --parameters FILE' in output


def test_the_only_code_for_a_band(run_command, submitted, code, ends, monkeypatch):
    one = code('seimlip.ase')
    overrides = '{"path": {"parameters": {"calculator": {"name": "tblite"}}}}'
    arguments = ('launch', 'neb', '--initial', ends[0], '--final', ends[1], '--overrides', overrides)
    monkeypatch.setattr('aiida_seimlip.cli.launch.codes.find_codes', lambda prefix: [one, one])
    output = ' '.join(run_command(*arguments, fails=True).output.split())
    assert 'Several codes can do `path`' in output
    assert 'is missing: name one for each in `codes`, on the command line as --code path=CODE.' in output
    assert not submitted
    monkeypatch.setattr('aiida_seimlip.cli.launch.codes.find_codes', lambda prefix: [one])
    run_command(*arguments)
    assert submitted[0].path['code'] == one


def test_atoms_that_the_files_of_both_ends_keep_in_place(run_command, submitted, code, potential, ends):
    def fix(path, indices):
        atoms = read(path)
        atoms.set_constraint(FixAtoms(indices))
        target = path.with_name(f'{path.stem}_{len(indices)}.vasp')
        atoms.write(target, vasp5=True, direct=True, sort=True)
        return target

    arguments = ['--potential', potential.uuid, '--code', f'path={code("seimlip.ase").full_label}']
    initial, final = (fix(path, [5, 9]) for path in ends[:2])
    run_command('launch', 'neb', '--initial', initial, '--final', final, *arguments)
    assert len(submitted[0].options['fixed']) == 2
    result = run_command('launch', 'neb', '--initial', initial, '--final', fix(ends[1], [5]), *arguments, fails=True)
    assert result.exit_code == 2
    assert 'keep different atoms in place' in ' '.join(result.output.split())
    result = run_command('launch', 'neb', '--initial', initial, '--final', ends[1], *arguments, fails=True)
    assert 'keep different atoms in place' in ' '.join(result.output.split())
    run_command('launch', 'neb', '--initial', initial, '--final', final, *arguments, '--ignore-constraints')
    assert submitted[1].options['fixed'] == []


def test_ends_of_different_atoms(run_command, submitted, code, potential, ends):
    result = run_command(
        'launch', 'neb', '--initial', ends[0], '--final', ends[2], '--potential', potential.pk, '--code',
        f'path={code("seimlip.ase").full_label}', fails=True,
    )  # fmt: skip
    assert result.exit_code == 2
    assert not submitted
