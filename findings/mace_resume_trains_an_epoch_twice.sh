#!/usr/bin/env bash
# A training of MACE that goes on trains the last epoch again, and forgets the best one.
#
# One would expect: 12 epochs, then two more with `--restart_latest --max_num_epochs=14`: epochs 12 and 13, from the best
#   loss so far.
# What happens: the epoch of the checkpoint, 11, is trained a second time on the weights that have had it. The best loss
#   begins at infinity again, so the first epoch overwrites the checkpoint that it came from even where it is worse, and a
#   resumed training can return a worse model than it was given.
# Whom it costs: who trains over several jobs: learning curves with an epoch twice, and now and then a model that got
#   worse. (Copy the checkpoint first, and compare.)
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

train first --name=m "${small[@]}" --E0s="$E0s" --max_num_epochs=12 --lr=0.05
kept=$(ls checkpoints/*epoch*.pt | grep -o 'epoch-[0-9]*')
train second --name=m "${small[@]}" --E0s="$E0s" --max_num_epochs=14 --lr=0.05 --restart_latest
echo "checkpoint of the first training: $kept"
grep -oE 'Loading checkpoint.*|Initial: .*|Epoch [0-9]+: .*' second | head -n 5
grep -q "Epoch ${kept#epoch-}: " second || { echo 'the behaviour has changed'; exit 1; }
