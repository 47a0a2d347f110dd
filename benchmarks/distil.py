"""Print how many labels of a reference a moment tensor potential needs, with and without a teacher.

Run as ``python benchmarks/distil.py FOLDER --python PYTHON`` with an interpreter that has CHGNet and SevenNet (that of
``make calculators``), and add ``--mace PYTHON --foundation m.model`` for a teacher that is trained on the labels.
Frames are 24 atoms of Li2CO3 at 500, 1000 and 1500 K; the reference is 7net-0, the teacher CHGNet. FOLDER keeps
frames and labels. Errors are root mean squares of components of forces on held-out frames in eV/Å.

* ``loop``: the labelled frames are those that MaxVol by the potential of the step before finds in the pool;
* ``random``: frames of the pool;
* ``mixed``: labels of the teacher, and of the reference for the frames that MaxVol chooses by a potential which has
  learned from the teacher alone; they make up 40 % or 75 % of the loss;
* ``tuned``: the same, once a MACE has been trained on these labels of the reference and has labelled all others anew.
"""

import argparse
import os

os.environ.setdefault('OMP_NUM_THREADS', '1')  # before numpy reads it

import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

from aiida_seimlip.science.analysis.energy_shift import fit_energy_shift
from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.calculator import MtpCalculator
from aiida_seimlip.science.mtp.choice import choose
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training import TrainingOptions, train

SPECIES = ('Li', 'C', 'O')
SHARED = Path(__file__).parents[1] / 'tests' / 'fixtures' / 'mlip3' / 'shared'
TEMPERATURES = (500, 1000, 1500)
SETS = {'pool': (range(5), 40), 'held': (range(10, 12), 25)}
"""Seeds of the trajectories of a set, and frames of each of them at each temperature."""
CALCULATORS = {
    'chgnet': 'from chgnet.model.dynamics import CHGNetCalculator as C; c = C(use_device="cpu")',
    '7net': 'from sevenn.calculator import SevenNetCalculator as C; c = C("7net-0", device="cpu")',
    'mace': 'from mace.calculators import MACECalculator as C; c = C(model_paths="m.model", device="cpu")',
}
LABEL = """
import sys
from ase.io import read, write
from ase.calculators.singlepoint import SinglePointCalculator as S
{make}
made = []
for atoms in read(sys.argv[1], ':'):
    other = atoms.copy(); other.calc = c
    found = dict(energy=other.get_potential_energy(), forces=other.get_forces(), stress=other.get_stress())
    atoms.calc = S(atoms, **found); made.append(atoms)
write(sys.argv[2], made)
"""
MACE = (
    '--model=MACE --r_max=4.5 --num_interactions=2 --num_channels=16 --max_L=0 --max_ell=2 --correlation=2 '
    '--num_radial_basis=6 --batch_size=1 --valid_batch_size=8 --loss=stress --compute_stress=True --energy_weight=10 '
    '--forces_weight=100 --stress_weight=100 --ema --ema_decay=0.99 --scheduler=ExponentialLR --default_dtype=float32 '
    '--device=cpu --plot=False --valid_fraction=0.1 --lr=0.005'
)


