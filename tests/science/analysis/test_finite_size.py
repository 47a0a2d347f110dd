"""The effect of periodic images on diffusion in fluids."""

import numpy as np
import pytest
from ase import units
from scipy.special import erfc

from aiida_seimlip.science.analysis.finite_size import CUBIC_LATTICE_SUM, fluid_size_correction


def ewald_sum(splitting):
    """Return the potential at a charge in a cubic lattice of such charges with a uniform background, in charge / edge.

    Its negative is the ξ of the hydrodynamic interaction; it must not depend on where the sum is split.
    """
    grid = np.array(np.meshgrid(*3 * [np.arange(-6, 7)])).reshape(3, -1).T
    squares = np.sum(grid[np.any(grid != 0, axis=1)] ** 2, axis=1)
    real = np.sum(erfc(splitting * np.sqrt(squares)) / np.sqrt(squares))
    reciprocal = np.sum(np.exp(-(np.pi**2) * squares / splitting**2) / (np.pi * squares))
    return real + reciprocal - np.pi / splitting**2 - 2 * splitting / np.sqrt(np.pi)


@pytest.mark.parametrize('splitting', [1.5, 2.0, 2.5])
def test_constant_of_cubic_cells(splitting):
    assert -ewald_sum(splitting) == pytest.approx(CUBIC_LATTICE_SUM, abs=1e-6)


def test_water_at_room_temperature():
    """0.89 mPa s at 298 K in a cell of 20 Å: a fifth of the 2.3e-9 m²/s of water is missing there."""
    correction = fluid_size_correction(298.15, 0.89e-3, 20.0)
    assert correction == pytest.approx(2.837297 * units._k * 298.15 / (6 * np.pi * 0.89e-3 * 2e-9))
    assert correction == pytest.approx(3.48e-10, rel=1e-3)


@pytest.mark.parametrize('arguments', [(0, 1e-3, 20), (300, -1e-3, 20), (300, 1e-3, float('nan'))])
def test_nonsense_is_refused(arguments):
    with pytest.raises(ValueError, match='must be positive'):
        fluid_size_correction(*arguments)
