#!/usr/bin/env bash
# pymatgen orders a disordered crystal into another composition.
#
# One would expect: OrderDisorderedStructureTransformation makes ordered cells of the composition given, or refuses where the
#   cell is too small for it, as its error `Occupancy fractions not consistent with size of unit cell` says.
# What happens: a number of atoms that is off by less than a quarter is rounded, silently. Three cells of a salt with 30 %
#   occupied sites (0.9 atoms of each element) become a full atom of each: 11 % more of everything.
# Whom it costs: who orders solid electrolytes: a charge state, a vacancy concentration or a doping level that was asked for
#   is not the one that is computed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pymatgen==2026.10.24' 'numpy==2.4.6'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata
import warnings

from pymatgen.core import Lattice, Structure
from pymatgen.transformations.standard_transformations import OrderDisorderedStructureTransformation

cell = Structure(Lattice.cubic(4.0), [{'Li+': 0.3}, {'F-': 0.3}], [[0, 0, 0], [0.5, 0.5, 0.5]])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    disordered = cell * (3, 1, 1)
    ordered = OrderDisorderedStructureTransformation().apply_transformation(disordered)
before, after = disordered.composition['Li+'], ordered.composition['Li+']
said = [str(warning.message) for warning in caught if 'occup' in str(warning.message).lower()]
print(f'pymatgen {importlib.metadata.version("pymatgen")}: {disordered.composition} became {ordered.composition}; '
      f'warnings about it: {said}')
assert abs(before - 0.9) < 1e-9 and after == 1 and not said, 'the behaviour has changed'
try:
    OrderDisorderedStructureTransformation().apply_transformation(cell * (2, 1, 1))
except ValueError as exception:
    print(f'0.6 atoms are refused: {exception}')
else:
    raise SystemExit('the behaviour has changed: 0.6 atoms are taken')
PYTHON
