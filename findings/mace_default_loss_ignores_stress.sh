#!/usr/bin/env bash
# MACE trains without the stresses that it is given a weight for.
#
# One would expect: with stresses in the frames, `--compute_stress=True` and `--stress_weight=1000`, stresses are learned,
#   or a word is said.
# What happens: the default loss, `weighted`, knows energies and forces only: any stress weight gives the same model to
#   the last digit, the log counts all stresses as read, and its error is `RMSE_stress=None`. It takes `--loss=stress` (or
#   `universal`, ...).
# Whom it costs: who wants pressures, cells or elastic constants from a model that has never seen a stress.
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

for weight in 0 1000; do
    mkdir "$weight"
    (cd "$weight" && ln -s ../venv ../*.extxyz . && train out --name=m "${small[@]}" --E0s="$E0s" --max_num_epochs=4 \
        --compute_stress=True --error_table=PerAtomRMSEstressvirials --stress_weight="$weight")
    grep -o 'Total Training set.*stress: [0-9]*' "$weight/out"
    echo "stress weight $weight: $(grep -o 'Epoch 3: .*' "$weight/out")"
done
[ "$(grep -o 'Epoch 3: .*' 0/out)" = "$(grep -o 'Epoch 3: .*' 1000/out)" ] || { echo 'the behaviour has changed'; exit 1; }
