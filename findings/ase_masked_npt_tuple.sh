#!/usr/bin/env bash
# ASE's MaskedMTKNPT freezes the whole cell when it is given the mask that it asks for.
#
# One would expect: `mask=(True, True, False)`, as documented, lets the axes a and b fluctuate and holds c.
# What happens: the mask is used as an index as it stands. numpy takes a tuple of booleans for one index of each axis: with a
#   False in it nothing is selected, and no axis ever moves. A list or an array of the same booleans works.
# Whom it costs: who runs slabs and interfaces at constant pressure in the plane: the dynamics are at constant volume, under
#   whatever pressure the start had, and the cell of the trajectory is the only place where that shows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'scipy==1.16.3'
cd "$folder"
venv/bin/python - <<'PYTHON'
import warnings

import ase
import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md.nose_hoover_chain import MaskedMTKNPT
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

warnings.simplefilter('ignore', DeprecationWarning)


def lengths_after(mask):
    atoms = bulk('Cu', a=3.8, cubic=True) * (2, 2, 2)  # too large: it shrinks where it may
    atoms.calc = EMT()
    MaxwellBoltzmannDistribution(atoms, temperature_K=300, rng=np.random.default_rng(1))
    dynamics = MaskedMTKNPT(
        atoms, timestep=2 * units.fs, temperature_K=300, pressure_au=0.0, tdamp=100 * units.fs,
        pdamp=200 * units.fs, mask=mask,
    )
    dynamics.run(40)
    return atoms.cell.lengths()


of_tuple, of_list = lengths_after((True, True, False)), lengths_after([True, True, False])
print(f'ase {ase.__version__}: cell 7.6 Å, after 40 steps: mask=(True, True, False) {of_tuple.round(4).tolist()}, '
      f'mask=[True, True, False] {of_list.round(4).tolist()}')
assert np.array_equal(of_tuple, [7.6, 7.6, 7.6]), 'the behaviour has changed'
assert (np.abs(of_list[:2] - 7.6) > 1e-3).all(), 'the behaviour has changed'
PYTHON
