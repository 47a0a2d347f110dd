from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.potential import ActiveSet, MomentTensorPotential


@pytest.fixture
def potential() -> MomentTensorPotential:
    potential = untrained(10, ['Li', 'O'])
    return potential.with_parameters(np.random.default_rng(0).normal(size=potential.n_parameters))


@pytest.fixture
def active_set() -> ActiveSet:
    return ActiveSet(np.eye(2), np.eye(2), np.full((2, 2), -1), Frames.empty(), {'site_en_weight': 1.0})


@pytest.mark.parametrize('level', (6, 8, 12, 16))
def test_level(level):
    assert untrained(level, ['Li']).level == level


def test_numbers(potential):
    assert potential.n_species == 2
    assert potential.n_moments == 16
    assert potential.n_parameters == 4 * 3 * 8 + 2 + 16 == potential.parameters.size


def test_parameters_survive_a_round_trip(potential):
    parameters = np.arange(potential.n_parameters, dtype=float)
    changed = potential.with_parameters(parameters)
    np.testing.assert_array_equal(changed.parameters, parameters)


def test_parameters_are_radial_species_and_moments(potential):
    changed = potential.with_parameters(np.arange(potential.n_parameters, dtype=float))
    assert changed.radial_coeffs.shape == (2, 2, 3, 8)
    assert changed.radial_coeffs[1, 0, 2, 7] == 2 * 24 + 23
    np.testing.assert_array_equal(changed.species_coeffs, [96, 97])
    np.testing.assert_array_equal(changed.moment_coeffs, np.arange(98, 114))


def test_with_parameters_copies(potential):
    parameters = np.zeros(potential.n_parameters)
    changed = potential.with_parameters(parameters)
    parameters[:] = 1.0
    assert not changed.parameters.any()
    assert potential.parameters.any()


def test_with_parameters_drops_the_active_set(potential, active_set):
    assert potential.replace(active_set=active_set).with_parameters(potential.parameters).active_set is None


@pytest.mark.parametrize('change', (-1, 1))
def test_wrong_number_of_parameters(potential, change):
    with pytest.raises(ValueError, match='parameters'):
        potential.with_parameters(np.zeros(potential.n_parameters + change))


@pytest.mark.parametrize('missing', ('radial_coeffs', 'species_coeffs', 'moment_coeffs'))
def test_is_trained_only_with_all_coefficients(potential, missing):
    assert potential.is_trained
    incomplete = potential.replace(**{missing: None})
    assert not incomplete.is_trained
    with pytest.raises(ValueError, match='not trained'):
        _ = incomplete.parameters


def test_mode_of_active_set(active_set):
    assert active_set.mode == 'nbh'
    assert ActiveSet(np.eye(2), np.eye(2), np.full((2, 2), -1), Frames.empty(), {'energy_weight': 1.0}).mode == 'cfg'
