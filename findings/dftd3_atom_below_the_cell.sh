#!/usr/bin/env bash
# D3 of dftd3 puts an atom that is below its cell on the other side of a slab.
#
# One would expect: along an axis that is not periodic an atom is where it is. To shift it from z = 0 to z = -0.01 Å hardly changes
#   the energy, and the height of the cell does not matter.
# What happens: the atom is wrapped into the cell along the open axis, too. The energy of the dispersion of two argon atoms 4 Å
#   apart falls to a third, and depends on the height of the cell.
# Whom it costs: who adds D3 to slabs, where atoms at z = 0 vibrate: energies jump by the binding of an atom as it crosses zero.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'dftd3==1.7.0'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata

from ase import Atoms
from dftd3.ase import DFTD3


def energy(z, height, pbc):
    atoms = Atoms('Ar2', [[0, 0, z], [0, 0, 4]], cell=[6, 6, height], pbc=pbc)
    atoms.calc = DFTD3(method='PBE', damping='d3bj')
    return atoms.get_potential_energy()


SLAB = (True, True, False)
found = {(z, height): energy(z, height, SLAB) for z in (0.0, -0.01) for height in (20, 40)}
crystal = energy(-0.01, 100, True)
for (z, height), value in found.items():
    print(f'dftd3 {importlib.metadata.version("dftd3")}: z = {z:5.2f} Å, cell of {height} Å, pbc {SLAB}: {value:.6f} eV')
print(f'the same at z = -0.01 Å in a crystal with a cell of 100 Å: {crystal:.6f} eV')
assert abs(found[0.0, 20] - crystal) < 2e-4, 'the behaviour has changed'
assert abs(found[-0.01, 20]) < 0.4 * abs(crystal), 'the behaviour has changed'
assert abs(found[-0.01, 20] - found[-0.01, 40]) > 1e-5, 'the behaviour has changed'
PYTHON
