"""Print how fast moment tensor potentials are trained, next to ``mlp train`` and motep.

Run as ``python benchmarks/training.py``; options: ``--levels``, ``--seeds``, ``--iterations``. All times are in
CPU-seconds on one core. The frames are 30 cells of 24 atoms of Li2CO3 with energies, forces and stresses of GFN1-xTB;
16 more are held out.
"""

import argparse
import os

os.environ.setdefault('OMP_NUM_THREADS', '1')  # before numpy reads it: motep's matrices would use all cores

import platform
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_potential import write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training import Loss, TrainingOptions, prepare, train

SPECIES = ('Li', 'C', 'O')
FIXTURES = Path(__file__).parents[1] / 'tests' / 'fixtures' / 'mlip3' / 'shared'
TARGET = 3.3e-4
"""Loss per atom at which ``mlp train`` converged at level 8 on these frames (of which the stresses are no part)."""

PEER = ('mlp train (MLIP-3)', 8, 61.0, 1.64, 0.182)
"""Level, CPU-seconds to convergence, meV/atom and eV/Å (norm of the vectors) on the training set."""


@dataclass(frozen=True)
class Run:
    """One training: when it passed the target and where it ended."""

    to_target: float | None
    seconds: float
    steps: int
    potential: MomentTensorPotential


def per_atom(potential: MomentTensorPotential, frames: Frames) -> float:
    """Return the loss with all terms per atom: (ΔE/N)² + 0.01 <|ΔF|²> + 0.001 (ΔW/N)²."""
    errors = compute_errors(frames, evaluate(potential, frames))
    n = frames.sizes[0]
    return errors.energy_per_atom.rms**2 + 0.01 * errors.force.rms**2 + 0.001 * (errors.stress_energy.rms / n) ** 2


def run(level: int, seed: int, frames: Frames, iterations: int) -> Run:
    """Train from scratch, noting the time of every step but not of the check of the target."""
    passed: list[float] = []
    lost = 0.0
    started = time.process_time()

    def watch(_: int, __: float, potential: MomentTensorPotential) -> None:
        nonlocal lost
        now = time.process_time()
        if not passed and per_atom(potential, frames) <= TARGET:
            passed.append(now - started - lost)
        lost += time.process_time() - now

    options = TrainingOptions(iteration_limit=iterations, seed=seed)
    result = train(untrained(level, SPECIES), frames, options, callback=watch)
    seconds = time.process_time() - started - lost
    return Run(passed[0] if passed else None, seconds, len(result.history) - 1, result.potential)


def jacobian_seconds(level: int, frames: Frames) -> float:
    """Return CPU-seconds for one set of normal equations."""
    potential = prepare(untrained(level, SPECIES), frames, TrainingOptions())
    parameters = potential.parameters
    parameters[-potential.n_moments :] = 0.01
    loss = Loss(potential, frames, TrainingOptions())
    with ThreadPoolExecutor(1) as pool:
        loss.normal_equations(parameters, pool)
        started = time.process_time()
        loss.normal_equations(parameters, pool)
        return time.process_time() - started


def motep_seconds(level: int, frames: Frames) -> float:
    """Return CPU-seconds that motep's C kernel needs for the derivatives of as many frames, from a few of them."""
    from motep.calculator import MTP
    from motep.io.mlip.mtp import read_mtp

    potential = prepare(untrained(level, SPECIES), frames, TrainingOptions())
    potential = potential.replace(moment_coeffs=np.full(potential.n_moments, 0.01))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'pot.mtp'
        path.write_bytes(write_almtp(potential))
        data = read_mtp(str(path))
    data.species = [3, 6, 8]
    images = frames[:3].without_labels().to_atoms()
    for image in images:
        image.calc = MTP(data, engine='cext', mode='train')
    started = time.process_time()
    for image in images:
        image.get_forces()
    return (time.process_time() - started) / len(images) * len(frames)


def processor() -> str:
    """Return the name of the processor."""
    info = Path('/proc/cpuinfo')
    names = [line.partition(':')[2].strip() for line in info.read_text().splitlines() if line.startswith('model name')]
    return names[0] if names else platform.processor()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--levels', type=int, nargs='+', default=[8, 10, 16])
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--iterations', type=int, default=100)
    arguments = parser.parse_args(argv)
    frames = read_cfg(FIXTURES / 'train30.cfg', SPECIES).frames
    held_out = read_cfg(FIXTURES / 'valid16.cfg', SPECIES).frames
    jacobian_seconds(6, frames[:1])  # compiles the kernels or loads them
    print(f'CPU-seconds on one core of {processor()}; {len(frames)} frames of {frames.sizes[0]} atoms\n')

    print(f'{"derivatives of all labels":27s}{"level":>6s}{"parameters":>12s}{"here":>8s}{"motep (C)":>11s}')
    for level in arguments.levels:
        n_parameters = untrained(level, SPECIES).n_parameters
        here, motep = jacobian_seconds(level, frames), motep_seconds(level, frames)
        print(f'{"":27s}{level:6d}{n_parameters:12d}{here:8.3f}{motep:11.2f}')

    columns = f'{f"to {TARGET:g}":>11s}{"total":>8s}{"steps":>7s}{"loss":>10s}{"train":>15s}{"held out":>15s}'
    print(f'\n{"training from scratch":22s}{"level":>6s}{columns}')
    print(f'{"":22s}{"":6s}{"s":>11s}{"s":>8s}{"":7s}{"per atom":>10s}{"meV, eV/Å":>15s}{"meV, eV/Å":>15s}')
    for level in arguments.levels:
        for seed in range(arguments.seeds):
            result = run(level, seed, frames, arguments.iterations)
            texts = []
            for part in (frames, held_out):
                errors = compute_errors(part, evaluate(result.potential, part))
                texts.append(f'{1000 * errors.energy_per_atom.rms:8.2f}{errors.force.rms:7.3f}')
            to_target = '-' if result.to_target is None else f'{result.to_target:.1f}'
            print(
                f'{f"seed {seed}":22s}{level:6d}{to_target:>11s}{result.seconds:8.1f}{result.steps:7d}'
                f'{per_atom(result.potential, frames):10.2e}{texts[0]}{texts[1]}',
                flush=True,
            )
    name, level, seconds, energy, force = PEER
    print(f'{name:22s}{level:6d}{seconds:11.1f}{"":8s}{"":7s}{TARGET:10.2e}{energy:8.2f}{force:7.3f}')


if __name__ == '__main__':
    main()
