"""Print how long many frames take to be stored and loaded as one node, in a profile on disk of its own.

Run as ``python benchmarks/storage.py``; options: ``--frames``, ``--atoms``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aiida_seimlip.science.frames import Frames

SPACING = 2.2
"""Of the lattice in Å, about that of atoms in a solid."""


def synthetic_frames(n_frames: int, n_atoms: int) -> Frames:
    """Return labelled frames of atoms that rattle about a lattice."""
    generator = np.random.default_rng(0)
    edge = int(np.ceil(n_atoms ** (1 / 3)))
    lattice = SPACING * np.stack(np.meshgrid(*[np.arange(edge)] * 3, indexing='ij'), axis=-1).reshape(-1, 3)[:n_atoms]
    shape = (n_frames * n_atoms, 3)
    frames = Frames(
        numbers=np.tile(np.resize([3, 6, 8], n_atoms), n_frames),
        positions=np.tile(lattice, (n_frames, 1)) + generator.normal(0, 0.1, shape),
        ptr=np.arange(n_frames + 1) * n_atoms,
        cells=np.tile(SPACING * edge * np.eye(3), (n_frames, 1, 1)),
        pbc=np.ones((n_frames, 3)),
        energies=generator.normal(-9000, 10, n_frames),
        forces=generator.normal(0, 2, shape),
        stresses=generator.normal(0, 0.05, (n_frames, 6)),
    )
    features = [{'config_type': 'bulk', 'source_file': 'train.cfg', 'source_index': i} for i in range(n_frames)]
    return frames.computed_by('GFN1-xTB', 'free').with_features(features)


def timed(label: str, function: Callable[[], Any]) -> Any:
    """Call a function and print a row of the table."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = function()
    print(f'{label:<42} {time.process_time() - cpu:8.2f} {time.perf_counter() - wall:8.2f}')
    return result


def measure(n_frames: int, n_atoms: int) -> None:
    """Print the table."""
    from aiida import load_profile, orm

    load_profile()
    from aiida_seimlip.data.frames import FramesData

    FramesData(synthetic_frames(1, n_atoms)).store()  # so that imports and the first connection are not measured
    frames = synthetic_frames(n_frames, n_atoms)
    print(f'{f"{n_frames} frames of {n_atoms} atoms":<42} {"CPU s":>8} {"s":>8}')
    node = timed('pack, with hashes and shortest distances', lambda: FramesData(frames))
    timed('store, with the checks', node.store)
    uuid = node.uuid
    del node
    loaded = timed('load', lambda: orm.load_node(uuid).get_frames())
    timed('query by attributes', orm.QueryBuilder().append(
        FramesData, filters={'attributes.is_labelled': True, 'attributes.n_frames': {'>': 1}}).count)  # fmt: skip
    assert np.array_equal(loaded.forces, frames.forces)


def size(folder: Path) -> float:
    """Return the size of all files below a folder in MB."""
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=8686)
    parser.add_argument('--atoms', type=int, default=117)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ['AIIDA_PATH'] = home
        verdi = Path(sys.executable).parent / 'verdi'
        subprocess.run([verdi, 'presto', '-n'], check=True, capture_output=True)
        before = size(Path(home))
        measure(arguments.frames, arguments.atoms)
        print(f'{"on disk":<42} {size(Path(home)) - before:17.0f} MB')


if __name__ == '__main__':
    main()
