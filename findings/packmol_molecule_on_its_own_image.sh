#!/usr/bin/env bash
# packmol lays a molecule on its own periodic image, and reports success.
#
# One would expect: with `pbc`, all distances between molecules keep the tolerance, those to the images of a molecule included; or
#   packmol says that there is no solution.
# What happens: images of the same molecule are not looked at. A chain of 8.7 Å in a cube of 9 Å comes as near to its image as its
#   orientation makes it, and the exit code is 0.
# Whom it costs: who packs molecules into cells that a computation can afford, not much longer than the molecules: atoms on top of each
#   other in some cells, at random, from a program that said "Success!".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'packmol==21.2.3' 'numpy==2.4.6'
cd "$folder"
venv/bin/python - <<'PYTHON'
import itertools
import subprocess
from importlib.metadata import version

import numpy as np

with open('chain.xyz', 'w') as handle:
    handle.write('8\n\n' + ''.join(f'C 0 0 {1.25 * k}\n' for k in range(8)))
images = 9.0 * np.array([shift for shift in itertools.product((-1, 0, 1), repeat=3) if any(shift)])
nearest = []
for seed in range(1, 21):
    with open('input', 'w') as handle:
        handle.write(f'tolerance 2.0\nfiletype xyz\noutput packed.xyz\nseed {seed}\npbc 9. 9. 9.\n'
                     'structure chain.xyz\n  number 1\nend structure\n')
    run = subprocess.run(['venv/bin/packmol', '-i', 'input'], capture_output=True, text=True)
    assert run.returncode == 0 and 'Success!' in run.stdout, 'the behaviour has changed'
    positions = np.loadtxt('packed.xyz', skiprows=2, usecols=(1, 2, 3))
    between = positions[:, None, None] - positions[None, :, None] + images
    nearest.append(np.linalg.norm(between, axis=-1).min())
print(f'packmol {version("packmol")}: a chain of 8.75 Å in a cube of 9 Å, tolerance 2 Å, 20 seeds, all with success: '
      f'{sum(distance < 1.9 for distance in nearest)} nearer to their own image, the nearest {min(nearest):.2f} Å')
assert min(nearest) < 1.5, 'the behaviour has changed'
PYTHON
