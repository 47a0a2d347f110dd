#!/usr/bin/env bash
# phonopy's heat capacity of an unstable crystal is that of the modes that are left.
#
# One would expect: thermal properties of a crystal with imaginary modes are refused, or there is a warning; or the heat
#   capacity tends to 3 R for each atom.
# What happens: modes with imaginary frequencies are left out of the sums, without a word. Free energy, entropy and heat
#   capacity are those of a crystal with fewer degrees of freedom, and look as usual. How many were left out is only to be seen in
#   `thermal_properties.number_of_integrated_modes`.
# Whom it costs: who compares phases with phonons of a machine-learning potential, where small imaginary modes are common: each
#   one leaves its whole contribution out, at 1000 K some tenths of an eV.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'phonopy==4.10.0' 'ase==3.29.0' 'numpy==2.4.6'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata
import warnings

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms

crystal = bulk('Cu', 'bcc', a=2.87)  # copper is not stable as bcc
phonons = Phonopy(
    PhonopyAtoms(symbols=['Cu'], cell=crystal.cell.array, scaled_positions=[[0, 0, 0]]), 4 * np.eye(3, dtype=int)
)
phonons.generate_displacements(distance=0.02)
forces = []
for supercell in phonons.supercells_with_displacements:
    atoms = Atoms(supercell.symbols, cell=supercell.cell, scaled_positions=supercell.scaled_positions, pbc=True)
    atoms.calc = EMT()
    forces.append(atoms.get_forces())
phonons.forces = forces
phonons.produce_force_constants()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    phonons.run_mesh([12, 12, 12])
    phonons.run_thermal_properties(temperatures=[2000.0])
said = [str(warning.message) for warning in caught if 'imaginary' in str(warning.message).lower()]
properties = phonons.thermal_properties
share = properties.number_of_integrated_modes / properties.number_of_modes
heat, limit = float(properties.heat_capacity[0]), 3 * 8.314462618
lowest = phonons.mesh.frequencies.min()
print(f'phonopy {importlib.metadata.version("phonopy")}: lowest frequency {lowest:.2f} THz; heat capacity at 2000 K '
      f'{heat:.3f} of 3 R = {limit:.3f} J/K/mol; share of modes counted {share:.4f}; warnings {said}')
assert lowest < -0.3 and 0.9 < share < 0.99 and not said, 'the behaviour has changed'
assert abs(heat / limit - share) < 2e-3, 'the behaviour has changed'
PYTHON
