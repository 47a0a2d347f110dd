"""The shift of each element between two methods is found from synthetic energies with known shifts."""

import numpy as np
import pytest
from ase import Atoms

from aiida_seimlip.science.analysis.energy_shift import fit_energy_shift
from aiida_seimlip.science.frames import Frames, FramesError

SHIFTS = {'Li': -7.27, 'C': -47.38, 'O': -118.44}


def both(symbols: list[str], seed: int = 0, noise: float = 0.0) -> tuple[Frames, Frames]:
    """Return frames with energies of two methods that differ by `SHIFTS`: reference, then shifted."""
    rng = np.random.default_rng(seed)
    images = [
        Atoms(each, positions=rng.uniform(0, 9, (len(Atoms(each)), 3)), cell=[9] * 3, pbc=True) for each in symbols
    ]
    frames = Frames.from_atoms(images)
    energies = rng.normal(0.0, 3.0, len(images))
    shifts = np.array([sum(SHIFTS[symbol] for symbol in image.symbols) for image in images])
    errors = noise * rng.normal(size=len(images)) * frames.sizes
    return frames.replace(energies=energies + shifts + errors), frames.replace(energies=energies)


def test_shift_of_each_element_is_recovered():
    reference, shifted = both(['Li2CO3', 'Li8C4O12', 'Li2O', 'CO2', 'Li3', 'CO'])
    shift = fit_energy_shift(reference, shifted)
    assert shift.is_determined
    assert shift.rank == 3
    assert shift.per_element == pytest.approx(SHIFTS, abs=1e-9)
    assert shift.residual < 1e-9
    assert shift.apply(shifted).energies == pytest.approx(reference.energies, abs=1e-9)


def test_order_of_elements_is_that_of_atomic_numbers():
    assert list(fit_energy_shift(*both(['Li2CO3', 'CO2', 'Li'])).per_element) == ['Li', 'C', 'O']


def test_one_composition_tells_its_sum_alone():
    reference, shifted = both(['Li2CO3', 'Li4C2O6', 'Li2CO3'])
    shift = fit_energy_shift(reference, shifted)
    assert not shift.is_determined
    assert shift.basis == ({'Li': 2, 'C': 1, 'O': 3},)
    sums = sum(number * shift.per_element[symbol] for symbol, number in shift.basis[0].items())
    assert sums == pytest.approx(2 * SHIFTS['Li'] + SHIFTS['C'] + 3 * SHIFTS['O'], abs=1e-9)
    with pytest.raises(FramesError, match=r'CO2 is no sum of multiples of CLi2O3'):
        shift.apply(both(['CO2'])[1])


def test_unknown_element():
    shift = fit_energy_shift(*both(['Li2CO3', 'CO2', 'Li']))
    with pytest.raises(FramesError, match=r'no frame with both energies holds F\.'):
        shift.apply(Frames.from_atoms([Atoms('LiF', positions=[[0, 0, 0], [2, 0, 0]])]).replace(energies=np.zeros(1)))


def test_residual_is_the_scatter_that_no_shift_explains():
    shift = fit_energy_shift(*both(['Li2CO3', 'CO2', 'Li2O', 'Li', 'CO'] * 200, noise=0.02))
    assert shift.residual == pytest.approx(0.02, rel=0.1)
    assert shift.per_element == pytest.approx(SHIFTS, abs=0.01)


def test_frames_without_one_of_the_energies_are_left_out():
    reference, shifted = both(['Li2CO3', 'CO2', 'Li', 'Li2O'])
    reference.energies[3] = np.nan
    shift = fit_energy_shift(reference, shifted)
    assert shift.n_frames == 3
    assert shift.per_element == pytest.approx(SHIFTS, abs=1e-9)


def test_forces_and_stresses_are_not_touched():
    reference, shifted = both(['Li2CO3'])
    shifted = shifted.replace(forces=np.ones((6, 3)), stresses=np.ones((1, 6)))
    moved = fit_energy_shift(reference, shifted).apply(shifted)
    assert np.all(moved.forces == 1)
    assert np.all(moved.stresses == 1)


def test_other_configurations_are_refused():
    reference, _ = both(['Li2CO3'])
    _, shifted = both(['Li2CO3'], seed=1)
    with pytest.raises(FramesError, match='same configurations'):
        fit_energy_shift(reference, shifted)


def test_no_common_energy():
    reference, shifted = both(['Li2CO3'])
    with pytest.raises(FramesError, match='no frame whose energy'):
        fit_energy_shift(reference.replace(energies=np.full(1, np.nan)), shifted)
