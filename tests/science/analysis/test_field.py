"""Drift, mobility and current of random walks whose drift is known."""

import dataclasses

import numpy as np
import pytest
from ase import units

from aiida_seimlip.science.analysis.field import compare_with_einstein, estimate_current, estimate_drift
from aiida_seimlip.science.analysis.field_velocities import FieldError, take_ions
from tests.science.analysis.walks import CELL_EDGE, as_track

FIELD = np.array([0.0, 0.03, 0.04])
DIRECTION = FIELD / 0.05
TEMPERATURE = 600.0


def biased_walk(seed, *, drift=0.01, n_frames=501, n_ions=10, interval=1.0, memory=0.0):
    """Return a track with a drift along the field in Å per frame, and steps that remember the one before."""
    random = np.random.default_rng(seed)
    kicks = random.normal(0.0, 0.3, (n_frames, n_ions, 3))
    for frame in range(1, n_frames) if memory else ():
        kicks[frame] = memory * kicks[frame - 1] + np.sqrt(1.0 - memory**2) * kicks[frame]
    return as_track(np.cumsum(kicks + drift * DIRECTION, axis=0), interval=interval)


def hopping(seed, bias, *, n_frames=2001, n_ions=50, chance=0.02, hop=2.5):
    """Return a track of ions that hop along z, with rates chance · exp(±bias) each way."""
    random = np.random.default_rng(seed)
    draws = random.random((n_frames, n_ions))
    forward, backward = chance * np.exp(bias), chance * np.exp(-bias)
    steps = np.zeros((n_frames, n_ions, 3))
    steps[..., 2] = hop * ((draws < forward).astype(float) - (draws > 1.0 - backward))
    return as_track(np.cumsum(steps, axis=0))


def hits(tracks_of, drift, n_seeds=100):
    intervals = [estimate_drift(tracks_of(seed), FIELD).along_angstrom_per_ps.interval for seed in range(n_seeds)]
    return sum(low <= drift <= high for low, high in intervals)


def test_coverage_of_one_run():
    assert 89 <= hits(biased_walk, 0.01) <= 100


def test_coverage_of_replicas():
    assert 89 <= hits(lambda seed: [biased_walk(10 * seed + run, n_frames=201) for run in range(3)], 0.01) <= 100


def test_coverage_of_ions_that_remember():
    """Steps that remember 0.9 of one another forget within half a block, which are then joined or not."""
    assert hits(lambda seed: biased_walk(seed, memory=0.9), 0.01) >= 87


def test_error_is_that_of_the_walk():
    found = [estimate_drift(biased_walk(seed), FIELD).along_angstrom_per_ps.std_error for seed in range(30)]
    assert np.mean(found) == pytest.approx(0.3 / np.sqrt(500 * 10), rel=0.1)


def test_ions_that_move_together_are_one():
    walk = biased_walk(0, n_ions=1)
    together = as_track(np.repeat(walk.positions, 16, axis=1))
    alone, all_ions = (estimate_drift(track, FIELD).along_angstrom_per_ps for track in (walk, together))
    assert all_ions.std_error == pytest.approx(alone.std_error)


def test_axes_and_block_length():
    steady = as_track(np.arange(101.0)[:, None, None] * np.array([[[0.1, -0.2, 0.3]]]), interval=0.5)
    found = estimate_drift(steady, FIELD, n_blocks=10)
    assert [axis.value for axis in found.axes_angstrom_per_ps] == pytest.approx([0.2, -0.4, 0.6])
    assert found.along_angstrom_per_ps.value == pytest.approx(-0.4 * 0.6 + 0.6 * 0.8)
    assert found.block_ps == pytest.approx(5.0)
    assert found.duration_ps == pytest.approx(50.0)


def test_units_of_mobility():
    """1 Å/ps is 100 m/s, 0.05 V/Å is 5e8 V/m: 2e-7 m²/(V s)."""
    found = estimate_drift(biased_walk(0, drift=1.0, interval=1.0), FIELD)
    expected = found.along_angstrom_per_ps.value * 100.0 / 5e8 * 1e4
    assert found.mobility_cm2_per_v_s.value == pytest.approx(expected)
    assert found.mobility_angstrom2_per_v_ps.value == pytest.approx(found.along_angstrom_per_ps.value / 0.05)


