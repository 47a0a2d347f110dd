#!/usr/bin/env bash
# MACE says that it loads a damaged checkpoint, and begins from scratch.
#
# One would expect: `--restart_latest` with a checkpoint that cannot be read, as of a disk that was full, ends with an
#   error.
# What happens: the log says `Loading checkpoint: ...`, no warning follows, and the training begins at epoch 0 with random
#   weights; exit code 0. The same handler swallows a checkpoint of another architecture.
# Whom it costs: who goes on with a training of days after the wall time: it is lost, and the log says the opposite.
#   (Compare the first `Initial:` with the last loss before.)
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
checkpoint=$(ls checkpoints/*epoch*.pt)
head -c 5000 "$checkpoint" >half && mv half "$checkpoint"
train second --name=m "${small[@]}" --E0s="$E0s" --max_num_epochs=13 --restart_latest
echo 'the first training:' && grep -oE 'Initial: .*|Epoch (0|11): .*' first
echo 'gone on from half of its checkpoint:' && grep -oE 'Loading checkpoint.*|Initial: .*|Epoch 0: .*' second | head -n 3
[ "$(grep -o 'Epoch 0: .*' first)" = "$(grep -o 'Epoch 0: .*' second)" ] || { echo 'the behaviour has changed'; exit 1; }
