"""Tests for `science.analysis.conductivity`."""

import dataclasses

import numpy as np
import pytest

from aiida_seimlip.science.analysis.conductivity import (
    A3_TO_M3,
    carrier_density,
    collective_conductivity,
    haven_ratio,
    nernst_einstein,
)
from aiida_seimlip.science.analysis.diffusion import DiffusionError, estimate_diffusion
from aiida_seimlip.science.structures.crystals import li2co3
from tests.science.analysis.walks import CELL_EDGE, as_track, convoy_walk, lattice_walk, vacancy_walk

VOLUME = CELL_EDGE**3


class TestCarriers:
    """Densities in Li *et al.*, Mater. Horiz. 2025, 12, 10770, doi:10.1039/D5MH01343G."""

    def test_one_interstitial_in_lithium_carbonate(self):
        cell = li2co3()
        small = cell.repeat((3, 5, 4))
        assert len(small) == 1440
        assert carrier_density(1, small.get_volume()) == pytest.approx(7.1e25, rel=0.01)
        large = cell.repeat((6, 6, 4))
        assert len(large) + 1 == 3457
        assert carrier_density(1, large.get_volume()) == pytest.approx(2.98e25, rel=0.01)

    def test_lithium_ethylene_dicarbonate(self):
        """A cell of 2688 atoms, 168 units Li2C4H4O6: all 336 lithium ions, and one interstitial."""
        volume = 336 / 1.18e28 / A3_TO_M3
        assert carrier_density(336, volume) == pytest.approx(1.18e28)
        assert carrier_density(1, volume) == pytest.approx(3.5e25, rel=0.01)
        grams_per_cm3 = 168 * 161.95 / 6.022e23 / (volume * 1e-24)
        assert grams_per_cm3 == pytest.approx(1.6, abs=0.1)

    def test_no_volume(self):
        with pytest.raises(ValueError, match='not positive'):
            carrier_density(1, 0.0)


class TestNernstEinstein:
    def test_by_hand(self):
        # 1e28 m⁻³ · (1.602177e-19 C)² · 1e-12 m²/s / (1.380649e-23 J/K · 300 K) = 0.06197 S/m
        assert nernst_einstein(1e-12, 1e28, 1.0, 300.0) == pytest.approx(0.061975, rel=1e-4)
        assert nernst_einstein(1e-12, 1e28, -2.0, 300.0) == pytest.approx(4 * 0.061975, rel=1e-4)

    def test_samples(self):
        np.testing.assert_allclose(
            nernst_einstein(np.array([1e-12, 2e-12]), 1e28, 1.0, 300.0), [0.061975, 0.12395], 1e-4
        )


class TestCollective:
    def test_independent_ions_conduct_as_nernst_and_einstein_say(self):
        track = lattice_walk(3000, 32, seed=3, chance=0.1)
        expected = nernst_einstein(0.1 * 9.0 / 6.0 * 1e-8, carrier_density(32, VOLUME), 1.0, 600.0)
        low, high = collective_conductivity(track, 1.0, 600.0, seed=1).interval
        assert low < expected < high < 3.0 * low

    def test_charge_and_temperature(self):
        track = vacancy_walk(3, 500, seed=0)
        one, other = (collective_conductivity(track, z, T, seed=1).mean for z, T in ((1.0, 300.0), (-2.0, 600.0)))
        assert other == pytest.approx(2.0 * one, rel=1e-6)

    def test_charges_by_species(self):
        """Pairs of a cation and an anion that travel together carry no current, but for their vibrations."""
        walk = lattice_walk(500, 8, seed=0).positions
        noise = np.random.default_rng(0).normal(scale=0.01, size=walk.shape)
        pairs = as_track(np.concatenate([walk, walk + noise], axis=1), symbols=('Li',) * 8 + ('F',) * 8)
        neutral = collective_conductivity(pairs, {'Li': 1.0, 'F': -1.0}, 600.0, seed=1)
        charged = collective_conductivity(pairs, {'Li': 1.0, 'F': 0.0}, 600.0, seed=1)
        assert neutral.mean < 1e-3 * charged.mean
        with pytest.raises(KeyError, match='F'):
            collective_conductivity(pairs, {'Li': 1.0}, 600.0, seed=1)

    def test_drift_carries_no_current(self):
        track = vacancy_walk(3, 500, seed=0)
        drift = np.linspace(0, 5, len(track))[:, np.newaxis] * np.ones(3)
        drifting = dataclasses.replace(track, positions=track.positions + drift[:, np.newaxis], framework=drift)
        one, other = (collective_conductivity(which, 1.0, 600.0, seed=1).mean for which in (track, drifting))
        assert other == pytest.approx(one, rel=1e-6)

    def test_same_seed_same_bits(self):
        track = vacancy_walk(3, 500, seed=0)
        one, other = (collective_conductivity(track, 1.0, 600.0, seed=4) for _ in range(2))
        np.testing.assert_array_equal(one.samples, other.samples)

    def test_coverage(self):
        """The current of a vacancy is a random walk: the 95 % interval holds the truth in 90 to 99 of 100 trials."""
        truth = nernst_einstein(1e-8 / 6.0, carrier_density(1, VOLUME), 1.0, 600.0)
        intervals = [
            collective_conductivity(vacancy_walk(2, 1000, seed), 1.0, 600.0, seed=seed).interval for seed in range(100)
        ]
        assert 90 <= sum(low < truth < high for low, high in intervals) <= 99

    def test_refuses(self):
        with pytest.raises(DiffusionError, match='49 frames'):
            collective_conductivity(vacancy_walk(2, 48, 0), 1.0, 300.0, seed=1)
        with pytest.raises(DiffusionError, match='No charge'):
            collective_conductivity(as_track(np.zeros((100, 3, 3))), 1.0, 300.0, seed=1)


class TestHaven:
    def test_independent_ions(self):
        low, high = haven_ratio(lattice_walk(3000, 16, seed=1, chance=0.1), seed=1).interval
        assert low < 1.0 < high < 3.0 * low

    def test_convoys(self):
        """Ions that always hop four at a time."""
        low, high = haven_ratio(convoy_walk(3000, 16, 4, seed=1), seed=1).interval
        assert low < 0.25 < high < 3.0 * low

    def test_vacancy(self):
        """One vacancy in a simple cubic lattice: H is the correlation factor 0.6531 (Montet, Phys. Rev. B 7, 650)."""
        ratios = [haven_ratio(vacancy_walk(4, 3000, seed), seed=seed) for seed in range(4)]
        mean = np.mean([ratio.median for ratio in ratios])
        error = np.sqrt(sum(ratio.std**2 for ratio in ratios)) / 4
        assert error < 0.12
        assert mean == pytest.approx(0.6531, abs=2.5 * error)

    def test_is_the_ratio_of_the_conductivities(self):
        track = lattice_walk(2000, 16, seed=1, chance=0.1)
        alone = nernst_einstein(estimate_diffusion(track, seed=1).D.mean, carrier_density(16, VOLUME), 2.0, 500.0)
        together = collective_conductivity(track, 2.0, 500.0, seed=1)
        assert haven_ratio(track, 2.0, seed=1).median == pytest.approx(alone / together.median, rel=0.05)
