"""What the uploaded scripts share: labels in the forms that calculators return them, frames and their cells, memory."""

import platform
import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, Hookean
from ase.stress import voigt_6_to_full_3x3_stress

from aiida_seimlip.remote.shared import FrameError, cell_of, label, read_frame, refuse_periodicity
from aiida_seimlip.science.frames import Frames


@pytest.fixture
def atoms():
    """Return a triclinic cell of copper that is under shear."""
    image = bulk('Cu', cubic=True)
    image.set_cell(image.cell.array @ (np.eye(3) + 0.04 * np.tri(3)), scale_atoms=True)
    image.rattle(0.1, seed=1)
    image.calc = EMT()
    return image


class Recorded(Calculator):
    """Returns what it is given; one of its properties may be there without being named."""

    def __init__(self, results, named):
        super().__init__()
        self.implemented_properties = list(named)
        self.given = results

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results = dict(self.given)


def with_results(atoms, named=('energy', 'forces', 'stress'), **changes):
    """Return a copy of atoms with their results, some of them changed."""
    results = {'energy': -1.0, 'forces': atoms.get_forces(), 'stress': atoms.get_stress(), **changes}
    copy = atoms.copy()
    copy.calc = Recorded(results, named)
    return copy


@pytest.mark.parametrize('energy', [-1.5, np.float32(-1.5), np.array(-1.5), np.array([-1.5]), np.array([[-1.5]])])
def test_energy_of_any_shape(atoms, energy):
    found = label(with_results(atoms, energy=energy), stress=True)['energy']
    assert (found, type(found)) == (-1.5, float)


def test_stress_of_any_shape(atoms):
    expected = atoms.get_stress()
    full = voigt_6_to_full_3x3_stress(expected)
    for stress in (expected, full, full.reshape(9), full[None], expected.astype('f4')):
        np.testing.assert_allclose(
            label(with_results(atoms, stress=stress), stress=True)['stress'], expected, rtol=1e-6
        )


def test_forces_are_in_double_precision(atoms):
    found = label(with_results(atoms, forces=atoms.get_forces().astype('f4')), stress=False)['forces']
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'energy': np.zeros(2)}, 'WrongShape: the energy'),
        ({'forces': np.zeros((3, 3))}, r'WrongShape: the forces of the calculator has the shape \(3, 3\)'),
        ({'stress': np.zeros(3)}, 'WrongShape: the stress'),
    ],
)
def test_result_of_wrong_size(atoms, changes, message):
    with pytest.raises(FrameError, match=message):
        label(with_results(atoms, **changes), stress=True)


ALL = ('energy', 'free_energy', 'forces', 'stress')
KINDS = {
    'named': ({'energy': -9.50, 'free_energy': -9.52}, ALL, -9.52, 'free_energy'),
    'not named': ({'energy': -9.50, 'free_energy': -9.52}, ALL[:1] + ALL[2:], -9.52, 'free_energy'),
    'named and absent': ({'energy': -9.50, 'free_energy': None}, ALL, -9.50, 'energy'),
    'without': ({'energy': -9.50}, ALL[:1] + ALL[2:], -9.50, 'energy'),
}


@pytest.mark.parametrize('case', KINDS)
def test_energy_is_the_one_of_the_forces(atoms, case):
    changes, named, energy, kind = KINDS[case]
    found = label(with_results(atoms, named, **changes), stress=False)
    assert (found['energy'], found['energy_property']) == (energy, kind)


def test_constraints_change_no_label(atoms):
    free = label(atoms, stress=True)
    atoms.set_constraint([FixAtoms([0]), Hookean(0, 1, k=100.0, rt=0.1)])
    bound = label(atoms, stress=True)
    assert bound['energy'] == free['energy']
    np.testing.assert_array_equal(bound['forces'], free['forces'])
    np.testing.assert_array_equal(bound['stress'], free['stress'])


def to_arrays(image):
    frames = Frames.from_atoms([image])
    return {name: getattr(frames, name) for name in ('numbers', 'positions', 'ptr', 'cells', 'pbc')}


def test_left_handed_cell_becomes_right_handed(atoms):
    left = atoms.copy()
    left.set_cell(atoms.cell.array[[1, 0, 2]])
    assert left.cell.handedness == -1
    turned = read_frame(to_arrays(left), 0)
    assert turned.cell.handedness == 1
    np.testing.assert_array_equal(cell_of(turned), left.cell.array)
    np.testing.assert_array_equal(turned.positions, atoms.positions)
    turned.calc = EMT()
    found, expected = label(turned, stress=True), label(atoms, stress=True)
    for name in ('energy', 'forces', 'stress'):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-10)


@pytest.mark.parametrize('image', [bulk('Cu'), Atoms('H2', [[0, 0, 0], [0, 0, 1]]), fcc111('Cu', (1, 1, 2), vacuum=5)])
def test_other_cells_stay_as_they_are(image):
    atoms = read_frame(to_arrays(image), 0)
    np.testing.assert_array_equal(atoms.cell.array, image.cell.array)
    np.testing.assert_array_equal(cell_of(atoms), image.cell.array)


@pytest.mark.parametrize('pbc', [(False,) * 3, (False, True, False), (True, True, False), (True,) * 3])
def test_periodicity(pbc):
    atoms = Atoms('H', cell=[3, 3, 3], pbc=pbc)
    refuse_periodicity(atoms, None)
    refuse_periodicity(atoms, [sum(pbc)])
    others = [number for number in range(4) if number != sum(pbc)]
    with pytest.raises(FrameError, match=f'the frame is periodic in {sum(pbc)} directions, the calculator takes'):
        refuse_periodicity(atoms, others)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='the C library is not glibc: memory was not kept')
def test_freed_memory_is_kept():
    """40 MB that are allocated again cost no pages again."""
    faults = {kept: int(run_allocations(kept)) for kept in (False, True)}
    n_pages = 10 * 40_000_000 // 4096
    assert faults[False] > 0.9 * n_pages
    assert faults[True] < 0.01 * n_pages


def run_allocations(kept):
    """Return the page faults of ten large allocations, one after the other, in a process of its own."""
    code = f"""
import resource
from aiida_seimlip.remote.shared import keep_memory
if {kept}:
    keep_memory()
size = 40_000_000
size * b'x'
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    size * b'x'
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    return subprocess.run([sys.executable, '-c', code], check=True, capture_output=True, text=True).stdout
