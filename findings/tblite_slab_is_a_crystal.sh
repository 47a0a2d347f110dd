#!/usr/bin/env bash
# tblite's ASE calculator takes a slab for a crystal.
#
# One would expect: with pbc (True, True, False) the energy is that of a layer, whatever the third cell vector is, or an error
#   that says that only crystals and molecules are possible.
# What happens: as soon as one axis is periodic, all three are. Four layers of LiF in a cell that fits the crystal have the
#   energy of the crystal to all digits, with pbc (True, True, False) as with (True, False, False).
# Whom it costs: who labels slabs with little vacuum by GFN1-xTB, or wires: the label is of another system than the frame says,
#   and a potential that honours pbc learns it as that of the slab.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'tblite==0.8.0'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata

from ase.build import bulk
from tblite.ase import TBLite

energies = {}
for pbc in ((True, True, True), (True, True, False), (True, False, False), (False, False, False)):
    atoms = bulk('LiF', 'rocksalt', a=4.03, cubic=True)
    atoms.pbc = pbc
    atoms.calc = TBLite(method='GFN1-xTB', verbosity=0)
    energies[pbc] = atoms.get_potential_energy()
    print(f'tblite {importlib.metadata.version("tblite")}: pbc {pbc}: {energies[pbc]:.6f} eV')
crystal, slab, wire, molecule = energies.values()
assert abs(slab - crystal) < 1e-6 and abs(wire - crystal) < 1e-6, 'the behaviour has changed'
assert abs(molecule - crystal) > 1, 'the behaviour has changed'
PYTHON
