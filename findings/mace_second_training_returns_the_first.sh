#!/usr/bin/env bash
# A training of MACE returns the model of another training.
#
# One would expect: a new training, without `--restart_latest`, gives a model that has learned from the data of this
#   training.
# What happens: at its end it loads the checkpoint with the highest number in the folder. After 12 epochs on one set, a
#   second call with the same name and seed trains 3 epochs on other data and returns the weights of the first, bit by
#   bit; exit code 0. Only `from epoch 10` in the log, of a run of 3 epochs, tells.
# Whom it costs: active learning that retrains in one folder, and anybody who repeats a short trial there.
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
        atoms.symbols = rng.choice(['Cu', 'Au'], 4)
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
E0s='{29: 3.51, 79: 3.80}'

train first --name=m "${small[@]}" --E0s="$E0s" --max_num_epochs=12
cp m.model first.model
venv/bin/python - <<'PYTHON'
from ase.io import read, write

frames = read('train.extxyz', ':')
for atoms in frames:
    atoms.arrays['REF_forces'] *= -1.0  # other data: each force points the other way
write('train.extxyz', frames)
PYTHON
train second --name=m "${small[@]}" --E0s="$E0s" --max_num_epochs=3
grep -o 'Epoch [0-9]*: .*' second
grep -o 'Loaded Stage one model.*' second
venv/bin/python - <<'PYTHON'
import mace.calculators  # it sets what torch.load needs for these files
import torch

first, second = (torch.load(name, weights_only=False).state_dict() for name in ('first.model', 'm.model'))
same = all(torch.equal(first[key], second[key]) for key in first)
print(f'the second model has the weights of the first: {same}')
assert same, 'the behaviour has changed'
PYTHON