@dataclass(frozen=True)
class World:
    """Frames with labels of both methods.

    :param folder: where they are.
    """

    folder: Path

    def load(self, name: str, method: str) -> Frames:
        """Return a set of frames with the labels of a method."""
        return Frames.from_atoms(read(self.folder / f'{name}_{method}.extxyz', ':'))

    def prepare(self, python: str, driver: Path) -> None:
        """Make what is not there yet: trajectories with a potential, and labels."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, (seeds, number) in SETS.items():
            path = self.folder / f'{name}.extxyz'
            if not path.exists():
                write(path, [atoms for seed in seeds for atoms in trajectory(driver, seed, number)])
            for method in ('chgnet', '7net'):
                labelled = self.folder / f'{name}_{method}.extxyz'
                if not labelled.exists():
                    label(python, method, path, labelled)


def trajectory(driver: Path, seed: int, number: int) -> Iterator[Atoms]:
    """Yield frames of molecular dynamics, 30 fs apart, at each temperature."""
    (start,) = read_cfg(SHARED / 'valid2.cfg', SPECIES).frames[:1].without_labels().to_atoms()
    for temperature in TEMPERATURES:
        atoms, rng = Atoms(start), np.random.default_rng([seed, temperature])
        atoms.calc = MtpCalculator(driver, species=SPECIES)
        MaxwellBoltzmannDistribution(atoms, temperature_K=1.5 * temperature, rng=rng)
        dynamics = Langevin(atoms, 1.5 * units.fs, temperature_K=temperature, friction=0.02 / units.fs, rng=rng)
        dynamics.run(150)
        for _ in range(number):
            dynamics.run(20)
            yield Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=True)


def label(python: str, method: str, source: Path, target: Path) -> None:
    """Have another interpreter label frames."""
    code = LABEL.format(make=CALCULATORS[method])
    subprocess.run([python, '-c', code, source.resolve(), target.resolve()], cwd=target.parent, check=True)


def fit(start: MomentTensorPotential, frames: Frames, seed: int, steps: int) -> MomentTensorPotential:
    """Return a trained potential."""
    return train(start, frames, TrainingOptions(seed=seed, iteration_limit=steps)).potential


def error_of(potential: MomentTensorPotential, held_out: Frames) -> float:
    """Return the error of forces."""
    return compute_errors(held_out, evaluate(potential, held_out)).force_component.rms


def mix(reference: Frames, teacher: Frames, share: float) -> Frames:
    """Return a training set of which labels of the reference make up a share, by repeating them."""
    weight = max(1, round(share / (1 - share) * len(teacher) / len(reference)))
    return Frames.concatenate([*[reference] * weight, teacher])


class Measurement:
    """All strategies with one seed.

    :param world: the frames.
    :param level: of the potentials.
    :param seed: of the candidates, the first labels and the trainings.
    """

    def __init__(self, world: World, level: int, seed: int) -> None:
        self.world, self.seed, self.empty = world, seed, untrained(level, SPECIES)
        self.rng = np.random.default_rng(seed)
        pool = world.load('pool', '7net')
        chosen = np.sort(self.rng.choice(len(pool), len(pool) // 2, replace=False))
        self.reference, self.teacher = pool[chosen], world.load('pool', 'chgnet')[chosen]
        self.bare = self.reference.without_labels()
        self.held_out = world.load('held', '7net')[::3]
        self.order = self.rng.permutation(len(chosen))
        self.many = np.arange(0, len(chosen), 3)
        self.student = fit(self.empty, self.teacher[self.many], seed, 40)

    def errors_of_teacher(self) -> tuple[float, float]:
        """Return the error of the teacher, and that of a student of it alone."""
        teacher = self.world.load('held', 'chgnet')[::3]
        return compute_errors(self.held_out, teacher).force_component.rms, error_of(self.student, self.held_out)

    def loop(self, numbers: Sequence[int]) -> Iterator[float]:
        """Yield the errors of a potential that asks for its labels, step by step."""
        known, potential = self.order[: numbers[0]], self.empty
        for number in numbers:
            if number > len(known):
                rest = np.setdiff1d(np.arange(len(self.bare)), known)
                found = choose(
                    potential, self.bare[rest], [0] * len(rest), number - len(known), known=self.reference[known]
                )
                known = np.concatenate([known, rest[found.chosen]])
                others = [index for index in self.order if index not in set(known)]
                known = np.concatenate([known, others[: number - len(known)]]).astype(int)
            potential = fit(potential, self.reference[known], self.seed, 30)
            yield error_of(potential, self.held_out)

    def random(self, number: int) -> float:
        """Return the error with frames of the pool."""
        return error_of(fit(self.empty, self.reference[self.order[:number]], self.seed, 40), self.held_out)

    def chosen(self, number: int) -> Frames:
        """Return the labels of the reference that a student of the teacher asks for."""
        return self.reference[choose(self.student, self.bare, [0] * len(self.bare), number).chosen]

    def mixed(self, number: int, share: float) -> float:
        """Return the error with labels of both kinds."""
        bought = self.chosen(number)
        where = {value: index for index, value in enumerate(self.teacher.hashes())}
        shift = fit_energy_shift(bought, self.teacher[[where[value] for value in bought.hashes()]])
        teacher = shift.apply(self.teacher[self.many])
        return error_of(fit(self.student, mix(bought, teacher, share), self.seed, 10), self.held_out)

    def tuned(self, number: int, share: float, python: Path, foundation: Path) -> tuple[float, float]:
        """Return the errors of a MACE that was trained on the labels, and of a student of it."""
        folder = self.world.folder / f'mace_{self.seed}_{number}'
        folder.mkdir(exist_ok=True)
        bought = self.chosen(number)
        write_for_mace(bought, folder / 'train.extxyz')
        epochs = max(30, 600 // number)
        command = [
            python.parent / 'mace_run_train', '--name=m', '--train_file=train.extxyz', *MACE.split(),
            '--E0s=foundation', f'--foundation_model={foundation.resolve()}', f'--max_num_epochs={epochs}',
            f'--seed={self.seed + 1}', f'--lr_scheduler_gamma={0.05 ** (1 / epochs)}',
        ]  # fmt: skip
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        held_out = self.held_out
        write(folder / 'in.extxyz', Frames.concatenate([self.bare[self.many], held_out.without_labels()]).to_atoms())
        label(str(python), 'mace', folder / 'in.extxyz', folder / 'out.extxyz')
        found = Frames.from_atoms(read(folder / 'out.extxyz', ':'))
        teacher, judged = found[: len(self.many)], found[len(self.many) :]
        low = bought.replace(energies=bought.energies + np.mean(teacher.energies) - np.mean(bought.energies))
        student = fit(self.student, mix(low, teacher, share), self.seed, 15)
        return compute_errors(held_out, judged).force_component.rms, error_of(student, held_out)


def write_for_mace(frames: Frames, path: Path) -> None:
    """Write labels under the names that MACE reads."""
    images = []
    for atoms in frames.to_atoms():
        energy, forces, stress = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
        image = Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=True)
        image.info |= {'REF_energy': energy, 'REF_stress': stress}
        image.arrays['REF_forces'] = forces
        images.append(image)
    write(path, images)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--python', help='Interpreter with CHGNet and SevenNet.')
    parser.add_argument('--driver', type=Path, default=SHARED / 'l08_nbh_40.almtp', help='Potential of the dynamics.')
    parser.add_argument('--mace', type=Path, help='Interpreter with mace-torch.')
    parser.add_argument('--foundation', type=Path, help='MACE to begin with, a pickled model.')
    parser.add_argument('--level', type=int, default=8)
    parser.add_argument('--seeds', type=int, default=5)
    parser.add_argument('--labels', type=int, nargs='+', default=[5, 10, 20, 40])
    arguments = parser.parse_args(argv)
    world = World(arguments.folder)
    world.prepare(arguments.python, arguments.driver)
    table: dict[tuple[str, int], list[float]] = defaultdict(list)
    for seed in range(arguments.seeds):
        measurement = Measurement(world, arguments.level, seed)
        for name, value in zip(('teacher', 'its student'), measurement.errors_of_teacher(), strict=True):
            table[name, 0].append(value)
        for number, value in zip(arguments.labels, measurement.loop(arguments.labels), strict=True):
            table['loop', number].append(value)
            table['random', number].append(measurement.random(number))
            for share in (0.4, 0.75):
                table[f'mixed, {share:.0%}', number].append(measurement.mixed(number, share))
            if arguments.mace is not None:
                found = measurement.tuned(number, 0.4, arguments.mace, arguments.foundation)
                for name, error in zip(('tuned teacher', 'tuned'), found, strict=True):
                    table[name, number].append(error)
        print(f'seed {seed}: {time.process_time():.0f} CPU-s', flush=True)
    print(f'\n{"":16s}{"labels":>7s}{"median":>9s}{"lowest":>9s}{"highest":>9s}   eV/Å')
    for (name, number), values in sorted(table.items()):
        print(f'{name:16s}{number:7d}{np.median(values):9.3f}{min(values):9.3f}{max(values):9.3f}')


if __name__ == '__main__':
    main()
