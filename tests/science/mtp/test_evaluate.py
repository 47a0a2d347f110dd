"""Tests for `science.mtp.evaluate`."""

from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.frames import Frames, FramesError
from aiida_seimlip.science.mtp.evaluate import Evaluator, chunks, evaluate, local_basis, site_energies
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.neighbours import neighbour_list

FIXTURES = Path(__file__).parents[2] / 'fixtures'
SHARED = FIXTURES / 'mlip3' / 'shared'
SPECIES = ('Li', 'C', 'O')


class TestRecordings:
    def test_calculate_efs(self):
        """Energies have 12 decimals in the recording, forces 6, virials 5."""
        potential = read_almtp(SHARED / 'l08_nbh_40.almtp', SPECIES)
        recorded = read_cfg(SHARED / '11_calculate_efs_out.cfg', SPECIES).frames
        frames = read_cfg(SHARED / 'valid2.cfg', SPECIES).frames
        result = evaluate(potential, frames)
        np.testing.assert_allclose(result.energies, recorded.energies, atol=1e-9)
        np.testing.assert_allclose(result.forces, recorded.forces, atol=6e-7)
        np.testing.assert_allclose(
            result.stresses * frames.volumes[:, None], recorded.stresses * frames.volumes[:, None], atol=6e-6
        )

    def test_lammps_pressure(self):
        """The stress of a monoclinic cell, as LAMMPS printed it in bar with MLIP-3's pair style."""
        potential = read_almtp(SHARED / 'l08_nbh_30.almtp', SPECIES)
        frame = read_cfg(FIXTURES / 'lammps' / '79_stress_check' / 'last.cfg', SPECIES).frames[0]
        result = evaluate(potential, frame)
        printed = [20023.282986, 71542.971192, -10452.777323, -17167.365127, -22606.506508, 2182.340882]
        assert result.energies[0] == pytest.approx(-1859.546783, abs=1e-3)
        np.testing.assert_allclose(-result.stresses[0] * 1.602176634e6, printed, atol=1.0)


def test_forces_differences(random_potential, mixed_frames):
    potential = random_potential(8)
    forces = evaluate(potential, mixed_frames).forces
    h = 1e-4
    for atom, axis in [(0, 0), (7, 2), (25, 1), (40, 0), (60, 2)]:
        energies = []
        for sign in (1, -1):
            positions = mixed_frames.positions.copy()
            positions[atom, axis] += sign * h
            energies.append(evaluate(potential, mixed_frames.replace(positions=positions)).energies)
        difference = -(energies[0] - energies[1]).sum() / (2 * h)
        assert forces[atom, axis] == pytest.approx(difference, abs=1e-6 * np.abs(forces).max())


def test_stress_differences(random_potential, mixed_frames):
    """Strain a monoclinic cell in each of the six ways of Voigt's notation."""
    potential = random_potential(8)
    frame = mixed_frames[0]
    stress = evaluate(potential, frame).stresses[0]
    h = 1e-5
    for component, (a, b) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[a, b] += 0.5 * sign * h
            strain[b, a] += 0.5 * sign * h
            strained = frame.replace(positions=frame.positions @ strain, cells=frame.cells @ strain)
            energies.append(evaluate(potential, strained).energies[0])
        difference = (energies[0] - energies[1]) / (2 * h) / frame.volumes[0]
        assert stress[component] == pytest.approx(difference, abs=1e-6 * np.abs(stress).max())


def test_stress_unknown(random_potential, mixed_frames):
    """A molecule and a slab have no volume, hence no stress."""
    known = np.isfinite(evaluate(random_potential(6), mixed_frames).stresses).all(axis=1)
    assert known.tolist() == [True, False, False, True]


def test_invariance(random_potential, mixed_frames):
    """Rotation, exchange of atoms and doubling of the cell change nothing that they should not."""
    potential = random_potential(10)
    frame = mixed_frames[0]
    result = evaluate(potential, frame)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    rotated = evaluate(potential, frame.replace(positions=frame.positions @ rotation, cells=frame.cells @ rotation))
    np.testing.assert_allclose(rotated.energies, result.energies, rtol=1e-12)
    np.testing.assert_allclose(rotated.forces, result.forces @ rotation, atol=1e-11 * np.abs(result.forces).max())
    order = np.random.default_rng(1).permutation(frame.numbers.size)
    exchanged = evaluate(potential, frame.replace(numbers=frame.numbers[order], positions=frame.positions[order]))
    np.testing.assert_allclose(exchanged.forces, result.forces[order], atol=1e-11 * np.abs(result.forces).max())
    doubled = evaluate(potential, Frames.from_atoms([frame.to_atoms()[0] * (2, 1, 1)]))
    assert doubled.energies[0] == pytest.approx(2 * result.energies[0], rel=1e-12)


