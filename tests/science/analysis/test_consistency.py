"""Forces and stress against differences of energies, and how numbers disagree."""

import numpy as np
import pytest
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from aiida_seimlip.science.analysis.consistency import explain_difference, find_differences, plan_differences
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.alloy import ALLOY_SPECIES, alloy, label_alloy
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA


def label(frames, calculator):
    images = frames.to_atoms()
    for image in images:
        image.calc = calculator()
        image.get_stress()
    return Frames.from_atoms(images)


@pytest.fixture(scope='module')
def plan():
    return plan_differences(alloy(3, n_cells=1), n_directions=3)


@pytest.mark.parametrize('calculator', [EMT, lambda: LennardJones(sigma=2.5, epsilon=0.2, rc=7.0, smooth=True)])
def test_sound_calculator(plan, calculator):
    found = find_differences(plan, label(plan.frames, calculator))
    np.testing.assert_allclose(found.forces, found.finite_forces, atol=5e-3)
    np.testing.assert_allclose(found.stress, found.finite_stress, atol=0.05 / EV_PER_A3_TO_GPA)
    assert np.abs(found.forces).max() > 0.1
    assert np.abs(found.stress).max() * EV_PER_A3_TO_GPA > 1.0
    assert abs(found.extensivity) < 1e-12


def test_frames_of_the_plan(plan):
    assert len(plan.frames) == 1 + 2 * 3 + 2 * 6 + 1
    assert plan.frames.sizes.tolist() == [4] * 19 + [8]
    np.testing.assert_allclose(np.linalg.norm(plan.directions, axis=(1, 2)), 1.0)
    np.testing.assert_allclose(plan.directions.sum(axis=1), 0.0, atol=1e-12)
    moved = plan.frames[1].positions - plan.frames[0].positions
    assert np.sqrt((moved**2).sum(axis=1).mean()) == pytest.approx(0.01)


def test_energy_of_the_wrong_kind_is_seen(plan):
    """An energy that lags behind the forces, as one with electronic entropy does."""
    labelled = label(plan.frames, EMT)
    spoiled = labelled.replace(energies=0.9 * labelled.energies)
    found = find_differences(plan, spoiled)
    assert np.abs(found.forces - found.finite_forces).max() > 0.02
    assert 'are 1.1' in explain_difference(found.forces, found.finite_forces, 0.05)


def test_energy_that_is_not_extensive(plan):
    labelled = label(plan.frames, EMT)
    found = find_differences(plan, labelled.replace(energies=labelled.energies + 0.4))
    assert found.extensivity == pytest.approx(-0.4 / 8)


def test_missing_stress(plan):
    assert find_differences(plan, label(plan.frames, EMT).replace(stresses=None)).stress is None


def test_missing_frames(plan):
    with pytest.raises(ValueError, match='There are labels for 5 of 20 frames'):
        find_differences(plan, label(plan.frames, EMT)[:5])


EXPECTED = np.array([1.0, 2.0, -3.0, 0.5, 0.25, -0.125])


@pytest.mark.parametrize(
    ('found', 'explanation'),
    [
        (-EXPECTED, 'have the wrong sign'),
        (160.2177 * EXPECTED, 'are 160 times what they should be'),
        (EXPECTED[[0, 1, 2, 5, 4, 3]], 'come in another order of components'),
        (EXPECTED + 1.0, 'follow no simple rule'),
        (np.zeros(6), 'follow no simple rule'),
    ],
)
def test_explanation_of_stress(found, explanation):
    assert explain_difference(found, EXPECTED) == explanation


def test_explanation_of_forces():
    forces = np.random.default_rng(1).normal(size=(8, 3))
    assert explain_difference(forces[::-1], forces).startswith('belong to other atoms')
    assert explain_difference(forces + 0.5, forces) == 'follow no simple rule'


def test_alloy_has_no_symmetry_and_all_species():
    frames = label_alloy([alloy(1), alloy(1), alloy(2)])
    assert frames.hashes()[0] == frames.hashes()[1] != frames.hashes()[2]
    assert set(frames.elements) == set(ALLOY_SPECIES)
    assert sorted(ALLOY_SPECIES) != list(ALLOY_SPECIES)
    assert list(frames.elements) != list(ALLOY_SPECIES), 'not in the order of atomic numbers either'
    assert frames.is_labelled
    assert np.abs(frames.stresses).min() > 1e-4
    assert set(Frames.from_atoms([alloy(1, species=('Cu', 'Ag'))]).elements) == {'Cu', 'Ag'}
