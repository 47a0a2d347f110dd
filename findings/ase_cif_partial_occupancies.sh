#!/usr/bin/env bash
# ASE reads a crystal with partial occupancies as one of whole atoms.
#
# One would expect: a refusal, or a warning, for a CIF whose sites are half occupied or shared by two elements.
# What happens: every site becomes one whole atom of its first element, silently. Li2 O1.5 S0.5 becomes Li3OS, with two
#   lithium atoms 0.48 Å apart. The occupancies are left in `atoms.info['occupancy']`, where nobody looks.
# Whom it costs: who computes solid electrolytes from databases, most of whose files are of this kind: another compound
#   is computed, or atoms on top of each other, and no program complains.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'spglib==2.6.0'
cd "$folder"
venv/bin/python - <<'PYTHON'
import ase
import ase.io

CIF = """data_disordered
_cell_length_a 4.0
_cell_length_b 4.0
_cell_length_c 4.0
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0.0 0.0 0.0 1.0
Li2 Li 0.44 0.5 0.5 0.5
Li3 Li 0.56 0.5 0.5 0.5
O1 O 0.5 0.0 0.5 0.5
S1 S 0.5 0.0 0.5 0.5
O2 O 0.0 0.5 0.5 1.0
"""
with open('disordered.cif', 'w') as handle:
    handle.write(CIF)
atoms = ase.io.read('disordered.cif')
distances = atoms.get_all_distances(mic=True)
shortest = distances[distances > 0].min()
print(f'ase {ase.__version__}: the file says Li2 O1.5 S0.5; read as {atoms.get_chemical_formula()}, '
      f'shortest distance {shortest:.2f} Å')
assert len(atoms) == 5 and sorted(atoms.symbols)[:3] == ['Li'] * 3, 'the behaviour has changed'
assert abs(shortest - 0.48) < 1e-6, 'the behaviour has changed'
PYTHON
