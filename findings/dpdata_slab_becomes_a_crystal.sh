#!/usr/bin/env bash
# dpdata makes a crystal of a slab.
#
# One would expect: a frame with pbc (True, True, False) keeps it, or is refused, as DeePMD knows only "periodic" and "nopbc".
# What happens: it becomes periodic in all three directions, silently, and comes back so as an ASE frame. Only a frame that is periodic
#   nowhere is `nopbc`.
# Whom it costs: who converts a training set of slabs: a model is trained on images of the slab that the reference never saw, which
#   matters as soon as the drawn vacuum is thinner than the cut-off.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'dpdata==1.0.1' 'ase==3.29.0' 'numpy==2.4.6'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata

import dpdata
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

found = {}
for pbc in ((True, True, True), (True, True, False), (False, False, False)):
    atoms = Atoms('LiF', positions=[[0, 0, 0], [2, 2, 2]], cell=[4, 4, 5], pbc=pbc)
    atoms.calc = SinglePointCalculator(atoms, energy=-9.5, forces=np.zeros((2, 3)))
    system = dpdata.LabeledSystem(atoms, fmt='ase/structure')
    found[pbc] = tuple(system.to('ase/structure')[0].pbc.tolist())
    print(f'dpdata {importlib.metadata.version("dpdata")}: pbc {pbc} comes back as {found[pbc]}')
assert found[True, True, False] == (True, True, True), 'the behaviour has changed'
assert found[False, False, False] == (False, False, False), 'the behaviour has changed'
PYTHON
