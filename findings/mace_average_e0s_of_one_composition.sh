#!/usr/bin/env bash
# MACE fits energies of atoms that the data do not tell, and says nothing.
#
# One would expect: `--E0s=average` fits an energy for each element to the total energies; where all frames have one
#   composition, only the sum is known, and a word is said.
# What happens: the least-squares solution of smallest norm is taken without a warning: of Cu3Au, copper gets exactly
#   three times the energy of gold, whatever the labels are. The model agrees with frames of this composition, and is off
#   by electronvolts per atom for any other.
# Whom it costs: who computes formation energies of defects, vacancies and chemical potentials with a model that learned
#   from one compound. (Give the energies of isolated atoms.)
set -euo pipefail
export OMP_NUM_THREADS=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'torch==2.13.0'
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'mace-torch==0.3.16' 'ase==3.29.0'
cd "$folder"
echo "mace-torch $(venv/bin/python -c 'import importlib.metadata as m; print(m.version("mace-torch"))')"

# Frames of four atoms of copper and gold, labelled by the effective medium theory.
venv/bin/python - <<'PYTHON'
import numpy as np
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

rng = np.random.default_rng(0)


def frames(n):
    for _ in range(n):
        atoms = bulk('Cu', 'fcc', a=3.9, cubic=True)
        atoms.symbols = ['Cu', 'Cu', 'Cu', 'Au']
        atoms.rattle(0.1, rng=rng)
        atoms.calc = EMT()
        energy, forces, stress = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
        atoms.calc = None
        atoms.info['REF_energy'], atoms.arrays['REF_forces'], atoms.info['REF_stress'] = energy, forces, stress
        yield atoms


write('train.extxyz', list(frames(30)))
write('valid.extxyz', list(frames(10)))
PYTHON

train() {  # name of the output, then options
    local output=$1
    shift
    venv/bin/mace_run_train --train_file=train.extxyz --valid_file=valid.extxyz --batch_size=5 --seed=1 --device=cpu \
        --default_dtype=float64 --plot=False "$@" >"$output" 2>"$output.err"
}
small=(--r_max=4 --num_channels=4 --max_L=0 --max_ell=1 --correlation=2 --num_interactions=1)

train out --name=m "${small[@]}" --E0s=average --max_num_epochs=1
grep -o 'Atomic Energies used.*' out
echo "warnings in the log: $(grep -c WARNING out || true)"
venv/bin/python - <<'PYTHON'
import mace.calculators  # it sets what torch.load needs for these files
import torch

copper, gold = torch.load('m.model', weights_only=False).atomic_energies_fn.atomic_energies.flatten().tolist()
print(f'copper {copper:.6f} eV, gold {gold:.6f} eV, ratio {copper / gold:.6f}')
assert abs(copper / gold - 3.0) < 1e-9, 'the behaviour has changed'
PYTHON
[ "$(grep -c WARNING out || true)" = 0 ] || { echo 'the behaviour has changed'; exit 1; }
