"""Print how long labelled frames take to come in, and the memory it needs.

Run as ``python benchmarks/data_in.py``; options: ``--frames``, ``--atoms``.
"""

import argparse
import tempfile
from pathlib import Path

from ase.io import read, write
from formats import SPECIES, measure, synthetic_frames

from aiida_seimlip.exchange.readers.found import ReadOptions
from aiida_seimlip.exchange.readers.registry import read_frames
from aiida_seimlip.science.formats.mlip3_cfg import write_cfg


def write_file(path: Path, n_frames: int, n_atoms: int) -> None:
    """Write random frames in the format that the name of a file tells."""
    frames = synthetic_frames(n_frames, n_atoms)
    if path.suffix == '.cfg':
        write_cfg(path, frames, SPECIES)
    else:
        write(path, frames.to_atoms())


def take_in(path: Path) -> None:
    """Read the frames, labels and features."""
    found = read_frames([path], ReadOptions(species=SPECIES, method='PBE'))
    assert found.frames.is_labelled


def by_ase(path: Path) -> None:
    """Read the frames with ASE alone."""
    read(path, ':')


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=8686)
    parser.add_argument('--atoms', type=int, default=117)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(f'{arguments.frames} frames of {arguments.atoms} atoms with energies, forces and stresses')
        print(f'{"operation":<28}{"CPU s":>8}{"s":>8}{"peak GB":>10}{"file MB":>10}')
        for name in ('a.cfg', 'a.xyz', 'a.traj'):
            path = Path(folder) / name
            measure(write_file, path, arguments.frames, arguments.atoms)
            tasks = {'frames': take_in} if path.suffix == '.cfg' else {'frames': take_in, 'by ASE alone': by_ase}
            for label, task in tasks.items():
                cpu, wall, peak = measure(task, path)
                size = path.stat().st_size / 1e6
                print(f'{f"{path.suffix}, {label}":<28}{cpu:>8.2f}{wall:>8.2f}{peak:>10.2f}{size:>10.0f}')
            path.unlink()


if __name__ == '__main__':
    main()
