#!/usr/bin/env bash
# ase-ga's StartGenerator asks to report a bug where a molecule is longer than half the cell.
#
# One would expect: a molecule that is shorter than the cell is placed wherever its distances to others, and to its images, are kept.
# What happens: the atoms of a molecule are looked for in the images that are nearest to its first atom. Those farther than half the
#   cell from it are taken for an image elsewhere, whose bonds are then too short as distances between molecules:
#   AssertionError "This is not supposed to happen; please report this bug", for some orientations. With an atom of its middle
#   first, the same molecule is placed.
# Whom it costs: who packs molecules into cells that a computation can afford; it stops after some cells, at random.
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

chain = Atoms('C7', [(0, 0, 1.3 * k) for k in range(7)])  # 7.8 Å long
box = Atoms(cell=[12.0, 12.0, 12.0], pbc=True)  # images are at least 4.2 Å apart, whatever the orientation


def count_failures(molecule):
    failures, rng = 0, np.random.default_rng(1)
    for _ in range(100):
        generator = StartGenerator(box, [(molecule, 1)], {(6, 6): 1.8}, test_too_far=False, rng=rng)
        try:
            generator.get_new_candidate()
        except AssertionError as exception:
            assert 'please report this bug' in str(exception)
            failures += 1
    return failures


end, middle = count_failures(chain), count_failures(chain[[3, 0, 1, 2, 4, 5, 6]])
print(f'ase-ga {version("ase-ga")}: one chain of 7.8 Å in a cube of 12 Å, of 100 tries fail: {end} with its end first, '
      f'{middle} with its middle first')
assert end > 10 and middle == 0, 'the behaviour has changed'
PYTHON
