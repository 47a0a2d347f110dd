#!/usr/bin/env bash
# ASE's LangevinBAOAB with a free cell turns velocities along x into velocities along y and z.
#
# One would expect: the drag of a free cell on the velocities is p_eps / W + trace(p_eps) / (N_f W) times the identity (Quigley and Probert,
#   J. Chem. Phys. 120, 11432, eq. 5b, which the code cites). What is a mirror image of itself at the start stays so: a cube whose atoms
#   all move along x gets no velocity along y.
# What happens: the trace, a number, is added to all nine elements of the matrix. Each component of a velocity is mixed into the two
#   others, with a sign that depends on how the axes are laid, and the cell is sheared in turn. With `hydrostatic=True` all is right.
# Whom it costs: who runs crystals or amorphous cells under a pressure with a cell of free shape. The error goes with
#   1 / N_f and the rate at which the volume changes: small cells, and the time in which a cell finds its density.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'ase==3.29.0' 'numpy==2.4.6' 'scipy==1.16.3'
cd "$folder"
venv/bin/python - <<'PYTHON'
import warnings

import ase
import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md.langevinbaoab import LangevinBAOAB

warnings.simplefilter('ignore', DeprecationWarning)


class OnTheDiagonal(LangevinBAOAB):
    def _barostat_BAOAB_OU_gamma_mod(self):
        return (self.p_eps + np.trace(self.p_eps) / self.Ndof * np.identity(3)) / self.barostat_mass


def run(kind):
    atoms = bulk('Al', a=4.2, cubic=True)  # somewhat too large
    atoms.calc = EMT()
    atoms.set_velocities([[0.06, 0, 0], [-0.06, 0, 0], [0.02, 0, 0], [-0.02, 0, 0]])
    dynamics = kind(atoms, 1 * units.fs, externalstress=0.0, P_mass=300, P_tau=100 * units.fs)  # NPH: nothing is random
    for _ in range(200):
        dynamics.step()
    across = np.abs(atoms.get_velocities()[:, 1:]).max()
    shear = np.abs(atoms.cell.angles() - 90).max()
    print(f'{kind.__name__}: after 200 steps velocities along y or z up to {across:.1e} of {np.abs(atoms.get_velocities()).max():.1e}, '
          f'angles up to {shear:.1e}° from 90°')
    return across, shear


print(f'ase {ase.__version__}, 4 atoms of Al in a cube that all move along x:')
as_it_is, on_the_diagonal = run(LangevinBAOAB), run(OnTheDiagonal)
assert max(on_the_diagonal) < 1e-9, 'the state at the start is not symmetric'
assert as_it_is[0] > 1e-4 and as_it_is[1] > 1e-4, 'the behaviour has changed'
PYTHON
