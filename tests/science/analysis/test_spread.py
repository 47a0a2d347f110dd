"""Spread of labels, from sets of which it is known."""

import numpy as np
import pytest
from ase import Atoms

from aiida_seimlip.science.analysis.spread import find_spread
from aiida_seimlip.science.frames import Frames


def frames_with(energies, formulas, forces=None):
    frames = Frames.from_atoms([Atoms(formula, cell=5 * np.eye(3), pbc=True) for formula in formulas])
    return frames.replace(energies=np.array(energies), forces=forces)


def test_energies_spread_about_constants_of_the_elements():
    formulas = ['CuAu', 'Cu2', 'Au2', 'CuAu3', 'Cu3Au']
    exact = [-3.0 * 1 - 5.0, -6.0, -10.0, -18.0, -14.0]
    assert find_spread(frames_with(exact, formulas)).energy_per_atom == pytest.approx(0.0, abs=1e-12)


def test_spread_of_one_composition_is_the_standard_deviation():
    energies = np.array([-6.0, -6.2, -5.8, -6.4])
    spread = find_spread(frames_with(energies, ['Cu2'] * 4))
    assert spread.energy_per_atom == pytest.approx(np.std(energies / 2))


def test_nothing_is_left_of_as_many_frames_as_elements():
    assert np.isnan(find_spread(frames_with([-1.0, -2.0], ['CuAu', 'Cu2'])).energy_per_atom)
    assert np.isnan(find_spread(frames_with([np.nan, np.nan], ['Cu2', 'Cu2'])).energy_per_atom)


def test_forces_spread_about_zero():
    forces = np.array([[3.0, 0.0, 0.0], [-3.0, 0.0, 0.0]])
    assert find_spread(frames_with([1.0], ['Cu2'], forces)).force_component == pytest.approx(3.0 / 3**0.5)
    assert np.isnan(find_spread(frames_with([1.0], ['Cu2'])).force_component)
