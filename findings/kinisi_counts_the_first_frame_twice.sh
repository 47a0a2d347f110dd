#!/usr/bin/env bash
# kinisi finds displacements over longer times than the trajectory lasts.
#
# One would expect: 50 frames hold 49 displacements over one step, 48 over two, and none over 50.
# What happens: at each interval one displacement too many is counted, from a frame before the first one that is equal to it. There
#   is a mean squared displacement over 50 steps (it is that over 49), that over one step is too small by 1/50, and as many samples
#   are assumed as there are frames.
# Whom it costs: who analyses short trajectories or coarse ones: the curve is too small by one part in the number of frames, and the
#   last points, which decide on whether it is a line, are shifted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'kinisi==2.1.0' 'ase==3.29.0' 'numpy==2.4.6'
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.metadata
import warnings

warnings.simplefilter('ignore')

import numpy as np
import scipp as sc
from ase import Atoms
from kinisi.analyze import DiffusionAnalyzer

FRAMES, IONS, BOX = 50, 64, 30.0
steps = np.random.default_rng(0).normal(0, 0.3, (FRAMES - 1, IONS, 3))
positions = np.concatenate([np.zeros((1, IONS, 3)), np.cumsum(steps, axis=0)])
frames = [Atoms(f'Li{IONS}', positions=frame % BOX, cell=[BOX] * 3, pbc=True) for frame in positions]
analyzer = DiffusionAnalyzer.from_ase(
    frames, specie='Li', time_step=1.0 * sc.Unit('fs'), step_skip=1 * sc.Unit('dimensionless'), progress=False
)
found, times = analyzer.msd.values, analyzer.dt.values
true = (steps**2).sum(axis=-1).mean()
print(f'kinisi {importlib.metadata.version("kinisi")}: {FRAMES} frames; longest interval {times[-1]:g} steps; mean squared '
      f'displacement over one step {found[0]:.6f} Å², by hand {true:.6f} Å², ratio {found[0] / true:.4f}')
assert times[-1] == FRAMES, 'the behaviour has changed'
assert abs(found[0] / true - (FRAMES - 1) / FRAMES) < 1e-6, 'the behaviour has changed'
PYTHON
