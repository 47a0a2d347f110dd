"""Energies, forces and cells along runs."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.science.formats.lammps_data import from_lammps_frame, to_lammps_frame
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade

from .conftest import (
    POTENTIAL,
    SPECIES,
    md,
    rattled,
)

TILTED = np.array([[1, 0, 0], [2, 1, 0], [-3, 2, 1]])
SWAPPED = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize('lattice', [TILTED, SWAPPED], ids=['strongly tilted', 'left-handed'])
def test_any_cell(lmp, li2co3, lattice):
    """Other vectors of the same lattice: energy, forces, cell come back in the original orientation."""
    atoms = li2co3.copy()
    atoms.rattle(0.03, seed=3)
    atoms.set_cell(lattice @ atoms.cell.array, scale_atoms=False)
    frame = Frames.from_atoms([atoms])
    process, rotation = md(lmp, frame, n_steps=0, dump_every=1, with_grades=False)
    assert process.returncode == 0, process.stdout
    back = from_lammps_frame(read_dump(lmp.folder / 'trajectory.dump', SPECIES).frames, rotation, frame.cells[0])
    expected = evaluate(read_almtp(POTENTIAL, SPECIES), frame)
    assert lmp.log.thermo['PotEng'] == pytest.approx(expected.energies, abs=1e-8)
    np.testing.assert_allclose(back.positions, frame.positions, atol=1e-8)
    np.testing.assert_allclose(back.cells, frame.cells, atol=1e-12)
    np.testing.assert_allclose(back.forces, expected.forces, atol=1e-8)


@pytest.mark.parametrize('ensemble', ['nve', 'npt_iso', 'npt_tri'])
def test_every_frame_is_what_the_potential_says(lmp, li2co3, ensemble):
    """Energies and forces along a run equal an evaluation from scratch, also while the cell changes its shape."""
    atoms = rattled(li2co3).to_atoms()[0]
    atoms.set_cell(TILTED @ atoms.cell.array, scale_atoms=False)  # more than LAMMPS' barostat takes
    process, rotation = md(
        lmp, Frames.from_atoms([atoms]), ensemble=ensemble, n_steps=60, dump_every=10, thermo_every=10,
        barostat_damping=60.0, threshold_save=1e5, threshold_break=1e6,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    frames = read_dump(lmp.folder / 'trajectory.dump', SPECIES).frames
    assert frames.origin_steps.tolist() == list(range(0, 61, 10))
    expected = evaluate(read_almtp(POTENTIAL, SPECIES), frames)
    np.testing.assert_allclose(lmp.log.at_steps('PotEng', frames.origin_steps), expected.energies, atol=1e-6)
    np.testing.assert_allclose(frames.forces, expected.forces, atol=1e-6)
    cells = from_lammps_frame(frames, rotation, atoms.cell.array).cells
    np.testing.assert_allclose(cells[0], atoms.cell.array, atol=1e-10)
    change = np.ptp(np.linalg.inv(cells[0]) @ cells, axis=0)
    assert (change.max() > 1e-3) == (ensemble != 'nve')
    assert change.max() < 0.2


def test_energy_is_conserved(lmp, li2co3):
    process, _ = md(lmp, rattled(li2co3), ensemble='nve', temperature=20.0, n_steps=200, with_grades=False)
    assert process.returncode == 0
    total = lmp.log.thermo['TotEng']
    assert np.ptp(lmp.log.thermo['KinEng']) > 50 * np.ptp(total)


def test_extrapolation_control_changes_no_force(lmp, li2co3):
    trajectories = []
    for with_grades in (True, False):
        md(lmp, rattled(li2co3), n_steps=30, dump_every=10, with_grades=with_grades, threshold_break=1e6)
        trajectories.append((lmp.folder / 'trajectory.dump').read_bytes())
    assert trajectories[0] == trajectories[1]


def test_restart_goes_on_where_it_ended(lmp, li2co3):
    """Positions and velocities of the last step are enough, in any orientation of the cell."""
    turn = np.array([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0], [0.0, 0.8, -0.6]])
    start = to_lammps_frame(rattled(li2co3), turn)
    common = {'ensemble': 'nve', 'with_grades': False, 'dump_every': 40}
    _, rotation = md(lmp, start, n_steps=40, **common)
    whole = from_lammps_frame(read_dump(lmp.folder / 'final.dump', SPECIES).frames, rotation)
    md(lmp, start, n_steps=20, **common)
    half = from_lammps_frame(read_dump(lmp.folder / 'final.dump', SPECIES).frames, rotation)
    _, rotation = md(lmp, half, n_steps=20, create_velocities=False, first_step=20, **common)
    again = from_lammps_frame(read_dump(lmp.folder / 'final.dump', SPECIES).frames, rotation)
    assert again.origin_steps.tolist() == whole.origin_steps.tolist() == [40]
    np.testing.assert_allclose(again.positions, whole.positions, atol=1e-6)
    np.testing.assert_allclose(again.velocities, whole.velocities, atol=1e-6)


def test_saved_frames_have_the_grades_of_the_potential(lmp, li2co3):
    process, _ = md(lmp, rattled(li2co3), temperature=1500.0, n_steps=200, threshold_save=1.5, threshold_break=4.0)
    assert process.returncode == 9, process.stdout + process.stderr
    saved = read_cfg(lmp.folder / 'preselected.cfg', SPECIES)
    expected = grade(read_almtp(POTENTIAL, SPECIES), saved.frames)
    np.testing.assert_allclose(saved.frames.grades, expected.frame, rtol=1e-6)
    np.testing.assert_allclose(saved.nbh_grades, expected.atom, rtol=1e-5, atol=1e-8)
    assert np.all(saved.frames.grades[:-1] <= 4.0) and saved.frames.grades[-1] > 4.0


def test_threads(lmp, li2co3):
    """Positions, forces, grades and thermodynamic output are the same to the last printed digit."""
    frame = rattled(li2co3 * (1, 2, 1))
    outputs = []
    for threads in ('1', '3'):
        lmp.environment['OMP_NUM_THREADS'] = threads
        process, _ = md(
            lmp, frame, ensemble='npt_tri', n_steps=40, dump_every=10, thermo_every=10,
            threshold_save=1e5, threshold_break=1e6,
        )  # fmt: skip
        assert process.returncode == 0, process.stdout + process.stderr
        outputs.append(((lmp.folder / 'trajectory.dump').read_text(), lmp.log.thermo))
    assert outputs[0][0] == outputs[1][0]
    for name, values in outputs[0][1].items():
        np.testing.assert_array_equal(values, outputs[1][1][name], err_msg=name)
