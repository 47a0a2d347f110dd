"""Print how fast ``seimlip-lmp`` runs molecular dynamics, next to what other programs reached.

Run as ``python benchmarks/md.py``; options: ``--levels``, ``--steps``. Speeds are in thousand atom-steps per CPU-second
on one core, without the start-up of about 1.2 s. Potentials have random coefficients, which take as long as trained
ones.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.spacegroup import crystal
from md_kernel import random_active_set

from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.formats.lammps_input import LammpsMdSettings, write_input
from aiida_seimlip.science.formats.lammps_log import parse_log
from aiida_seimlip.science.formats.mlip3_potential import write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

SPECIES = ('Li', 'C', 'O')
PEERS = {
    'pair mlip (MLIP-3)': (5.6, 1.9),
    'pair mtp, mtp/extrapolation': (15.5, 4.8),
    'motep (C) through ASE': (6.3, None),
    'motep (C) through fix external': (5.0, None),
}
"""Level 16, 1152 atoms, another machine, ±15 %: without grade, with the grade at every step."""


def li2co3(repeat: tuple[int, int, int]) -> Atoms:
    """Return Li2CO3, C2/c, COD 9008283."""
    sites = [(0.1965, 0.4484, 0.8344), (0, 0.0657, 0.25), (0, 0.3213, 0.25), (0.1459, -0.0635, 0.3127)]
    cell = [8.3593, 4.9725, 6.1975, 90, 114.83, 90]
    return crystal(['Li', 'C', 'O', 'O'], sites, spacegroup=15, cellpar=cell).repeat(repeat)


def random_potential(level: int) -> MomentTensorPotential:
    """Return a potential with weak forces and low grades, so that nothing explodes or breaks."""
    template = untrained(level, SPECIES, min_dist=1.0)
    rng = np.random.default_rng(1)
    potential = template.with_parameters(rng.normal(0, 0.01, template.n_parameters))
    frame = Frames.from_atoms([li2co3((1, 1, 1))])
    forces = evaluate(potential, frame).forces
    potential = potential.replace(moment_coeffs=1e-3 * potential.moment_coeffs / np.abs(forces).max())
    return potential.replace(active_set=random_active_set(potential, frame, scale=1e12))


def speed(level: int, atoms: Atoms, n_steps: int, ensemble: str, *, with_grades: bool) -> float:
    """Return thousand atom-steps per CPU-second, from LAMMPS' own account of its loop."""
    settings = LammpsMdSettings(
        ensemble=ensemble, with_grades=with_grades, seed=1, timestep=0.05, n_steps=n_steps, thermo_every=1000
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / 'structure.data').write_text(write_data(Frames.from_atoms([atoms]), SPECIES)[0])
        (folder / 'potential.almtp').write_bytes(write_almtp(random_potential(level)))
        (folder / 'in.lmp').write_text(write_input(settings, SPECIES))
        command = [sys.executable, '-m', 'aiida_seimlip.embedded.lmp', '-in', 'in.lmp', '-screen', 'none']
        environment = os.environ | {'OMP_NUM_THREADS': '1'}
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        log = (folder / 'log.lammps').read_text()
    share = float(re.search(r'^([\d.]+)% CPU use', log, re.MULTILINE)[1]) / 100
    return len(atoms) * n_steps / (share * parse_log(log).runs[0].seconds) / 1000


def processor() -> str:
    """Return the name of the processor."""
    info = Path('/proc/cpuinfo')
    names = [line.partition(':')[2].strip() for line in info.read_text().splitlines() if line.startswith('model name')]
    return names[0] if names else platform.processor()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--levels', type=int, nargs='+', default=[8, 10, 16])
    parser.add_argument('--steps', type=float, default=1.0, help='factor on the number of steps')
    arguments = parser.parse_args(argv)
    print(f'Thousand atom-steps per CPU-second, one core of {processor()}\n')
    print(f'{"":34s}{"level":>6s}{"atoms":>7s}{"no grade":>10s}{"grade":>8s}{"npt, grade":>12s}')
    for level in arguments.levels:
        for atoms in (li2co3((1, 2, 1)), li2co3((3, 4, 4))):
            n_steps = max(10, int(arguments.steps * 1e6 / level / len(atoms)))
            numbers = [
                speed(level, atoms, n_steps, ensemble, with_grades=with_grades)
                for ensemble, with_grades in (('nvt', False), ('nvt', True), ('npt_tri', True))
            ]
            print(f'{"seimlip-lmp":34s}{level:6d}{len(atoms):7d}{numbers[0]:10.1f}{numbers[1]:8.1f}{numbers[2]:12.1f}')
    for name, (plain, graded) in PEERS.items():
        print(f'{name:34s}{16:6d}{1152:7d}{plain:10.1f}{graded or "":>8}')


if __name__ == '__main__':
    main()