def test_single_frames(random_potential, mixed_frames):
    """Frames that are evaluated together do not see each other."""
    potential = random_potential(8)
    together = evaluate(potential, mixed_frames)
    alone = Frames.concatenate([evaluate(potential, frame) for frame in mixed_frames])
    np.testing.assert_array_equal(together.energies, alone.energies)
    np.testing.assert_array_equal(together.forces, alone.forces)
    np.testing.assert_array_equal(together.stresses, alone.stresses)


def test_threads(random_potential, mixed_frames):
    potential = random_potential(8)
    frames = Frames.concatenate([mixed_frames] * 5)
    one, three = evaluate(potential, frames), evaluate(potential, frames, threads=3)
    np.testing.assert_array_equal(one.energies, three.energies)
    np.testing.assert_array_equal(one.forces, three.forces)


def test_isolated_atom(random_potential, mixed_frames):
    """The Li atom 30 Å away has the energy of its species, and no force."""
    potential = random_potential(8)
    energies = site_energies(potential, mixed_frames)
    forces = evaluate(potential, mixed_frames).forces
    atom = mixed_frames.ptr[2] - 1
    assert energies[atom] == potential.species_coeffs[0]
    assert not forces[atom].any()


def test_cutoff(random_potential, mixed_frames):
    """Neighbours beyond the cut-off, as in a list with a skin, are ignored."""
    potential = random_potential(8)
    evaluator = Evaluator(potential)
    wide = neighbour_list(mixed_frames.positions, mixed_frames.ptr, mixed_frames.cells, mixed_frames.pbc, 6.5)
    result = evaluator.compute(mixed_frames.types(SPECIES), wide, mixed_frames.frame_of_atom)
    expected = evaluator.compute_frames(mixed_frames)
    np.testing.assert_allclose(result.site_energies, expected.site_energies, rtol=1e-12)
    np.testing.assert_allclose(result.forces, expected.forces, atol=1e-11 * np.abs(expected.forces).max())


def test_single_species(monoclinic):
    """One species, and a level so low that there are no products: shapes shrink to their limits."""
    potential = untrained(6, ('Li',), min_dist=1.5)
    rng = np.random.default_rng(0)
    potential = potential.with_parameters(rng.normal(size=potential.n_parameters))
    lithium = Frames.from_atoms([monoclinic[monoclinic.numbers == 3]])
    assert np.isfinite(evaluate(potential, lithium).forces).all()


def test_local_basis(random_potential, mixed_frames):
    """Derivatives of each site energy by each parameter equal central differences."""
    potential = random_potential(8)
    frames = mixed_frames[:2]
    basis = local_basis(potential, frames)
    assert basis.shape == (frames.numbers.size, potential.n_parameters)
    parameters = potential.parameters
    h = 1e-5
    for p in range(0, parameters.size, 5):
        shift = h * (np.arange(parameters.size) == p)
        plus, minus = (site_energies(potential.with_parameters(parameters + sign * shift), frames) for sign in (1, -1))
        scale = np.abs(basis[:, p]).max() + np.abs(plus).max() * 1e-3
        np.testing.assert_allclose((plus - minus) / (2 * h), basis[:, p], atol=1e-7 * scale)


def test_columns(random_potential, mixed_frames):
    """`Evaluation.local` is the part of the local basis that is not always zero."""
    potential = random_potential(8)
    evaluator = Evaluator(potential)
    local = evaluator.compute_frames(mixed_frames, with_local=True).local
    assert local.shape == (mixed_frames.numbers.size, evaluator.n_local)
    full = local_basis(potential, mixed_frames)
    for atom, species in enumerate(mixed_frames.types(SPECIES)):
        columns = evaluator.columns(species)
        np.testing.assert_array_equal(full[atom, columns], local[atom])
        assert not np.delete(full[atom], columns).any()


def test_without_local(random_potential, mixed_frames):
    assert Evaluator(random_potential(6)).compute_frames(mixed_frames).local is None


def test_chunks(mixed_frames):
    """Chunks cover all frames in order, and none but single frames has too many atoms."""
    frames = Frames.concatenate([mixed_frames] * 3)
    parts = list(chunks(frames, 60))
    assert [index for part in parts for index in range(len(frames))[part]] == list(range(len(frames)))
    assert all(frames[part].numbers.size <= 60 or len(frames[part]) == 1 for part in parts)
    assert len(list(chunks(frames, 1))) == len(frames)


def test_empty(random_potential):
    result = evaluate(random_potential(6), Frames.empty())
    assert len(result) == 0
    assert result.energies.shape == (0,)
    assert result.stresses.shape == (0, 6)
    assert site_energies(random_potential(6), Frames.empty()).shape == (0,)


def test_untrained(mixed_frames):
    with pytest.raises(ValueError, match='not trained'):
        evaluate(untrained(6, SPECIES), mixed_frames)


def test_unknown_species(random_potential, monoclinic):
    atoms = monoclinic.copy()
    atoms.symbols[3] = 'F'
    with pytest.raises(FramesError, match='F not in the species list'):
        evaluate(random_potential(6), Frames.from_atoms([atoms]))
