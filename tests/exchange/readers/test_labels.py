"""Labels under the names of other people."""

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from aiida_seimlip.exchange.readers.found import LabelKeys, ReadError, Record, Tally
from aiida_seimlip.exchange.readers.labels import known_role, take_labels

CELL = np.array([[4.0, 0.0, 0.0], [0.5, 4.0, 0.0], [0.3, -0.7, 4.0]])
VOLUME = 64.0
PERIODIC = np.ones(3, dtype=bool)
STRESS = np.array([0.01, 0.02, 0.03, 0.004, 0.005, 0.006])
MATRIX = np.array([[0.01, 0.006, 0.005], [0.006, 0.02, 0.004], [0.005, 0.004, 0.03]])


def find(values, keys=None, pbc=PERIODIC, tally=None):
    record = Record(np.array([3, 9]), np.zeros((2, 3)), CELL, pbc)
    others = take_labels(record, values, keys or LabelKeys(), Tally() if tally is None else tally)
    return SimpleNamespace(**vars(record), others=others)


@pytest.mark.parametrize(
    'key', ['energy', 'REF_energy', 'dft_energy', 'DFT_energy', 'Energy', 'total_energy', 'qm_energy', 'ENERGY']
)
def test_energy(key):
    labels = find({key: -9.5})
    assert (labels.energy, labels.energy_kind) == (-9.5, '')


@pytest.mark.parametrize('key', ['free_energy', 'REF_free_energy', 'dft_free_energy'])
def test_free_energy_comes_first(key):
    tally = Tally()
    labels = find({'energy': -9.50, key: np.array([-9.52])}, tally=tally)
    assert (labels.energy, labels.energy_kind) == (-9.52, 'free')
    assert tally.used['energy'] == {key: 1}
    assert tally.left_out == {'energy': 1}


@pytest.mark.parametrize('key', ['forces', 'force', 'REF_forces', 'dft_force', 'dft_forces', 'Forces'])
def test_forces(key):
    forces = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(find({key: forces}).forces, forces)


@pytest.mark.parametrize('key', ['stress', 'REF_stress', 'dft_stress', 'Stress'])
@pytest.mark.parametrize('value', [STRESS, MATRIX, MATRIX.ravel()], ids=['6', '3x3', '9'])
def test_stress(key, value):
    np.testing.assert_allclose(find({key: value}).stress, STRESS, rtol=1e-15)


@pytest.mark.parametrize('key', ['virial', 'virials', 'REF_virial', 'REF_virials', 'dft_virial', 'Virial'])
@pytest.mark.parametrize('value', [STRESS, MATRIX, MATRIX.ravel()], ids=['6', '3x3', '9'])
def test_virial(key, value):
    np.testing.assert_allclose(find({key: -VOLUME * value}).stress, STRESS, rtol=1e-13)


def test_virial_by_finite_differences():
    """The virial is −dE/dε, so that both it and the stress follow from energies of strained triclinic cells."""
    atoms = Atoms('CuAu', [[0.1, 0, 0], [1.9, 1.7, 2.1]], cell=CELL, pbc=True)
    atoms.calc = EMT()

    def energy(strain):
        deformed = atoms.copy()
        deformed.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        deformed.calc = EMT()
        return deformed.get_potential_energy()

    step, virial = 1e-4, np.zeros((3, 3))
    for i, j in np.ndindex(3, 3):
        strain = np.zeros((3, 3))
        strain[i, j] += step / 2
        strain[j, i] += step / 2
        virial[i, j] = -(energy(strain) - energy(-strain)) / (2 * step)
    expected = atoms.get_stress()
    assert np.abs(expected[3:]).min() > 1e-4  # the order of the shears is tested, too
    np.testing.assert_allclose(find({'virials': virial}).stress, expected, atol=1e-6)
    np.testing.assert_allclose(find({'stress': -virial / VOLUME}).stress, expected, atol=1e-6)


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({'energy': -9.5, 'REF_energy': -9.6}, '`energy` and `REF_energy` disagree by 0.1 eV'),
        ({'forces': np.zeros((2, 3)), 'dft_force': np.ones((2, 3))}, '`forces` and `dft_force` disagree by 1 eV/Å'),
        ({'stress': STRESS, 'virial': VOLUME * STRESS}, '`stress` and `virial` disagree by 0.06'),
        ({'energy': 'abc'}, '`energy` is `abc`, which is no number'),
        ({'energy': [1.0, 2.0]}, 'shape'),
        ({'forces': np.zeros((3, 3))}, 'shape'),
        ({'virial': np.zeros(5)}, 'shape'),
        ({'stress': [1, 2, 3, 4, 5, 6, 7, 8, 9]}, 'not symmetric'),
        ({'mace_energy': -9.5}, '`mace_energy` looks like a label.*--energy-key mace_energy.*--ignore mace_energy'),
        (
            {'energy_per_atom': -4.75},
            'a value per atom, but that of the whole frame is needed.*--ignore energy_per_atom',
        ),
        ({'my_forces': np.zeros((2, 3))}, '--forces-key my_forces'),
        ({'stress_tensor': np.zeros(9)}, '--stress-key stress_tensor'),
        ({'virial_xx': 1.0}, '--virial-key virial_xx'),
    ],
)
def test_refusals(values, reason):
    with pytest.raises(ReadError, match=reason):
        find(values)


