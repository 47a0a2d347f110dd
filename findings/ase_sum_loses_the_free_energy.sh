#!/usr/bin/env bash
# Add D3 to a calculator in ASE, and the energy that belongs to the forces is gone.
#
# One would expect: the sum of two calculators that both have a free energy has one. It is the energy whose derivative the forces
#   are; `get_potential_energy(force_consistent=True)` returns it.
# What happens: `SumCalculator` offers what both name in `implemented_properties`; DFTD3 sets `results['free_energy']` but does not
#   name it. The sum has none, and what is left for a metal in density functional theory is the energy extrapolated to zero smearing.
# Whom it costs: who labels training data with a functional and D3: energies and forces that do not belong together, by some meV per
#   atom in a metal.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'scipy==1.16.3' 'dftd3==1.7.0'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata

import ase
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.emt import EMT
from ase.calculators.mixing import SumCalculator
from dftd3.ase import DFTD3

parts = [EMT(), DFTD3(method='PBE', damping='d3bj')]
for part in parts:
    atoms = bulk('Cu', cubic=True)
    atoms.calc = part
    atoms.get_potential_energy()
    print(f'{type(part).__name__}: free_energy {part.results["free_energy"]:.6f} eV')
atoms.calc = SumCalculator(parts)
print(f'ase {ase.__version__}, dftd3 {importlib.metadata.version("dftd3")}: the sum has {atoms.get_potential_energy():.6f} eV')
try:
    atoms.get_potential_energy(force_consistent=True)
except PropertyNotImplementedError as exception:
    print(f'but no free energy: PropertyNotImplementedError: {exception}')
else:
    raise SystemExit('the behaviour has changed: the sum has a free energy')
PYTHON
