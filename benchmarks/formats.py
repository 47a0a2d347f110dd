"""Print how long configuration files take to read and write, and the memory it needs.

Run as ``python benchmarks/formats.py``; options: ``--frames``, ``--atoms``.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from aiida_seimlip.science.formats.mlip3_cfg import read_cfg, write_cfg
from aiida_seimlip.science.frames import Frames

SPECIES = ('Li', 'C', 'O')


def synthetic_frames(n_frames: int, n_atoms: int) -> Frames:
    """Return labelled frames with random numbers of the usual size."""
    generator = np.random.default_rng(0)
    shape = (n_frames * n_atoms, 3)
    return Frames(
        numbers=np.resize([3, 6, 8], shape[0]),
        positions=generator.uniform(-5, 20, shape),
        ptr=np.arange(n_frames + 1) * n_atoms,
        cells=np.tile(np.diag([12.0, 11.0, 10.0]) + 0.1, (n_frames, 1, 1)),
        pbc=np.ones((n_frames, 3)),
        energies=generator.normal(-9000, 10, n_frames),
        forces=generator.normal(0, 2, shape),
        stresses=generator.normal(0, 0.05, (n_frames, 6)),
    )


def measure(function: Callable[..., object], *arguments: object) -> tuple[float, float, float]:
    """Call a function in a process of its own, so that its memory is its own; return its CPU s, s and peak GB."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('spawn')) as executor:
        return executor.submit(_measured, function, *arguments).result()


def _measured(function: Callable[..., object], *arguments: object) -> tuple[float, float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    function(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return time.process_time() - cpu, time.perf_counter() - wall, peak


def write(path: Path, n_frames: int, n_atoms: int, decimals: int) -> None:
    """Write random frames; making them is a small part of it."""
    write_cfg(path, synthetic_frames(n_frames, n_atoms), SPECIES, decimals=decimals)


def read(path: Path) -> None:
    """Read the frames again."""
    read_cfg(path, SPECIES)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=8686)
    parser.add_argument('--atoms', type=int, default=117)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f'{arguments.frames} frames of {arguments.atoms} atoms with energies, forces and stresses')
        print(f'{"operation":<28}{"CPU s":>8}{"s":>8}{"peak GB":>10}{"file MB":>10}')
        for decimals in (6, 16):
            path = Path(folder) / f'{decimals}.cfg'
            tasks = {
                'write': (write, path, arguments.frames, arguments.atoms, decimals),
                'read': (read, path),
            }
            for name, task in tasks.items():
                cpu, wall, peak = measure(*task)
                size = path.stat().st_size / 1e6
                print(f'{f"{name} cfg, {decimals} decimals":<28}{cpu:>8.2f}{wall:>8.2f}{peak:>10.2f}{size:>10.0f}')


if __name__ == '__main__':
    main()
