"""Tests for `science.analysis.equation_of_state`."""

import math
from typing import get_args

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.eos import EquationOfState as AseEquationOfState
from scipy import stats

from aiida_seimlip.science.analysis.equation_of_state import (
    EquationOfStateError,
    Form,
    Parameters,
    energy,
    fit_equation_of_state,
    pressure,
    scaled_volumes,
)

FORMS = get_args(Form)
SALT = Parameters(volume=44.9, energy=-1234.5, bulk_modulus=24.0, derivative=4.9)
OF_OTHERS = {
    'birch_murnaghan': ('birchmurnaghan', 'birch_murnaghan'),
    'vinet': ('vinet', 'vinet'),
}
"""Names of the forms in ASE and in pymatgen."""


def noisy(form, noise, seed, n_points=9):
    """Return volumes and energies of `SALT` with normal noise in eV."""
    volumes = scaled_volumes(SALT.volume, 0.08, n_points)
    return volumes, energy(form, volumes, SALT) + noise * np.random.default_rng(seed).normal(size=n_points)


def written_out(form, V, V0, B, derivative):
    """Return the energy above the minimum as the papers write it."""
    if form == 'birch_murnaghan':
        x = (V0 / V) ** (2 / 3)
        return 9 * V0 * B / 16 * ((x - 1) ** 3 * derivative + (x - 1) ** 2 * (6 - 4 * x))
    eta = (V / V0) ** (1 / 3)
    exponential = np.exp(-1.5 * (derivative - 1) * (eta - 1))
    return 2 * B * V0 / (derivative - 1) ** 2 * (2 - (5 + 3 * derivative * (eta - 1) - 3 * eta) * exponential)


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('derivative', [-2.0, 0.5, 4.0, 9.0])
def test_energy_is_that_of_the_papers(form, derivative):
    volumes = np.linspace(30.0, 70.0, 21)
    expected = written_out(form, volumes, 44.9, 24.0 * units.GPa, derivative) - 3.0
    np.testing.assert_allclose(energy(form, volumes, Parameters(44.9, -3.0, 24.0, derivative)), expected, rtol=1e-12)


def test_vinet_with_a_derivative_of_one():
    """There the papers divide zero by zero; the limit is E0 + 9/2 B V0 (1 − η)²."""
    eta = np.cbrt(50.0 / 44.9)
    expected = 4.5 * 24.0 * units.GPa * 44.9 * (1.0 - eta) ** 2
    assert energy('vinet', 50.0, Parameters(44.9, 0.0, 24.0, 1.0)) == pytest.approx(expected, rel=1e-13)
    assert energy('vinet', 50.0, Parameters(44.9, 0.0, 24.0, 1.0 + 1e-9)) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize('form', FORMS)