def test_names_that_agree():
    values = {'energy': -9.5, 'REF_energy': -9.500001, 'stress': STRESS, 'virial': -VOLUME * STRESS}
    labels = find(values)
    assert labels.energy == -9.5
    np.testing.assert_array_equal(labels.stress, STRESS)


def test_given_names():
    keys = LabelKeys(energy='E_tot', forces='f', stress='sigma')
    tally = Tally()
    values = {
        'E_tot': -1.0, 'energy': -2.0, 'f': np.ones((2, 3)), 'forces': np.zeros((2, 3)), 'sigma': STRESS,
        'virials': np.zeros(6),
    }  # fmt: skip
    labels = find(values, keys, tally=tally)
    assert labels.energy == -1.0
    assert labels.forces.all()
    np.testing.assert_array_equal(labels.stress, STRESS)
    assert tally.left_out == {'energy': 1, 'forces': 1, 'virials': 1}


def test_given_name_of_a_free_energy():
    labels = find({'energy': -1.0, 'free_energy': -2.0}, LabelKeys(energy='energy'))
    assert (labels.energy, labels.energy_kind) == (-1.0, '')
    labels = find({'energy': -1.0, 'free_energy': -2.0}, LabelKeys(energy='free_energy'))
    assert (labels.energy, labels.energy_kind) == (-2.0, 'free')


def test_what_is_no_label():
    values = {
        'config_type': 'bulk', 'energy_weight': 2.0, 'energy_method': 'PBE', 'charge': 1, 'forces_source': 'x',
        'virial_sigma': np.ones(6),
    }  # fmt: skip
    tally = Tally()
    assert find(values, tally=tally).others == values
    assert not tally.left_out


def test_what_is_left_out_by_name():
    tally = Tally()
    values = {'energies': np.ones(2), 'stresses': np.ones((2, 6)), 'mace_energy': 1.0}
    labels = find(values, LabelKeys(ignored=frozenset({'mace_energy'})), tally=tally)
    assert not labels.others
    assert tally.left_out == {'energies': 1, 'stresses': 1, 'mace_energy': 1}


def test_stress_without_a_volume():
    tally = Tally()
    assert find({'virials': STRESS}, pbc=np.array([True, True, False]), tally=tally).stress is None
    assert tally.lost == {'virials': 1}


def test_what_is_not_finite_is_unknown():
    tally = Tally()
    labels = find({'energy': np.nan, 'forces': np.full((2, 3), np.inf), 'virial': np.full(9, np.nan)}, tally=tally)
    assert np.isnan(labels.energy)
    assert labels.forces is None
    assert labels.stress is None
    assert tally.lost == {'virial': 1}
    assert len(tally.notes) == 3


@pytest.mark.parametrize('key', ['mace_energy', 'energy_per_atom', 'e0', 'force_constants', 'max_force'])
def test_unknown_names(key):
    assert known_role(key) is None
