"""Tests for `science.analysis.surface_energy`."""

from itertools import product

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.lj import LennardJones
from scipy.stats import linregress

from aiida_seimlip.science.analysis.surface_energy import J_PER_M2, fit_surface_energy
from aiida_seimlip.science.structures.slabs import make_slabs

A = 4.05


def by_lattice_sum(potential, miller, a=A, reach=16.0):
    """Return the energy of an unrelaxed surface of an fcc crystal, in energy per area, by a sum over lattice vectors.

    The bonds R across a cut are as many as there are lattice planes between the ends of R.

    :param potential: energy of a pair by its distance.
    :param miller: indices in the cubic cell.
    """
    primitive = a * np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
    span = range(-int(reach / a * 3), int(reach / a * 3) + 1)
    vectors = np.array(list(product(span, repeat=3))) @ primitive
    lengths = np.linalg.norm(vectors, axis=1)
    vectors, lengths = vectors[(lengths > 0) & (lengths < reach)], lengths[(lengths > 0) & (lengths < reach)]
    normal = np.array(miller) / np.linalg.norm(miller)
    heights = primitive @ normal
    spacing = min(height for height in np.abs(heights) if height > 1e-6)
    crossed = np.maximum(vectors @ normal / spacing, 0.0)
    return -float(crossed @ potential(lengths)) * spacing / (2.0 * a**3 / 4.0)


def energies_of(miller, thicknesses, calculator):
    slabs = [make_slabs(bulk('Al', cubic=True, a=A), miller, thickness=one, vacuum=10.0)[0] for one in thicknesses]
    found = []
    for slab in slabs:
        slab.atoms.calc = calculator
        found.append(slab.atoms.get_potential_energy())
    return [slab.n_formula_units for slab in slabs], found, slabs[0].area


@pytest.mark.parametrize(('miller', 'broken', 'area'), [
    ((1, 1, 1), 3, np.sqrt(3) / 4), ((1, 0, 0), 4, 1 / 2), ((1, 1, 0), 6, 1 / np.sqrt(2)),
])  # fmt: skip
def test_nearest_neighbours(miller, broken, area):
    """With bonds to the nearest neighbours alone a surface costs half of the bonds that are cut."""
    nearest = A / np.sqrt(2.0)
    calculator = LennardJones(sigma=nearest / 2 ** (1 / 6), epsilon=0.2, rc=1.2 * nearest)
    at_cutoff = 4.0 * ((2 ** (-1 / 6) / 1.2) ** 12 - (2 ** (-1 / 6) / 1.2) ** 6)
    pair = 0.2 * (1.0 + at_cutoff)  # deep, as ASE shifts the energy to zero at the cut-off
    n_units, energies, found_area = energies_of(miller, (8.0, 12.0), calculator)
    fit = fit_surface_energy(n_units, energies, found_area, unit_energy=-6.0 * pair)
    assert found_area == pytest.approx(area * A**2)
    assert fit.fitted == pytest.approx(0.5 * broken * pair / found_area, rel=1e-10)
    assert fit.by_slab == pytest.approx([fit.fitted] * 2, rel=1e-9)
    assert fit.unit_energy == pytest.approx(-6.0 * pair, rel=1e-10)


@pytest.mark.parametrize('miller', [(1, 1, 1), (1, 0, 0), (1, 1, 0), (2, 1, 0), (3, -1, 1)])
def test_lennard_jones_against_a_lattice_sum(miller):
    sigma, cutoff = 2.6, 8.0

    def pair(r):
        powers = (sigma / np.array([*r, cutoff])) ** 6
        values = 0.4 * (powers**2 - powers)
        return np.where(r < cutoff, values[:-1] - values[-1], 0.0)

    calculator = LennardJones(sigma=sigma, epsilon=0.1, rc=cutoff, smooth=False)
    n_units, energies, area = energies_of(miller, (9.0, 12.0, 15.0), calculator)
    fit = fit_surface_energy(n_units, energies, area)
    assert fit.fitted == pytest.approx(by_lattice_sum(pair, miller), rel=1e-8)
    assert fit.error < 1e-9
    assert fit.by_slab == () and fit.difference is None and fit.change is None
    crystal = bulk('Al', a=A)
    crystal.calc = calculator
    assert fit.unit_energy == pytest.approx(crystal.get_potential_energy(), rel=1e-10)


def test_line_against_scipy():
    n = np.array([8, 4, 6, 11])
    energies = -3.2 * n + 2 * 7.0 * 0.05 + np.array([0.003, -0.001, 0.002, -0.002])
    fit = fit_surface_energy(n, energies, 7.0, -3.2)
    line = linregress(n, energies)
    assert fit.fitted == pytest.approx(line.intercept / 14.0)
    assert fit.error == pytest.approx(line.intercept_stderr / 14.0)
    assert fit.unit_energy == pytest.approx(line.slope)
    assert fit.by_slab == pytest.approx([0.05 + shift / 14.0 for shift in (-0.001, 0.002, 0.003, -0.002)])
    assert fit.change == pytest.approx(-0.005 / 14.0)
    assert fit.difference == pytest.approx(fit.fitted - 0.05 + 0.002 / 14.0)


def test_a_wrong_energy_of_the_crystal_grows_with_the_thickness_and_not_in_the_line():
    n = np.array([5, 10, 20])
    fit = fit_surface_energy(n, -3.0 * n + 1.2, 10.0, unit_energy=-3.01)
    assert fit.fitted == pytest.approx(0.06)
    assert np.diff(fit.by_slab) == pytest.approx([0.0025, 0.005])


def test_one_thickness_is_refused():
    with pytest.raises(ValueError, match='two slabs of different thickness'):
        fit_surface_energy([4, 4], [1.0, 2.0], 5.0)


def test_unit():
    assert J_PER_M2 == pytest.approx(1.0 / 16.0217663, rel=1e-7)
