#!/usr/bin/env bash
# What ASE writes to extxyz, ASE does not read back: backslashes and letters beyond ASCII.
#
# One would expect: texts and dictionaries in `atoms.info` come back from a file as they went in, or writing them is refused.
# What happens: the writer escapes quotes but no backslashes, and the reader unescapes both. `C:\\run\\new` loses its backslashes,
#   and in a dictionary, which is written as JSON, every letter beyond ASCII turns into its number: Würfel becomes Wu00fcrfel.
# Whom it costs: who keeps where a frame came from (a path, a name, an author) in a training set.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6'
cd "$folder"
venv/bin/python - <<'PYTHON'
import ase
from ase.io import read, write

atoms = ase.Atoms('H', info={'source': 'C:\\run\\new', 'origin': {'author': 'Würfel'}})
write('frame.xyz', atoms, format='extxyz')
found = read('frame.xyz').info
print(f'ase {ase.__version__}: wrote {atoms.info}, read {found}')
assert found['source'] == 'C:runnew' and found['origin'] == {'author': 'Wu00fcrfel'}, 'the behaviour has changed'
PYTHON
