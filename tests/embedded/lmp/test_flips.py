"""Cells that flow: LAMMPS changes the vectors of a cell that has been sheared far, and candidates must not notice."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.science.formats.lammps_data import from_lammps_frame
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.lammps_preselected import read_preselected, read_trace
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.grade import grade

from .conftest import POTENTIAL, SPECIES, md_script

N_STEPS = 60
TIMESTEP = 0.01
"""In fs: so short that nothing moves but with the cell."""
SHEAR = 1.4
"""Of the whole run, in cell lengths: the box flips on its way."""


@pytest.fixture
def sheared(lmp, li2co3):
    """Return a run in which the cell is sheared at a constant rate, from a cell that is not along LAMMPS' axes."""
    atoms = li2co3.copy()
    atoms.rotate(35.0, (1.0, 2.0, 3.0), rotate_cell=True)
    frame = Frames.from_atoms([atoms])
    script, rotation = md_script(
        lmp, frame, ensemble='nve', temperature=10.0, timestep=TIMESTEP, n_steps=N_STEPS, dump_every=1, thermo_every=1,
        threshold_save=0.0, threshold_break=1e12,
    )  # fmt: skip
    cell = frame.cells[0] @ rotation
    rate = SHEAR * cell[0, 0] / cell[2, 2] / (N_STEPS * TIMESTEP * 1e-3)
    fix = f'fix shear all deform 1 xz erate {rate:.8g} remap x'
    process = lmp.script(script.replace('fix dynamics all nve', f'fix dynamics all nve\n{fix}'))
    assert process.returncode == 0, process.stdout + process.stderr
    return lmp, atoms, rotation


def candidates_of(lmp):
    trace = read_trace((lmp.folder / 'trace.txt').read_text())
    content = {'preselected.cfg': (lmp.folder / 'preselected.cfg').read_bytes()}
    return read_preselected(content, SPECIES, trace).frames


def test_candidates_from_flipped_boxes(sheared):
    """Grades computed anew from what comes back are those that were saved, on both sides of a flip."""
    lmp, atoms, rotation = sheared
    saved = candidates_of(lmp)
    jumps = np.abs(np.diff(saved.cells[:, 2, 0]))
    assert (jumps > 4.0).sum() >= 1
    back = from_lammps_frame(saved, rotation, atoms.cell.array)
    np.testing.assert_allclose(grade(read_almtp(POTENTIAL, SPECIES), back).frame, saved.grades, rtol=1e-4)
    np.testing.assert_allclose(back.volumes, atoms.get_volume(), rtol=1e-6)
    assert saved.origin_steps.tolist() == list(range(N_STEPS + 1))


def test_trajectory_through_flips(sheared):
    """Positions run on without jumps, and the lattice is that of LAMMPS in every frame."""
    lmp, atoms, rotation = sheared
    frames = read_dump(lmp.folder / 'trajectory.dump', SPECIES).frames
    back = from_lammps_frame(frames, rotation, atoms.cell.array)
    whole = (back.cells @ rotation) @ np.linalg.inv(frames.cells)
    np.testing.assert_allclose(whole, np.rint(whole), atol=1e-6)
    steps = np.diff(back.positions.reshape(len(back), -1, 3), axis=0)
    assert np.linalg.norm(steps, axis=2).max() < 1.0
