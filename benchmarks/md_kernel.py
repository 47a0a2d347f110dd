"""Print how fast the kernels evaluate moment tensor potentials, next to motep's C kernel measured in the same run.

Run as ``python benchmarks/md_kernel.py``; option: ``--levels``. Speeds are in thousand atom-steps per CPU-second on one
core: energies, forces and virial with known neighbours; then with the local basis; then with the grade of every atom
from an active set by neighbourhoods. ``benchmarks/md.py`` measures whole molecular dynamics.
"""

import argparse
import os

os.environ.setdefault('OMP_NUM_THREADS', '1')  # before numpy reads it

import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.spacegroup import crystal

from aiida_seimlip.science.formats.mlip3_potential import write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import Evaluator
from aiida_seimlip.science.mtp.grade import WEIGHTS, Grader
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.potential import ActiveSet, MomentTensorPotential
from aiida_seimlip.science.mtp.training import initial_guess
from aiida_seimlip.science.neighbours import neighbour_list

SPECIES = ('Li', 'C', 'O')
PEERS = {'pair mlip (MLIP-3)': (5.6, 1.9), 'pair mtp, mtp/extrapolation': (15.5, 4.8)}
"""Level 16, 1152 atoms, another machine, ±15 %: without grade, with the grade at every step."""


def li2co3() -> Atoms:
    """Return 1152 atoms of Li2CO3, C2/c, COD 9008283, rattled."""
    sites = [(0.1965, 0.4484, 0.8344), (0, 0.0657, 0.25), (0, 0.3213, 0.25), (0.1459, -0.0635, 0.3127)]
    cell = [8.3593, 4.9725, 6.1975, 90, 114.83, 90]
    atoms = crystal(['Li', 'C', 'O', 'O'], sites, spacegroup=15, cellpar=cell).repeat((3, 4, 4))
    atoms.rattle(0.05, seed=1)
    return atoms


def random_potential(level: int, frame: Frames) -> MomentTensorPotential:
    """Return a potential with random coefficients and an active set, which take as long as real ones."""
    potential = initial_guess(untrained(level, SPECIES, min_dist=1.0), 0)
    rng = np.random.default_rng(0)
    potential = potential.replace(moment_coeffs=rng.normal(size=potential.n_moments))
    n = potential.n_parameters
    active_set = ActiveSet(np.eye(n), rng.normal(size=(n, n)), np.zeros((n, 2), dtype=int), frame, WEIGHTS['nbh'])
    return potential.replace(active_set=active_set)


def speed(n_atoms: int, evaluate: Callable[[], object]) -> float:
    """Return thousand atom-steps per CPU-second."""
    evaluate()
    started, n_steps = time.process_time(), 0
    while time.process_time() - started < 2.0:
        evaluate()
        n_steps += 1
    return n_steps * n_atoms / (time.process_time() - started) / 1000


def motep_speed(potential: MomentTensorPotential, atoms: Atoms) -> float:
    """Return the speed of motep's C kernel alone: its neighbour list is not counted."""
    from motep.calculator import MTP
    from motep.io.mlip.mtp import read_mtp

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'pot.mtp'
        path.write_bytes(write_almtp(potential.replace(active_set=None)))
        data = read_mtp(str(path))
    data.species = [3, 6, 8]
    calculator = MTP(data, engine='cext')
    calculator.calculate(atoms, ['energy'])
    return speed(len(atoms), lambda: calculator.engine._calculate(atoms))


def processor() -> str:
    """Return the name of the processor."""
    info = Path('/proc/cpuinfo')
    names = [line.partition(':')[2].strip() for line in info.read_text().splitlines() if line.startswith('model name')]
    return names[0] if names else platform.processor()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--levels', type=int, nargs='+', default=[8, 10, 16, 22])
    arguments = parser.parse_args(argv)
    atoms = li2co3()
    frame = Frames.from_atoms([atoms])
    types = frame.types(SPECIES)
    print(f'Thousand atom-steps per CPU-second, one core of {processor()}, {len(atoms)} atoms, cut-off 5 Å\n')
    print(f'{"":30s}{"level":>6s}{"forces":>9s}{"+ basis":>9s}{"+ grade":>9s}{"motep (C)":>11s}')
    for level in arguments.levels:
        potential = random_potential(level, frame)
        evaluator = Evaluator(potential)
        grader = Grader(potential, evaluator)
        pairs = neighbour_list(frame.positions, frame.ptr, frame.cells, frame.pbc, potential.max_dist)

        def forces(evaluator=evaluator, pairs=pairs) -> None:
            evaluator.compute(types, pairs)

        def basis(evaluator=evaluator, pairs=pairs) -> np.ndarray:
            return evaluator.compute(types, pairs, with_local=True).local

        def grades(grader=grader, basis=basis) -> None:
            grader.grade(types, basis())

        numbers = ''.join(f'{speed(len(atoms), function):9.1f}' for function in (forces, basis, grades))
        print(f'{"kernels of this package":30s}{level:6d}{numbers}{motep_speed(potential, atoms):11.1f}', flush=True)
    for name, (plain, graded) in PEERS.items():
        print(f'{name:30s}{16:6d}{plain:9.1f}{"":9s}{graded:9.1f}')


if __name__ == '__main__':
    main()
