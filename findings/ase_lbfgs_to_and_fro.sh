#!/usr/bin/env bash
# ASE's LBFGS goes uphill, and then back and forth for ever.
#
# One would expect: an optimiser goes downhill, or says that it cannot. A crystal in a cell that is 5 % too small relaxes.
# What happens: where the curvature along a step is not positive (a pressure that hardly depends on the volume is enough), the step
#   and the change of the gradient are taken into the approximate Hessian as they are (y·s <= 0: LBFGS needs it positive). The next
#   direction is uphill, no search along a line looks at the energy, and it comes back to where it was, at 4 GPa from the goal.
#   BFGS and FIRE relax the same cell. (Starting without a history where y·s <= 0 helps LBFGS, too.)
# Whom it costs: who relaxes compressed, packed or random cells: all steps that are allowed are spent, and the last structure is
#   whichever of three it stopped at.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'scipy==1.16.3'
cd "$folder"
venv/bin/python - <<'PYTHON'
import ase
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS, LBFGS

results = {}
for optimizer in (LBFGS, BFGS):
    atoms = bulk('Al', a=3.8, cubic=True) * (2, 2, 2)
    atoms.calc = EMT()
    energies = []
    relaxation = optimizer(FrechetCellFilter(atoms), logfile=None, maxstep=0.1)
    relaxation.attach(lambda: energies.append(round(float(atoms.get_potential_energy()), 3)))
    converged = relaxation.run(fmax=0.01, steps=40)
    pressure = -atoms.get_stress()[:3].mean() / units.GPa
    results[optimizer.__name__] = (converged, pressure, energies)
    print(f'ase {ase.__version__} {optimizer.__name__}: converged {bool(converged)} after {relaxation.nsteps} steps at {pressure:.2f} GPa; '
          f'energies in eV: first {energies[:4]}, last {energies[-6:]}')
converged, pressure, energies = results['LBFGS']
assert results['BFGS'][0], 'BFGS does not converge, either'
assert not converged and pressure > 3, 'the behaviour has changed'
assert energies[-1] == energies[-5] == energies[-9] != energies[-3], 'the behaviour has changed'
PYTHON
