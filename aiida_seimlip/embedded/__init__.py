"""Programs for a laptop that has no build of MLIP-3 or of LAMMPS with an MTP pair style."""
