"""Scripts: LAMMPS' other commands, and the pair style wherever it stands."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.formats.lammps_log import parse_log
from aiida_seimlip.science.formats.mlip3_potential import write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import initial_guess

from .conftest import (
    FIXTURES,
    HEAD,
    Program,
    assert_same_table,
)


def test_loops_includes_and_variables(lmp):
    (lmp.folder / 'pair.lmp').write_text('pair_style mlip &\n  load_from=${potential}  # comment\npair_coeff * *\n')
    (lmp.folder / 'in.lmp').write_text(
        HEAD.split('pair_style', maxsplit=1)[0]
        + 'include pair.lmp\nfix 1 all nve\nvelocity all create 10 7\nlabel again\nvariable i loop 3\nrun 2\nnext i\n'
        + 'jump SELF again\nif "1 == 1" then "run 1"\n'
    )
    process = lmp('-in', 'in.lmp', '-var', 'potential', 'pot.almtp', '-log', 'other.log')
    assert process.returncode == 0, process.stdout
    assert [run.n_steps for run in parse_log((lmp.folder / 'other.log').read_text()).runs] == [2, 2, 2, 1]


CASES = FIXTURES / 'cases'
COPPER = 'mass 1 63.546\npair_style mlip load_from=pot.almtp\npair_coeff * *\nfix 1 all nve\nrun 5\n'


@pytest.fixture
def copper(lmp) -> Program:
    """Return a folder with copper that moves, and a potential for it."""
    potential = initial_guess(untrained(6, ('Cu',), min_dist=2.0, max_dist=5.0), seed=0)
    moments = np.random.default_rng(1).normal(scale=0.1, size=potential.n_moments)
    (lmp.folder / 'pot.almtp').write_bytes(write_almtp(potential.replace(moment_coeffs=moments)))
    atoms = bulk('Cu', cubic=True) * (2, 2, 2)
    atoms.rattle(0.1, seed=1)
    (lmp.folder / 'cu.data').write_text(write_data(Frames.from_atoms([atoms]), ('Cu',))[0])
    return lmp


def test_pair_style_in_a_branch(copper):
    script = (CASES / 'pair_style_in_if.in').read_text()
    plain = copper.script(script.split('mass')[0] + COPPER)
    assert plain.returncode == 0, plain.stdout
    expected = copper.log
    assert np.ptp(expected.thermo['E_pair']) > 0.0
    process = copper.script(script)
    assert process.returncode == 0, process.stdout
    assert 'Wrapper initialization complete' in process.stdout
    assert_same_table(copper.log, expected)
    process = copper.script(script.replace('string mlip', 'string zero'))
    assert process.returncode == 0, process.stdout
    assert 'Wrapper' not in process.stdout
    assert not copper.log.thermo['E_pair'].any()


@pytest.mark.parametrize(
    'pair_style',
    [
        'if "1 > 2" then "run 1" elif "2 > 1" "${whole}" "pair_coeff * *"',
        'if "1" then """if "${style} == mlip" then \'include pair.lmp\'"""\npair_coeff * *',
        '${command} ${style} load_from=&\npot.almtp   # continued inside a word\n${short}_coeff * *',
        'variable n loop 2\nlabel again\nif "$n == 2" then "${whole}" "pair_coeff * *" "jump SELF on"\nnext n\n'
        'jump SELF again\nlabel on',
        'jump other.lmp there',
    ],
    ids=['elif', 'include in a nested branch', 'variables', 'loop', 'another file'],
)
def test_pair_style_wherever_it_stands(copper, pair_style):
    """The thermodynamic output is that of a second run, which says the same in plain words."""
    head = 'units metal\natom_style atomic\nread_data cu.data\n'
    plain = 'clear\n' + head + COPPER
    variables = (
        'variable style string mlip\nvariable short string pair\nvariable command string pair_style\n'
        'variable whole string "pair_style mlip load_from=pot.almtp"\n'
    )
    (copper.folder / 'pair.lmp').write_text('${whole}\n')
    (copper.folder / 'other.lmp').write_text('foo bar\nlabel there\n' + COPPER + plain)
    mass, _, _, *rest = COPPER.splitlines(keepends=True)
    process = copper.script(head + variables + mass + pair_style + '\n' + ''.join(rest) + plain)
    assert process.returncode == 0, process.stdout
    for values in copper.log.thermo.values():
        np.testing.assert_array_equal(*(values[copper.log.run_indices == index] for index in (0, 1)))
    assert np.ptp(copper.log.thermo['E_pair']) > 0.0


