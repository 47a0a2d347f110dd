#!/usr/bin/env bash
# ASE gives frames of a LAMMPS dump with forces the energy 0.
#
# One would expect: a dump holds forces, but no energy; asking for the energy raises PropertyNotImplementedError, as it
#   does for a dump without forces and for an extxyz file without an energy.
# What happens: the frame gets a calculator whose energy is 0.0 eV, and `get_potential_energy()` returns it.
# Whom it costs: who makes a training set of trajectories. Every frame has the label 0 eV, and is written so to extxyz.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6'
cd "$folder"
venv/bin/python - <<'PYTHON'
import ase
import ase.io

with open('md.lammpstrj', 'w') as handle:
    handle.write("""ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0 4
0 4
0 4
ITEM: ATOMS id element x y z fx fy fz
1 Li 0 0 0 0.5 0 0
2 F 2 2 2 -0.5 0 0
""")
atoms = ase.io.read('md.lammpstrj', format='lammps-dump-text')
print(f'ase {ase.__version__}: results {atoms.calc.results}')
print(f'get_potential_energy() = {atoms.get_potential_energy()}')
assert atoms.get_potential_energy() == 0.0, 'the behaviour has changed'
ase.io.write('train.xyz', atoms, format='extxyz')
line = open('train.xyz').read().splitlines()[1]
print(line)
assert ' energy=0.0' in line, 'the behaviour has changed'
PYTHON