def test_mobility_has_the_sign_of_the_charge():
    assert estimate_drift(biased_walk(0, drift=-0.5), FIELD).mobility_angstrom2_per_v_ps.value < 0.0


def test_einstein_at_low_field():
    bias, hop, chance = 0.05, 2.5, 0.02
    kT = units.kB * TEMPERATURE
    field = [0.0, 0.0, 2.0 * kT * bias / hop]
    drift = estimate_drift([hopping(seed, bias) for seed in range(16)], field)
    found = compare_with_einstein(
        drift, charge_e=1.0, D_m2_per_s=chance * hop**2 * 1e-8, D_std_m2_per_s=0.0, temperature_kelvin=TEMPERATURE,
        hop_length_angstrom=hop,
    )  # fmt: skip
    assert found.ratio_std_error < 0.15
    assert found.ratio == pytest.approx(1.0, abs=3.0 * found.ratio_std_error)
    assert found.hop_energy_ratio == pytest.approx(bias)
    assert not found.doubts


def test_einstein_at_high_field():
    bias, hop, chance = 1.5, 2.5, 0.02
    field = [0.0, 0.0, 2.0 * units.kB * TEMPERATURE * bias / hop]
    found = compare_with_einstein(
        estimate_drift(hopping(1, bias), field), charge_e=1.0, D_m2_per_s=chance * hop**2 * 1e-8, D_std_m2_per_s=0.0,
        temperature_kelvin=TEMPERATURE, hop_length_angstrom=hop,
    )  # fmt: skip
    assert found.nonlinearity == pytest.approx(np.sinh(1.5) / 1.5)
    assert found.ratio == pytest.approx(found.nonlinearity, abs=3.0 * found.ratio_std_error)
    assert 'gives 3.0 kT' in found.doubts[0]


def test_error_of_the_ratio():
    drift = estimate_drift(biased_walk(0, drift=0.1), FIELD)
    exact, vague = (
        compare_with_einstein(drift, charge_e=1, D_m2_per_s=1e-9, D_std_m2_per_s=std, temperature_kelvin=600.0)
        for std in (0.0, 3e-10)
    )
    relative = drift.along_angstrom_per_ps.std_error / drift.along_angstrom_per_ps.value
    assert exact.ratio_std_error / exact.ratio == pytest.approx(relative)
    assert vague.ratio_std_error / vague.ratio == pytest.approx(np.hypot(relative, 0.3))
    assert vague.expected_std_error_angstrom2_per_v_ps == pytest.approx(0.3 * vague.expected_angstrom2_per_v_ps)


def test_negative_charge_gives_a_positive_ratio():
    drift = estimate_drift(biased_walk(0, drift=-0.1), FIELD)
    found = compare_with_einstein(drift, charge_e=-1.0, D_m2_per_s=1e-9, D_std_m2_per_s=0.0, temperature_kelvin=600.0)
    assert found.ratio > 0.0


def test_current():
    """Two kinds of ions: j = Σ q v / V, σ = j / E, in SI units."""
    charges = np.repeat([1.0, -0.5], 5)
    speeds = np.repeat([0.2, -0.1], 5)
    positions = np.arange(101.0)[:, None, None] * speeds[:, None] * DIRECTION
    track = as_track(positions, symbols=('Li',) * 5 + ('F',) * 5)
    found = estimate_current(track, {'Li': 1.0, 'F': -0.5}, FIELD)
    total = float(charges @ speeds)
    assert found.density_e_per_angstrom2_ps.value == pytest.approx(total / CELL_EDGE**3)
    expected = total * 1.602176634e-19 * 100.0 / (CELL_EDGE * 1e-10) ** 3
    assert found.density_a_per_m2.value == pytest.approx(expected)
    assert found.conductivity_s_per_m.value == pytest.approx(expected / 5e8)
    assert found.net_charge_e == pytest.approx(2.5)
    per_ion = estimate_current(track, charges, FIELD, volume_angstrom3=100.0)
    assert per_ion.density_e_per_angstrom2_ps.value == pytest.approx(total / 100.0)