def test_second_pass_after_clear(copper):
    """Each pass gives what it gives alone, and shows its pair energy though only the first sets a style of output."""
    body = 'clear\nunits metal\natom_style atomic\nread_data cu.data\n'
    style = 'if "$i == 1" then "thermo_style custom step epair etotal"\n'
    loop = 'variable i loop 3\nlabel again\n' + body + style + COPPER + 'next i\njump SELF again\n'
    process = copper.script(loop)
    assert process.returncode == 0, process.stdout
    assert process.stdout.count('Wrapper initialization complete') == 3
    tables = copper.log
    assert [run.n_steps for run in tables.runs] == [5, 5, 5]
    assert copper.script(body + COPPER).returncode == 0
    alone = copper.log.thermo
    for index in range(3):
        rows = tables.run_indices == index
        np.testing.assert_array_equal(tables.thermo['E_pair'][rows], alone['E_pair'])
        np.testing.assert_array_equal(tables.thermo['TotEng'][rows], alone['TotEng'])


def test_second_potential_takes_the_place_of_the_first(copper):
    """Forces come before the fixes that work on them, so that frozen atoms stay where they are."""
    lines = 'fix 2 all setforce 0 0 0\npair_style mlip load_from=pot.almtp\npair_coeff * *\nrun 5\n'
    process = copper.script('units metal\natom_style atomic\nread_data cu.data\n' + COPPER + lines)
    assert process.returncode == 0, process.stdout
    temperature = copper.log.thermo['Temp'][copper.log.run_indices == 1]
    assert temperature[0] > 0.0
    assert (temperature == temperature[0]).all()


def test_thermo_modify_outlives_the_translation(lmp):
    head, pair_style, coefficients = HEAD.partition('pair_style')
    process = lmp.script(head + 'thermo_modify format float %20.3f\n' + pair_style + coefficients + 'run 0\n')
    assert process.returncode == 0, process.stdout
    assert '-7442.148' in (lmp.folder / 'log.lammps').read_text()
    assert lmp.log.thermo['E_pair'] == [-7442.148]


def test_pair_energy_is_shown(lmp):
    """``fix external`` has no energy of a pair style: it would be zero where users look at it."""
    style = 'thermo_style custom step epair pe evdwl c_sum\n'
    process = lmp.script(HEAD + 'compute e all pe/atom\ncompute sum all reduce sum c_e\n' + style + 'run 0\n')
    assert process.returncode == 0, process.stdout
    assert list(lmp.log.thermo) == ['Step', 'E_pair', 'PotEng', 'E_vdwl', 'c_sum']
    for column in ('E_pair', 'PotEng', 'E_vdwl', 'c_sum'):
        assert lmp.log.thermo[column] == [-7442.1478]


def test_minimize_and_clear(lmp):
    process = lmp.script(HEAD + 'thermo 1\nminimize 0 1e-3 5 10\nclear\n' + HEAD + 'fix 1 all nve\nrun 1\n')
    assert process.returncode == 0, process.stdout
    energies = lmp.log.thermo['E_pair']
    assert energies[lmp.log.run_indices == 0][-1] < -7442.1478 - 0.1
    assert energies[lmp.log.run_indices == 1][0] == -7442.1478
