#!/usr/bin/env bash
# The plugin of AiiDA for Quantum ESPRESSO has energies in another electronvolt than Quantum ESPRESSO.
#
# One would expect: `qe_tools.CONSTANTS`, which "defines what QE understands as for an eV" and by which aiida-quantumespresso converts all
#   it reads, has the Hartree of pw.x. Since version 6.6 that is 4.3597447222071e-18 J (CODATA 2018, Modules/constants.f90),
#   27.211386245988 eV.
# What happens: `ha_si` is this number, `hartree_to_ev` and `ry_to_ev` are those of CODATA 2006, in the same table. All energies are
#   off by 1.0e-7 of themselves: of the total energy, and that is mostly the cores.
# Whom it costs: who puts energies from the plugin beside energies read from pw.x's files with today's constants, as in one training set:
#   they differ by up to a meV per atom where there are semicore electrons, more than two runs of pw.x do. (ASE's reader takes those of
#   2006 unless told otherwise, for this reason or the same.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'qe-tools==2.3.0' 'numpy==2.4.6' 'scipy==1.16.3'
cd "$folder"
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from qe_tools import CONSTANTS

ELEMENTARY_CHARGE = 1.602176634e-19  # exact, since 2019
own, used = CONSTANTS.ha_si / ELEMENTARY_CHARGE, CONSTANTS.hartree_to_ev
etot = -31.77077159  # of data-file-schema.xml, Hartree: two atoms of LiF, pw.x 6.7
print(f'qe-tools {version("qe-tools")}: ha_si is {own:.9f} eV, hartree_to_ev is {used:.9f} eV ({used / own - 1:+.2e}); '
      f'LiF: {etot * own:.6f} and {etot * used:.6f} eV')
assert abs(own - 27.211386245988) < 1e-10, 'the behaviour has changed: another Hartree of pw.x'
assert abs(used - 27.2113834506) < 1e-9, 'the behaviour has changed'
PYTHON
