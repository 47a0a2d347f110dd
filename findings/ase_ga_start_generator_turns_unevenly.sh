#!/usr/bin/env bash
# ase-ga's StartGenerator does not turn molecules evenly, and takes no number for `blmin`.
#
# One would expect: "a random rotation" of each molecule: of one that is given along z, the mean square of each component of its
#   axis is 1/3. And `blmin` may be a number, as documented: "the dictionary will be generated with this ratio".
# What happens: the Euler angles are random, all of them evenly, so that molecules along the axis that they were given along are too
#   many: 1/2 of the mean square stays on z. A number for `blmin` ends in an AttributeError.
# Whom it costs: who packs amorphous or liquid cells, or adsorbates: molecules are aligned, and nothing shows it. (Given turned evenly,
#   each as a block of its own, they are even.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'ase-ga==1.0.3' 'numpy==2.4.6' 'scipy==1.17.1'
cd "$folder"
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from ase import Atoms
from ase_ga.startgenerator import StartGenerator

rod = Atoms('N2', [(0, 0, 0), (0, 0, 1.1)])
box = Atoms(cell=[20.0, 20.0, 20.0], pbc=True)
rng = np.random.default_rng(1)
axes = []
for _ in range(50):
    generator = StartGenerator(box, [(rod, 10)], {(7, 7): 1.5}, test_too_far=False, rng=rng)
    positions = generator.get_new_candidate().positions
    axes.append((positions[1::2] - positions[::2]) / 1.1)
squares = (np.concatenate(axes) ** 2).mean(axis=0)
try:
    StartGenerator(box, [(rod, 10)], 0.7)
    answer = 'accepted'
except AttributeError as exception:
    answer = f'AttributeError: {exception}'
print(f'ase-ga {version("ase-ga")}: mean squares of the axes of 500 molecules along z: {squares.round(2).tolist()}; '
      f'blmin=0.7: {answer}')
assert 0.45 < squares[2] < 0.55, 'the behaviour has changed'  # 1/3 ± 0.013 would be even
assert answer.startswith('AttributeError'), 'the behaviour has changed'
PYTHON
