#!/usr/bin/env bash
# A training set that says `virials` has no stresses in ASE, one that says `virial` in Voigt order cannot be read.
#
# One would expect: virials become stresses, or are refused by name; six numbers, as `Atoms.get_stress()` gives them, are as good as nine.
# What happens: `virials`, `REF_virial` and the like are plain entries of `atoms.info`: energy and forces come in, the frame counts as
#   labelled, and the stress is gone once it is written to another format. With `virial` or `stress` and six numbers the
#   whole file cannot be read, with all its other frames.
# Whom it costs: who trains on data of others: a potential learns nothing of the pressure, silently.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6'
cd "$folder"
venv/bin/python - <<'PYTHON'
import io

import ase
from ase.io import read

FRAME = """1
Lattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1 {}="{}" pbc="T T T"
Li 0 0 0 0 0 0
"""
SIX, NINE = '1 2 3 0 0 0', '1 0 0 0 2 0 0 0 3'
for key in ('virials', 'REF_virial'):
    for values in (SIX, NINE):
        atoms = read(io.StringIO(FRAME.format(key, values)), format='extxyz')
        print(f'ase {ase.__version__}: {key} of {len(values.split())} numbers: results {sorted(atoms.calc.results)}, '
              f'left in info: {sorted(atoms.info)}')
        assert sorted(atoms.calc.results) == ['energy', 'forces'] and key in atoms.info, 'the behaviour has changed'
for key in ('virial', 'stress'):
    try:
        read(io.StringIO(FRAME.format(key, SIX)), format='extxyz')
    except ValueError as exception:
        print(f'{key} of 6 numbers: ValueError: {exception}')
    else:
        raise SystemExit('the behaviour has changed: six numbers are read')
PYTHON
