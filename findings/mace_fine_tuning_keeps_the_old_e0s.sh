#!/usr/bin/env bash
# Fine-tuning of MACE says which atomic energies it uses, and uses others.
#
# One would expect: the energies of isolated atoms that `--E0s` gives, as they differ from one functional to the next, are
#   those of the fine-tuned model.
# What happens: the log says `Atomic Energies used ... {29: -100.0, 79: -200.0}`, but where the elements are those of the
#   foundation model, the model file keeps its E0s, and the first error is that with `--E0s=foundation`, to all digits.
#   Exit code 0.
# Whom it costs: who fine-tunes a foundation model on labels of another functional or other pseudopotentials: the whole
#   shift has to be learned by the network. (Shift the labels by the difference instead.)
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

train foundation --name=foundation "${small[@]}" --E0s="$E0s" --max_num_epochs=10
train asked --name=asked --foundation_model=foundation.model --multiheads_finetuning=False --max_num_epochs=1 \
    --E0s='{29: -100.0, 79: -200.0}'
train kept --name=kept --foundation_model=foundation.model --multiheads_finetuning=False --max_num_epochs=1 \
    --E0s=foundation
grep -o 'Atomic Energies used.*' asked
for name in asked kept; do echo "E0s $name: $(grep -o 'Initial: .*' "$name")"; done
venv/bin/python - <<'PYTHON'
import mace.calculators  # it sets what torch.load needs for these files
import torch

energies = torch.load('asked.model', weights_only=False).atomic_energies_fn.atomic_energies
print(f'in the model file: {energies.tolist()}')
assert energies.flatten().tolist() == [3.51, 3.80], 'the behaviour has changed'
PYTHON
[ "$(grep -o 'Initial: .*' asked)" = "$(grep -o 'Initial: .*' kept)" ] || { echo 'the behaviour has changed'; exit 1; }
