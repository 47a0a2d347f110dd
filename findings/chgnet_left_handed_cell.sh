#!/usr/bin/env bash
# CHGNet turns the sign of the stress round in a left-handed cell.
#
# One would expect: to list the vectors of a cell in another order changes nothing: not the energy, and for a cubic crystal
#   not the stress.
# What happens: with two vectors exchanged the cell is left-handed and its determinant negative. The energy stays as it is, the
#   stress has the opposite sign: a crystal under pressure seems to be under tension, and a relaxation of its cell runs away.
# Whom it costs: who relaxes or labels cells of databases, of which some are left-handed. (A new order of the vectors, or
#   `ase.build.niggli_reduce`, avoids it.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'torch==2.13.0'
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'chgnet==0.4.2' 'ase==3.29.0'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata
import warnings

warnings.simplefilter('ignore')

import numpy as np
from ase.build import bulk
from chgnet.model.dynamics import CHGNetCalculator

calculator, found = CHGNetCalculator(use_device='cpu'), []
for order in ([0, 1, 2], [1, 0, 2]):
    atoms = bulk('LiF', 'rocksalt', a=3.9, cubic=True)
    atoms.set_cell(atoms.cell[order], scale_atoms=False)
    atoms.calc = calculator
    found.append((atoms.get_potential_energy(), atoms.get_stress()[0]))
    print(f'chgnet {importlib.metadata.version("chgnet")}: determinant {np.linalg.det(atoms.cell):7.2f} Å³, '
          f'energy {found[-1][0]:.5f} eV, stress {found[-1][1]:.5f} eV/Å³')
(energy, stress), (other_energy, other_stress) = found
assert abs(energy - other_energy) < 1e-4, 'the behaviour has changed'
assert abs(stress) > 0.01 and abs(stress + other_stress) < 1e-4, 'the behaviour has changed'
PYTHON
