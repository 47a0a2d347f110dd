#!/usr/bin/env bash
# ASE's cell filters relax the axis along which a slab is not periodic.
#
# One would expect: a slab with pbc (True, True, False) has no cell along its normal: that cell vector is only the height of the
#   drawing. A relaxation of the cell leaves it alone, and the atoms free along it.
# What happens: `FrechetCellFilter` treats it as a lattice vector. A stress is worked out with a volume that means nothing,
#   the vector is relaxed, and the slab is strained with it. There is no word about it; the result depends on the vacuum.
# Whom it costs: who relaxes slabs and interfaces with a machine-learning potential. (`mask` is there, but has to be known.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'scipy==1.16.3'
cd "$folder"
venv/bin/python - <<'PYTHON'
import ase
import numpy as np
from ase.build import fcc111
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

changes = {}
for vacuum in (1.0, 6.0):
    slab = fcc111('Cu', (2, 2, 3), vacuum=vacuum)
    slab.calc = EMT()
    before = slab.cell.lengths()[2]
    BFGS(FrechetCellFilter(slab), logfile=None).run(fmax=0.01, steps=500)
    changes[vacuum] = slab.cell.lengths()[2] - before
    print(f'ase {ase.__version__}: pbc {slab.pbc.tolist()}, vacuum {vacuum:g} Å on each side: '
          f'the open axis went from {before:.4f} to {slab.cell.lengths()[2]:.4f} Å')
assert all(abs(change) > 1e-3 for change in changes.values()), 'the behaviour has changed'
PYTHON
