"""What is refused, and runs that end badly."""

from __future__ import annotations

import signal
import subprocess
import time

import numpy as np
import pytest

from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.lammps_input import LammpsFiles, LammpsMdSettings, write_input

from .conftest import (
    HEAD,
    MLIP3,
    SPECIES,
    THERMO,
    md,
    rattled,
)


@pytest.mark.parametrize(
    ('script', 'message'),
    [
        (HEAD.replace('mlip load', 'hybrid/overlay mlip load'), 'no hybrid pair styles'),
        (HEAD.replace('pair_style', 'fix 1 all nve\npair_style'), 'pair_style must stand before the first fix'),
        (HEAD + 'compute s all stress/atom NULL\n', 'compute stress/atom needs what seimlip-lmp does not have'),
        (HEAD + 'variable e equal epair\n', 'line 7: seimlip-lmp has no pair energy'),
        ('variable e equal epair\n' + HEAD, 'line 1: seimlip-lmp has no pair energy'),
        (HEAD + 'if 1 then "fix p all print 1 $(epair)"\n', 'line 7: seimlip-lmp has no pair energy'),
        ('variable s string stress/atom\n' + HEAD + 'compute s all $s NULL\n', 'line 8: compute stress/atom needs'),
        (
            HEAD + 'run 4 every 2 "jump SELF on"\n',
            'line 7: seimlip-lmp knows no jump in the commands of `run ... every`',
        ),
        (HEAD + 'jump SELF nowhere\n', "Label wasn't found in input script: nowhere"),
        (HEAD + 'thermo_style multi\n', 'no pair energy to show in this thermo_style'),
        (HEAD + 'compute g all pair mtp/extrapolation\n', 'needs pair_style mtp/extrapolation'),
        (HEAD + 'foo bar\n', 'Unknown command: foo bar'),
        (HEAD.replace('pair_style mlip load_from=', 'pair_style mtp a '), 'pair_style mtp takes 1 argument(s), not 2'),
    ],
)
def test_lammps_errors(lmp, script, message):
    process = lmp.script(script)
    assert process.returncode == 1
    assert message in process.stdout
    assert message in lmp.log.error
    assert 'Traceback' not in process.stderr


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('', 'MLIP filename is not specified'),
        ('pot.almtp', '`pot.almtp` is not of the form key=value'),
        ('load_from=pot.almtp extrapolation_control=true extrapolation_control:threshold_save=x', 'threshold_save: x'),
        ('load_from=pot.almtp extrapolation_control=true extrapolation_control:threshold_save=-1', 'Invalid threshold'),
        ('load_from=start.mtp', 'not trained'),
    ],
)
def test_arguments_of_pair_style_mlip(lmp, arguments, message):
    lmp.copy(MLIP3 / 'shared/l08_template_3_species.almtp', 'start.mtp')
    process = lmp.script(HEAD.replace('load_from=pot.almtp', arguments))
    assert process.returncode == 7
    assert message in process.stdout


def test_lost_atoms(lmp):
    """An explosion ends as in LAMMPS: the recorded potential cannot hold this cell."""
    process = lmp.script(HEAD + THERMO + 'velocity all create 20000 1\nfix 1 all nve\ntimestep 0.01\nrun 1000\n')
    assert process.returncode == 1
    assert lmp.log.error is not None
    assert 'atom' in lmp.log.error.lower()
    assert not lmp.log.completed


def test_coincident_atoms(lmp):
    """No number comes out of a distance of zero: the run ends instead of going on with NaN."""
    script = HEAD + THERMO + 'create_atoms 1 single 1 1 1\ncreate_atoms 1 single 1 1 1\nfix 1 all nve\nrun 100\n'
    process = lmp.script(script)
    assert process.returncode == 1
    assert lmp.log.error == 'Non-numeric atom coords - simulation unstable'
    assert 'ERROR on proc 0: Non-numeric atom coords - simulation unstable' in process.stdout


def test_wall_time_limit(lmp, li2co3):
    """The run ends in good order: the last frame with its velocities is there."""
    # steps so short that the cell, which this potential would tear apart in half a picosecond, hardly moves
    settings = {'n_steps': 10**7, 'timestep': 1e-4, 'temperature': 20.0, 'wall_time_limit': 1.0}
    process, _ = md(lmp, rattled(li2co3), with_grades=False, **settings)
    assert process.returncode == 0, process.stdout
    assert lmp.log.timed_out
    assert lmp.log.completed
    final = read_dump(lmp.folder / 'final.dump', SPECIES).frames
    assert 0 < final.origin_steps[0] == lmp.log.runs[0].n_steps < 10**7
    assert np.isfinite(final.velocities).all()


def test_killed(lmp, li2co3):
    """What was written until a kill can be read."""
    text, _ = write_data(rattled(li2co3), SPECIES)
    (lmp.folder / 's.data').write_text(text)
    settings = LammpsMdSettings(
        n_steps=10**7, seed=1, with_grades=False, dump_every=1, thermo_every=1, temperature=20.0
    )
    (lmp.folder / 'in.lmp').write_text(write_input(settings, SPECIES, files=LammpsFiles('pot.almtp', 's.data')))
    process = subprocess.Popen(
        [*lmp.command, '-in', 'in.lmp'], cwd=lmp.folder, env=lmp.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    trajectory = lmp.folder / 'trajectory.lammpstrj'
    deadline = time.monotonic() + 60
    while (not trajectory.exists() or trajectory.stat().st_size < 20000) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    dump = read_dump(trajectory, SPECIES)
    assert len(dump.frames) > 2
    assert lmp.log.steps.size > 2
    assert not lmp.log.completed
