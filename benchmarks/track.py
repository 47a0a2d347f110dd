"""Print what it costs to keep the paths of the mobile ions: time while LAMMPS runs, room, and time to read them.

Run as ``python benchmarks/track.py``; options: ``--steps``, ``--every``. Li2CO3, 1440 atoms with 480 ions, with
``seimlip-lmp`` on one core and a potential with random coefficients, which takes as long as a trained one.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from md import SPECIES, li2co3, processor, random_potential

from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.formats.lammps_input import LammpsMdSettings, write_input
from aiida_seimlip.science.formats.lammps_log import parse_log
from aiida_seimlip.science.formats.lammps_track import assemble_lammps_track, read_framework, read_track
from aiida_seimlip.science.formats.mlip3_potential import write_almtp
from aiida_seimlip.science.frames import Frames

N_FRAMES = 20_001
"""Of 20 ns, one each ps."""


def run(folder: Path, frame: Frames, n_steps: int, every: int, level: int = 8) -> tuple[float, float]:
    """Run molecular dynamics and return the CPU seconds of its loop, and those that its output took."""
    settings = LammpsMdSettings(
        with_grades=False, seed=1, timestep=0.05, n_steps=n_steps, thermo_every=n_steps, dump_every=n_steps,
        mobile=('Li',), track_every=every,
    )  # fmt: skip
    (folder / 'structure.data').write_text(write_data(frame, SPECIES)[0])
    (folder / 'potential.almtp').write_bytes(write_almtp(random_potential(level)))
    (folder / 'in.lmp').write_text(write_input(settings, SPECIES))
    command = [sys.executable, '-m', 'aiida_seimlip.embedded.lmp', '-in', 'in.lmp', '-screen', 'none']
    environment = os.environ | {'OMP_NUM_THREADS': '1'}
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    log = (folder / 'log.lammps').read_text()
    share = float(re.search(r'^([\d.]+)% CPU use', log, re.MULTILINE)[1]) / 100
    output = float(re.search(r'^Output *\| *(\S+)', log, re.MULTILINE)[1])
    return share * parse_log(log).runs[0].seconds, share * output


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--steps', type=int, default=400)
    parser.add_argument('--every', type=int, default=20)
    arguments = parser.parse_args(argv)
    frame = Frames.from_atoms([li2co3((3, 5, 4))])
    n_ions = int(np.sum(frame.numbers == 3))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop, output = run(folder, frame, arguments.steps, arguments.every)
        n_frames = arguments.steps // arguments.every + 1
        written = (folder / 'track.lammpstrj').stat().st_size / n_frames
        (folder / 'long').write_bytes((folder / 'track.lammpstrj').read_bytes() * 50)
        started = time.process_time()
        read_track(folder / 'long', n_ions)
        reading = (time.process_time() - started) / (50 * n_frames)
        dump = read_track(folder / 'track.lammpstrj', n_ions)
        framework = read_framework((folder / 'framework.txt').read_text())
        track = assemble_lammps_track(
            dump, framework, frame, Frames.empty(), mobile=['Li'], first_step=0, timestep=0.05
        )
    stored = sum(array.nbytes for array in track.to_arrays().values() if len(array) == len(track)) / len(track)
    per_frame = output / (n_frames - 1)
    print(f'{len(frame.numbers)} atoms, {n_ions} ions, one core of {processor()}; of 20 ns: a frame each 2000 steps\n')
    print(f'a step                     {1e3 * loop / arguments.steps:10.2f} ms')
    print(f'writing a frame            {1e3 * per_frame:10.2f} ms')
    print(f'share of 20 ns             {100 * per_frame / (2000 * loop / arguments.steps):10.4f} %')
    print(f'written on scratch         {written / n_ions:10.1f} bytes/ion {1e-6 * written * N_FRAMES:8.0f} MB of 20 ns')
    print(f'stored                     {stored / n_ions:10.1f} bytes/ion {1e-6 * stored * N_FRAMES:8.0f} MB of 20 ns')
    print(f'reading a frame            {1e3 * reading:10.2f} ms        {reading * N_FRAMES:8.1f} s for 20 ns')


if __name__ == '__main__':
    main()
