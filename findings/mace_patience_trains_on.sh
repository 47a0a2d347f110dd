#!/usr/bin/env bash
# MACE says that it stops after some epochs without improvement, and trains on.
#
# One would expect: `--patience=3` ends the training after three epochs without improvement, as its help says.
# What happens: the log says `Stopping optimization after 3 epochs without improvement`, then after 4, 5, ..., and all
#   epochs that `--max_num_epochs` allows are trained. Only a training over several processes leaves the loop.
# Whom it costs: who sets a large number of epochs and relies on patience: the whole wall time, each time. (Watch the log
#   and stop it from outside.)
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

train out --name=m "${small[@]}" --E0s="$E0s" --lr=0.5 --max_num_epochs=40 --patience=3
grep -o 'Stopping optimization.*' out | head -n 2
epochs=$(grep -c ': Epoch [0-9]*:' out)
echo "$epochs epochs were trained; exit code 0"
[ "$epochs" = 40 ] && grep -q 'Stopping optimization after 4 epochs' out || { echo 'the behaviour has changed'; exit 1; }
