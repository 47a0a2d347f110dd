"""Files that VASP writes: what `vasprun.xml` and `OUTCAR` say of atoms, steps, labels and the method."""
