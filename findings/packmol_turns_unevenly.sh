#!/usr/bin/env bash
# packmol does not turn molecules evenly.
#
# One would expect: molecules at random in a wide box have random orientations: of one that is given along z, the mean square of each
#   component of its axis is 1/3.
# What happens: it is 1/2 on z and 1/4 on x and y, as its Euler angles are drawn evenly. The optimisation does not change that where
#   there is room.
# Whom it costs: who starts a liquid, an electrolyte or an interface from packed molecules: they are aligned along the axis that the
#   file of the molecule happens to have, and short dynamics or a relaxation keep that. (Each given by itself, turned evenly
#   beforehand, they are even.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'packmol==21.2.3' 'numpy==2.4.6'
cd "$folder"
printf '2\n\nN 0 0 0\nN 0 0 1.1\n' > rod.xyz
for seed in 1 2 3; do
    cat > input <<INPUT
tolerance 2.0
filetype xyz
output packed$seed.xyz
seed $seed
structure rod.xyz
  number 500
  inside box 0. 0. 0. 60. 60. 60.
end structure
INPUT
    venv/bin/packmol -i input > log
done
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import numpy as np

squares = []
for seed in (1, 2, 3):
    positions = np.loadtxt(f'packed{seed}.xyz', skiprows=2, usecols=(1, 2, 3))
    squares.append((((positions[1::2] - positions[::2]) / 1.1) ** 2).mean(axis=0))
    print(f'packmol {version("packmol")}, seed {seed}: mean squares of the axes of 500 molecules along z: '
          f'{squares[-1].round(2).tolist()}')
assert all(0.45 < each[2] < 0.55 for each in squares), 'the behaviour has changed'  # 1/3 ± 0.013 would be even
PYTHON
