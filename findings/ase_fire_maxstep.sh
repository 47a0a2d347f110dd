#!/usr/bin/env bash
# `maxstep` of ASE's FIRE is not the step of an atom, and the more atoms there are, the shorter their steps.
#
# One would expect: `maxstep` is "the maximum distance an atom can move per iteration", as documented, and as it is in BFGS and LBFGS.
# What happens: what is limited is the norm of the step in all 3N coordinates together. In a rattled crystal of 256 atoms with
#   `maxstep=0.1` no atom moves by more than 0.034 Å. It goes as 1/sqrt(N) for the average atom. FIRE2 does the same.
# Whom it costs: who relaxes large cells far from the minimum: many times the evaluations of a potential or of density functional theory,
#   and results of a limited number of steps that depend on the size of the cell.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'scipy==1.16.3'
cd "$folder"
venv/bin/python - <<'PYTHON'
import ase
import numpy as np
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.optimize import BFGS, FIRE

longest = {}
for repeat in (1, 2, 4):
    for optimizer in (BFGS, FIRE):
        atoms = bulk('Cu', cubic=True) * repeat
        atoms.rattle(0.5, seed=1)
        atoms.calc = EMT()
        track = []
        relaxation = optimizer(atoms, logfile=None, maxstep=0.1)
        relaxation.attach(lambda: track.append(atoms.positions.copy()))
        relaxation.run(fmax=0.01, steps=4)
        steps = np.diff(track, axis=0)
        longest[optimizer, len(atoms)] = np.linalg.norm(steps, axis=-1).max()
        print(f'ase {ase.__version__} {optimizer.__name__}, maxstep=0.1, {len(atoms)} atoms: longest step of an atom '
              f'{longest[optimizer, len(atoms)]:.4f} Å, norm in all coordinates {np.sqrt((steps ** 2).sum((1, 2))).max():.4f} Å')
assert all(abs(longest[BFGS, count] - 0.1) < 1e-6 for count in (4, 32, 256)), 'steps of BFGS are not limited here'
assert longest[FIRE, 4] > longest[FIRE, 32] > longest[FIRE, 256] and longest[FIRE, 256] < 0.05, 'the behaviour has changed'
PYTHON
