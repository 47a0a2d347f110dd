"""Print how fast the kernels evaluate moment tensor potentials, next to motep's C kernel measured in the same run.

Run as ``python benchmarks/md_kernel.py``; options: ``--levels``, ``--species`` (3 or more; beyond those of Li2CO3,
atoms change their element at random). Speeds are in thousand atom-steps per CPU-second on one core: energies, forces
and virial with known neighbours; then with the local basis; then with the grade of every atom from an active set by
neighbourhoods; then with the same from the product with the whole inverse. ``benchmarks/md.py`` measures molecular
dynamics.
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
from ase.data import atomic_numbers
from ase.spacegroup import crystal

from aiida_seimlip.science.formats.mlip3_potential import write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import Evaluator
from aiida_seimlip.science.mtp.grade import WEIGHTS, Grader
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.potential import ActiveSet, MomentTensorPotential
from aiida_seimlip.science.mtp.training import initial_guess
from aiida_seimlip.science.neighbours import neighbour_list

SPECIES = ('Li', 'C', 'O', 'F', 'P', 'H')
PEERS = {'pair mlip (MLIP-3)': (5.6, 1.9), 'pair mtp, mtp/extrapolation': (15.5, 4.8)}
"""Level 16, 1152 atoms, another machine, ±15 %: without grade, with the grade at every step."""


def li2co3(n_species: int = 3) -> Atoms:
    """Return 1152 atoms of Li2CO3, C2/c, COD 9008283, rattled, and renamed at random for more species."""
    sites = [(0.1965, 0.4484, 0.8344), (0, 0.0657, 0.25), (0, 0.3213, 0.25), (0.1459, -0.0635, 0.3127)]
    cell = [8.3593, 4.9725, 6.1975, 90, 114.83, 90]
    atoms = crystal(['Li', 'C', 'O', 'O'], sites, spacegroup=15, cellpar=cell).repeat((3, 4, 4))
    atoms.rattle(0.05, seed=1)
    if n_species > len(set(atoms.symbols)):
        atoms.symbols = np.random.default_rng(1).choice(SPECIES[:n_species], len(atoms))
    return atoms


def random_potential(level: int, species: Sequence[str], frame: Frames) -> MomentTensorPotential:
    """Return a potential with random coefficients and an active set, which take as long as real ones."""
    potential = initial_guess(untrained(level, species, min_dist=1.0), 0)
    rng = np.random.default_rng(0)
    potential = potential.replace(moment_coeffs=rng.normal(size=potential.n_moments))
    return potential.replace(active_set=random_active_set(potential, frame))


def random_active_set(potential: MomentTensorPotential, frame: Frames, scale: float = 1.0) -> ActiveSet:
    """Return an active set of random derivatives, zero where those of a neighbourhood are.

    :param scale: of the derivatives; the grades are inversely proportional to it.
    """
    evaluator, rng = Evaluator(potential), np.random.default_rng(0)
    columns = [evaluator.columns(species) for species in range(potential.n_species)]
    n = potential.n_parameters
    matrix = np.zeros((n, n))
    for row in range(n):
        part = columns[row % potential.n_species]
        matrix[row, part] = rng.normal(size=len(part))
    matrix *= scale
    return ActiveSet(matrix, np.linalg.inv(matrix).T, np.zeros((n, 2), dtype=int), frame, WEIGHTS['nbh'])


class WholeInverse:
    """Grades by the product with all rows of the inverse that matter to a species, as a peer."""

    def __init__(self, potential: MomentTensorPotential, evaluator: Evaluator) -> None:
        assert potential.active_set is not None
        self._blocks = [
            np.ascontiguousarray(potential.active_set.inverse[:, evaluator.columns(species)].T)
            for species in range(potential.n_species)
        ]

    def grade(self, types: np.ndarray, local: np.ndarray) -> np.ndarray:
        """Return the grade of each atom."""
        grades = np.zeros(types.size)
        for species, block in enumerate(self._blocks):
            atoms = np.flatnonzero(types == species)
            coefficients = local[atoms] @ block
            grades[atoms] = np.maximum(coefficients.max(axis=1), -coefficients.min(axis=1))
        return grades


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
    data.species = [atomic_numbers[symbol] for symbol in potential.species]
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
    parser.add_argument('--species', type=int, default=3, choices=range(3, len(SPECIES) + 1))
    arguments = parser.parse_args(argv)
    species = SPECIES[: arguments.species]
    atoms = li2co3(len(species))
    frame = Frames.from_atoms([atoms])
    types = frame.types(species)
    system = f'{len(atoms)} atoms of {len(species)} species, cut-off 5 Å'
    print(f'Thousand atom-steps per CPU-second, one core of {processor()}, {system}\n')
    headings = f'{"forces":>9s}{"+ basis":>9s}{"+ grade":>9s}{"(whole inverse)":>17s}{"motep (C)":>11s}'
    print(f'{"":30s}{"level":>6s}{headings}')
    for level in arguments.levels:
        potential = random_potential(level, species, frame)
        evaluator = Evaluator(potential)
        grader, whole = Grader(potential, evaluator), WholeInverse(potential, evaluator)
        pairs = neighbour_list(frame.positions, frame.ptr, frame.cells, frame.pbc, potential.max_dist)

        def forces(evaluator=evaluator, pairs=pairs) -> None:
            evaluator.compute(types, pairs)

        def basis(evaluator=evaluator, pairs=pairs) -> np.ndarray:
            return evaluator.compute(types, pairs, with_local=True).local

        def grades(grader=grader, basis=basis) -> None:
            grader.grade(types, basis())

        numbers = ''.join(f'{speed(len(atoms), function):9.1f}' for function in (forces, basis, grades))
        peer = speed(len(atoms), lambda whole=whole, basis=basis: whole.grade(types, basis()))
        motep = motep_speed(potential, atoms)
        print(f'{"kernels of this package":30s}{level:6d}{numbers}{peer:17.1f}{motep:11.1f}', flush=True)
    for name, (plain, graded) in PEERS.items():
        print(f'{name:30s}{16:6d}{plain:9.1f}{"":9s}{graded:9.1f}')


if __name__ == '__main__':
    main()