def test_current_without_field():
    found = estimate_current(biased_walk(0), 1.0, [0.0, 0.0, 0.0], direction=[0.0, 0.0, 2.0])
    assert found.conductivity_s_per_m is None


def test_framework():
    walk = biased_walk(0, drift=0.0)
    moving = np.arange(501)[:, None] * np.array([0.0, 0.0, 0.5])
    track = dataclasses.replace(walk, positions=walk.positions + moving[:, None], framework=moving)
    here, there = (
        estimate_drift(track, [0, 0, 0.1], relative_to=frame).along_angstrom_per_ps
        for frame in ('framework', 'laboratory')
    )
    assert here.value == pytest.approx(estimate_drift(walk, [0, 0, 0.1]).along_angstrom_per_ps.value)
    assert there.value == pytest.approx(here.value + 0.5)
    current = estimate_current(track, 2.0, [0, 0, 0.1])
    assert current.density_e_per_angstrom2_ps.value == pytest.approx(2.0 * 10 * here.value / CELL_EDGE**3)


def test_skipped_beginning():
    walk = biased_walk(0)
    jump = np.where(np.arange(501) < 100, 0.0, 50.0)[:, None, None] * DIRECTION
    track = dataclasses.replace(walk, positions=walk.positions + jump)
    later = estimate_drift(track, FIELD, skip_ps=101.0)
    assert later.along_angstrom_per_ps.value == pytest.approx(
        estimate_drift(walk[101:], FIELD).along_angstrom_per_ps.value
    )


def test_doubts():
    still = estimate_drift(biased_walk(3, drift=0.0), FIELD)
    assert any('not resolved' in doubt for doubt in still.doubts)
    differing = estimate_drift([biased_walk(seed, drift=0.1 * seed) for seed in range(3)], FIELD)
    assert any('runs differ' in doubt for doubt in differing.doubts)
    across = estimate_drift(biased_walk(0, drift=0.2), [1.0, 0.0, 0.1])
    assert any('across the field' in doubt for doubt in across.doubts)
    assert not estimate_drift(biased_walk(0, drift=0.1), FIELD).doubts


def test_take_ions():
    walk = biased_walk(0)
    assert take_ions(walk, [3, 1]).positions == pytest.approx(walk.positions[:, [3, 1]])
    assert take_ions(walk, np.arange(10) > 7).n_ions == 2
    with pytest.raises(FieldError, match='no ions'):
        take_ions(walk, [])


def test_no_field():
    with pytest.raises(FieldError, match='direction'):
        estimate_drift(biased_walk(0), [0.0, 0.0, 0.0])
    drift = estimate_drift(biased_walk(0), [0.0, 0.0, 0.0], direction=[1.0, 0.0, 0.0])
    with pytest.raises(FieldError, match='no mobility'):
        _ = drift.mobility_angstrom2_per_v_ps


def test_what_does_not_fit():
    walk = biased_walk(0)
    with pytest.raises(FieldError, match='Run 1 does not hold'):
        estimate_drift([walk, biased_walk(0, n_ions=4)], FIELD)
    with pytest.raises(FieldError, match='different distances in time'):
        estimate_drift([walk, biased_walk(0, interval=2.0)], FIELD)
    with pytest.raises(FieldError, match='too few frames for 20 blocks'):
        estimate_drift(walk[:15], FIELD)
    with pytest.raises(FieldError, match='at least 5'):
        estimate_drift(walk, FIELD, n_blocks=3)
    with pytest.raises(FieldError, match='three numbers'):
        estimate_drift(walk, 0.05)
    with pytest.raises(FieldError, match='no run'):
        estimate_drift([], FIELD)
    with pytest.raises(FieldError, match='`framework` or `laboratory`'):
        estimate_drift(walk, FIELD, relative_to='moon')
    with pytest.raises(FieldError, match='not positive'):
        estimate_current(walk, 1.0, FIELD, volume_angstrom3=0.0)
    with pytest.raises(ValueError, match='3 charges for 10 ions'):
        estimate_current(walk, np.ones(3), FIELD)
    with pytest.raises(FieldError, match='above zero'):
        compare_with_einstein(
            estimate_drift(walk, FIELD), charge_e=1.0, D_m2_per_s=0.0, D_std_m2_per_s=0.0, temperature_kelvin=300.0
        )
