#!/usr/bin/env bash
# ASE's Quantum ESPRESSO cannot write k-points that are given by their density.
#
# One would expect: `kpts={'density': 3.5}`, "a dictionary for kpts2sizeandoffsets" as documented, makes a Monkhorst-Pack grid
#   that follows the cell, as it does for other calculators of ASE.
# What happens: the size of the grid comes back as an array and is taken for a list of k-points with weights: IndexError.
# Whom it costs: who labels cells of several sizes and wants their energies to agree; the way round is `kspacing`, in 1/Å and
#   without the factor 2π.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'scipy==1.16.3'
cd "$folder"
venv/bin/python - <<'PYTHON'
import io

import ase
from ase.build import bulk
from ase.io.espresso import write_espresso_in

atoms, pseudo = bulk('LiF', 'rocksalt', a=4.026), {'Li': 'Li.upf', 'F': 'F.upf'}


def grid(**kwargs):
    file = io.StringIO()
    write_espresso_in(file, atoms, pseudopotentials=pseudo, **kwargs)
    lines = file.getvalue().splitlines()
    return lines[next(number for number, line in enumerate(lines) if line.startswith('K_POINTS')) + 1].split()[:3]


try:
    found = grid(kpts={'density': 3.5})
except IndexError as error:
    found = f'IndexError: {error}'
print(f'ase {ase.__version__}: kpts by density: {found}; kspacing=0.11: {" ".join(grid(kspacing=0.11))}')
assert str(found).startswith('IndexError'), 'the behaviour has changed'
assert grid(kspacing=0.11) == ['4', '4', '4'], 'the behaviour has changed'
PYTHON