def test_pressure_is_the_derivative_of_the_energy(form):
    volumes, step = np.linspace(35.0, 60.0, 11), 1e-3
    at_zero = SALT._replace(energy=0.0)
    slopes = (energy(form, volumes + step, at_zero) - energy(form, volumes - step, at_zero)) / (2.0 * step)
    np.testing.assert_allclose(pressure(form, volumes, SALT), -slopes / units.GPa, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize('form', FORMS)
def test_bulk_modulus_and_derivative_are_those_at_zero_pressure(form):
    def modulus(volume):
        step = 1e-3
        low, high = pressure(form, np.array([volume - step, volume + step]), SALT)
        return -volume * (high - low) / (2.0 * step)

    assert pressure(form, SALT.volume, SALT) == 0.0
    assert modulus(SALT.volume) == pytest.approx(SALT.bulk_modulus, rel=1e-7)
    low, high = SALT.volume - 0.01, SALT.volume + 0.01
    by_pressure = (modulus(high) - modulus(low)) / np.diff(pressure(form, np.array([low, high]), SALT))
    assert by_pressure == pytest.approx(SALT.derivative, rel=1e-5)


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize(
    ('shift', 'extent', 'n_points'), [(1.0, 0.06, 7), (1.0, 0.06, 4), (0.97, 0.1, 6), (1.2, 0.05, 9)]
)
def test_exact_energies(form, shift, extent, n_points):
    volumes = scaled_volumes(shift * SALT.volume, extent, n_points)
    found = fit_equation_of_state(volumes, energy(form, volumes, SALT), form)
    np.testing.assert_allclose(found.parameters, SALT, rtol=1e-6)
    assert found.residual < 1e-10
    assert found.form == form


@pytest.mark.parametrize('form', FORMS)
def test_order_of_the_points_is_free(form):
    volumes, energies = noisy(form, 1e-3, seed=2)
    order = np.random.default_rng(0).permutation(len(volumes))
    one, other = (fit_equation_of_state(volumes[o], energies[o], form) for o in (order, order[::-1]))
    assert one == other


@pytest.mark.parametrize('form', FORMS)
def test_other_programs(form):
    """ASE and pymatgen fit the same noisy energies by least squares of their own.

    They end when the sum of the squares falls by less than 1.5e-8 of itself: √(1.5e-8 × 5) standard errors away.
    """
    eos = pytest.importorskip('pymatgen.analysis.eos')
    volumes, energies = noisy(form, 1e-3, seed=1)
    energies = energies + 1230.0  # their derivatives are finite differences, rounded by the size of the energies
    found = fit_equation_of_state(volumes, energies, form)
    errors = np.array([found.volume_error, found.energy_error, found.bulk_modulus_error, found.derivative_error])
    name, pymatgen_name = OF_OTHERS[form]
    ase_fit = AseEquationOfState(volumes, energies, eos=name)
    ase_fit.fit()
    lowest, modulus, derivative, volume = ase_fit.eos_parameters
    other = eos.EOS(pymatgen_name).fit(volumes, energies)
    for theirs in ((volume, lowest, modulus / units.GPa, derivative), (other.v0, other.e0, other.b0_GPa, other.b1)):
        assert np.all(np.abs(np.subtract(found.parameters, theirs)) < 3e-4 * errors)
        rms = np.sqrt(np.mean((energy(form, volumes, Parameters(*map(float, theirs))) - energies) ** 2))
        assert found.residual <= rms * (1.0 + 1e-12)


@pytest.mark.parametrize('form', FORMS)
def test_fit_is_the_least_of_squares(form):
    """No parameters near those found give a smaller residual."""
    volumes, energies = noisy(form, 1e-3, seed=5)
    found = fit_equation_of_state(volumes, energies, form)
    assert found.residual == pytest.approx(np.sqrt(np.mean((energy(form, volumes, found.parameters) - energies) ** 2)))
    errors = (found.volume_error, found.energy_error, found.bulk_modulus_error, found.derivative_error)
    for index, error in enumerate(errors):
        for sign in (-0.01, 0.01):
            moved = np.array(found.parameters)
            moved[index] += sign * error
            other = np.sqrt(np.mean((energy(form, volumes, Parameters(*moved)) - energies) ** 2))
            assert other > found.residual


@pytest.mark.parametrize('form', FORMS)
def test_coverage(form):
    """95 % intervals of Student's t hold the truth as often as they should."""
    n_trials, n_points = 400, 9
    width = stats.t.ppf(0.975, n_points - 4)
    hits = np.zeros(4)
    for seed in range(n_trials):
        found = fit_equation_of_state(*noisy(form, 2e-4, seed, n_points), form)
        errors = (found.volume_error, found.energy_error, found.bulk_modulus_error, found.derivative_error)
        hits += np.abs(np.subtract(found.parameters, SALT)) < width * np.array(errors)
    low, high = stats.binom.interval(0.999, n_trials, 0.95)
    assert np.all((low <= hits) & (hits <= high)), hits


@pytest.mark.parametrize('form', FORMS)
def test_as_many_points_as_parameters(form):
    volumes, energies = noisy(form, 0.0, seed=0, n_points=4)
    found = fit_equation_of_state(volumes, energies, form)
    errors = (found.volume_error, found.energy_error, found.bulk_modulus_error, found.derivative_error)
    assert all(math.isnan(error) for error in errors)
    assert found.doubts == ('There are only 4 different volumes, and 4 parameters.',)


def test_repeated_volumes_are_one_volume():
    volumes = np.array([1.0, 1.0 + 1e-12, 2.0, 3.0]) * 40.0
    with pytest.raises(ValueError, match='needs 4 different volumes, and there are 3'):
        fit_equation_of_state(volumes, np.arange(4.0), 'vinet')


@pytest.mark.parametrize('form', FORMS)
def test_bulk_modulus_of_copper(form):
    """The stress of EMT under compression and dilation gives the same."""
    atoms = bulk('Cu')
    volumes = scaled_volumes(11.6, 0.04, 9)
    stressed = [_copper(atoms, volume) for volume in volumes]
    found = fit_equation_of_state(volumes, [one.get_potential_energy() for one in stressed], form)
    assert found.doubts == ()
    step = 1e-3 * found.volume
    low, centre, high = (_pressure(_copper(atoms, found.volume + shift)) for shift in (-step, 0.0, step))
    assert abs(centre) < 5e-4 * found.bulk_modulus
    assert found.bulk_modulus == pytest.approx(-found.volume * (high - low) / (2.0 * step), rel=0.005)
    np.testing.assert_allclose(
        pressure(form, volumes, found.parameters), [_pressure(one) for one in stressed], atol=0.002 * found.bulk_modulus
    )


def _copper(atoms, volume):
    scaled = atoms.copy()
    scaled.set_cell(atoms.cell * np.cbrt(volume / atoms.get_volume()), scale_atoms=True)
    scaled.calc = EMT()
    return scaled


def _pressure(atoms):
    return -np.trace(atoms.get_stress(voigt=False)) / 3.0 / units.GPa


def test_no_doubts():
    volumes, energies = noisy('vinet', 1e-5, seed=0)
    assert fit_equation_of_state(volumes, energies, 'vinet').doubts == ()


@pytest.mark.parametrize('form', FORMS)
def test_minimum_outside(form):
    volumes = scaled_volumes(1.1 * SALT.volume, 0.05, 7)
    (doubt,) = fit_equation_of_state(volumes, energy(form, volumes, SALT), form).doubts
    assert doubt == 'The volume of zero pressure, 44.9 Å³, is outside of the range of 46.92 to 51.86 Å³.'


@pytest.mark.parametrize('form', FORMS)
def test_not_convex(form):
    """Another phase, lower by 5 meV, from one volume on."""
    volumes = scaled_volumes(SALT.volume, 0.06, 7)
    energies = energy(form, volumes, SALT) - np.where(volumes > 1.03 * SALT.volume, 0.005, 0.0)
    height = energies[4] - 0.5 * (energies[3] + energies[5])
    doubts = fit_equation_of_state(volumes, energies, form).doubts
    assert f'at {volumes[4]:.4g} Å³ the energy is {height:.2g} eV above the line' in ' '.join(doubts)


def test_uncertain_bulk_modulus():
    found = fit_equation_of_state(*noisy('birch_murnaghan', 0.02, seed=0), 'birch_murnaghan')
    assert found.doubts[0] == f'The bulk modulus is uncertain by {found.bulk_modulus_error / found.bulk_modulus:.0%}.'


VOLUMES = np.linspace(40.0, 50.0, 7)


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('energies', [0.1 * VOLUMES, -0.1 * VOLUMES, np.full(7, -3.0)])
def test_no_minimum(form, energies):
    with pytest.raises(EquationOfStateError, match=r'best fit has no minimum\.'):
        fit_equation_of_state(VOLUMES, energies, form)


@pytest.mark.parametrize('form', FORMS)
def test_no_minimum_for_a_jump(form):
    """Of a phase that is much lower, the message tells where."""
    volumes = scaled_volumes(SALT.volume, 0.06, 7)
    energies = energy(form, volumes, SALT) - np.where(volumes > 1.03 * SALT.volume, 0.05, 0.0)
    with pytest.raises(EquationOfStateError, match=f'no minimum. The energies are not convex: at {volumes[4]:.4g} Å³'):
        fit_equation_of_state(volumes, energies, form)


@pytest.mark.parametrize(
    ('volumes', 'energies', 'form', 'message'),
    [
        (VOLUMES, np.zeros(6), 'vinet', r'shape \(7,\) and energies of shape \(6,\)'),
        (VOLUMES.reshape(1, 7), np.zeros((1, 7)), 'vinet', 'are not two lists of one length'),
        (VOLUMES, np.array([np.nan, *range(6)]), 'vinet', 'is not finite'),
        (np.array([np.inf, *range(1, 7)]), np.arange(7.0), 'vinet', 'is not finite'),
        (VOLUMES - 45.0, VOLUMES**2, 'vinet', 'is not positive'),
        (VOLUMES[:3], VOLUMES[:3], 'vinet', 'needs 4 different volumes, and there are 3'),
        ([], [], 'vinet', 'and there are 0'),
        (VOLUMES, (VOLUMES - 45.0) ** 2, 'murnaghan', '`murnaghan` of an equation of state is none of birch_murnaghan'),
    ],
)
def test_refuses(volumes, energies, form, message):
    with pytest.raises(ValueError, match=message):
        fit_equation_of_state(volumes, energies, form)


@pytest.mark.parametrize('function', [energy, pressure])
def test_functions_refuse(function):
    with pytest.raises(ValueError, match='positive volumes'):
        function('vinet', [1.0, 0.0], SALT)
    with pytest.raises(ValueError, match='positive volumes'):
        function('vinet', [1.0, -1.0], SALT._replace(volume=-2.0))
    with pytest.raises(ValueError, match='is none of'):
        function('tait', [1.0], SALT)


def test_scaled_volumes():
    volumes = scaled_volumes(50.0, 0.06, 7)
    np.testing.assert_allclose(volumes, [47.0, 48.0, 49.0, 50.0, 51.0, 52.0, 53.0], rtol=1e-14)
    assert volumes[3] == 50.0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((0.0, 0.1, 7), 'that are positive'),
        ((math.nan, 0.1, 7), 'that are positive'),
        ((50.0, 1.0, 7), 'that are positive'),
        ((50.0, -0.1, 7), 'that are positive'),
        ((50.0, 0.1, 3), '3 volumes are too few'),
    ],
)
def test_scaled_volumes_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        scaled_volumes(*arguments)
