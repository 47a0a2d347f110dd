"""Tests for `science.formats.deepmd`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.deepmd import is_deepmd, read_deepmd


def write_system(folder: Path, sets: dict[str, dict[str, np.ndarray]], **texts: str) -> Path:
    """Write a system; of `texts`, ``type`` and ``type_map`` are needed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / (f'{name}.raw' if name.startswith('type') else name)).write_text(text)
    for name, arrays in sets.items():
        (folder / name).mkdir()
        for quantity, values in arrays.items():
            np.save(folder / name / f'{quantity}.npy', values)
    return folder


def triclinic() -> Atoms:
    """Return a sheared, rattled cell of copper and gold with a calculator."""
    atoms = bulk('Cu', cubic=True)
    atoms.symbols[1:3] = 'Au'
    atoms.set_cell(atoms.cell.array @ np.array([[1.02, 0, 0], [0.05, 0.97, 0], [0.04, -0.06, 1.01]]), scale_atoms=True)
    atoms.rattle(0.1, seed=3)
    atoms.calc = EMT()
    return atoms


def derivative_by_strain(atoms: Atoms, size: float = 1e-4) -> np.ndarray:
    """Return the derivative of the energy by each strain, by central differences, in eV; shape (3, 3)."""
    derivative = np.empty((3, 3))
    for row, column in np.ndindex(3, 3):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[row, column] += sign * size / 2
            strain[column, row] += sign * size / 2
            strained = atoms.copy()
            strained.calc = EMT()
            strained.set_cell(atoms.cell.array @ strain, scale_atoms=True)
            energies.append(strained.get_potential_energy())
        derivative[row, column] = (energies[0] - energies[1]) / (2 * size)
    return derivative


@pytest.fixture
def arrays():
    """Return a set of two frames of lithium fluoride."""
    random = np.random.default_rng(0)
    return {
        'coord': random.uniform(0, 4, (2, 6)), 'box': np.tile((4 * np.eye(3)).ravel(), (2, 1)),
        'energy': np.array([-9.5, -9.25]), 'force': random.normal(size=(2, 6)), 'virial': random.normal(size=(2, 9)),
    }  # fmt: skip


def test_labels_of_a_triclinic_cell(tmp_path):
    """The virial is minus the derivative of the energy by strain, in eV."""
    atoms = triclinic()
    write_system(tmp_path, {'set.000': {
        'coord': atoms.positions.reshape(1, -1), 'box': atoms.cell.array.reshape(1, 9),
        'energy': np.array([atoms.get_potential_energy()]), 'force': atoms.get_forces().reshape(1, -1),
        'virial': -derivative_by_strain(atoms).reshape(1, 9),
    }}, type='1 0 0 1', type_map='Au Cu')  # fmt: skip
    found = read_deepmd(tmp_path)
    (read,) = found.frames.to_atoms()
    assert read.get_chemical_symbols() == atoms.get_chemical_symbols()
    assert read.pbc.all()
    np.testing.assert_array_equal(read.positions, atoms.positions)
    np.testing.assert_array_equal(read.cell.array, atoms.cell.array)
    assert read.get_potential_energy() == atoms.get_potential_energy()
    np.testing.assert_array_equal(read.get_forces(), atoms.get_forces())
    np.testing.assert_allclose(read.get_stress(), atoms.get_stress(), rtol=1e-5, atol=1e-7)
    assert found.notes == ()


def test_several_sets_and_systems(tmp_path, arrays):
    write_system(tmp_path / 'b', {'set.001': arrays, 'set.000': arrays}, type='0\n1\n', type_map='Li\nF\n')
    write_system(tmp_path / 'a' / 'deep', {'set.000': arrays}, type='0 0', type_map='F')
    found = read_deepmd(tmp_path)
    assert found.sources == tuple((name, index) for name, count in (('a/deep', 2), ('b', 4)) for index in range(count))
    assert found.frames.formulas == ['F2'] * 2 + ['FLi'] * 4
    assert found.frames.energies.tolist() == [-9.5, -9.25] * 3
    assert is_deepmd(tmp_path)


@pytest.mark.parametrize('change', ['columns', 'matrices'])
def test_shapes_that_are_the_same(tmp_path, arrays, change):
    plain = read_deepmd(write_system(tmp_path / 'plain', {'set.0': arrays}, type='0 1', type_map='Li F')).frames
    shapes = {'coord': (2, 2, 3), 'force': (2, 2, 3), 'box': (2, 3, 3), 'virial': (2, 3, 3)}
    arrays = {**arrays, 'energy': arrays['energy'][:, None]} if change == 'columns' else {
        name: values.reshape(shapes.get(name, values.shape)) for name, values in arrays.items()
    }  # fmt: skip
    other = read_deepmd(write_system(tmp_path / 'other', {'set.0': arrays}, type='0 1', type_map='Li F')).frames
    for name in ('positions', 'cells', 'energies', 'forces', 'stresses'):
        np.testing.assert_array_equal(getattr(other, name), getattr(plain, name))


def test_what_is_not_there_is_unknown(tmp_path, arrays):
    """A set without virials beside one with them must not shift them to other frames."""
    less = {name: values for name, values in arrays.items() if name in ('coord', 'box', 'energy')}
    frames = read_deepmd(write_system(tmp_path, {'set.0': less, 'set.1': arrays}, type='0 1', type_map='Li F')).frames
    assert np.isnan(frames.stresses[:2]).all() and np.isnan(frames.forces[:4]).all()
    np.testing.assert_allclose(frames.stresses[2:, 0], -arrays['virial'][:, 0] / 64)
    np.testing.assert_array_equal(frames.forces[4:].ravel(), arrays['force'].ravel())


def test_not_periodic(tmp_path, arrays):
    del arrays['box']
    frames = read_deepmd(write_system(tmp_path, {'set.000': arrays}, type='0 1', type_map='Li F', nopbc='')).frames
    assert not frames.pbc.any()
    assert not frames.cells.any()
    assert frames.stresses is None
    assert frames.labelled.all()


def test_mixed_types(tmp_path, arrays):
    """Each frame has types of its own, and a frame with fewer atoms than the others is filled up with -1."""
    arrays['real_atom_types'] = np.array([[1, 0], [0, -1]])
    frames = read_deepmd(write_system(tmp_path, {'set.000': arrays}, type='0 0', type_map='Li F')).frames
    assert frames.formulas == ['FLi', 'Li']
    assert frames.numbers.tolist() == [9, 3, 3]
    np.testing.assert_array_equal(frames.positions, arrays['coord'].reshape(-1, 3)[:3])
    np.testing.assert_array_equal(frames.forces, arrays['force'].reshape(-1, 3)[:3])


def test_single_precision_is_said(tmp_path, arrays):
    arrays = {name: values.astype(np.float32) for name, values in arrays.items()}
    found = read_deepmd(write_system(tmp_path, {'set.000': arrays}, type='0 1', type_map='Li F'))
    assert 'single precision' in found.notes[0]


def test_elements_that_are_named(tmp_path, arrays):
    folder = write_system(tmp_path, {'set.000': arrays}, type='0 1')
    assert read_deepmd(folder, ['Li', 'F']).frames.numbers[:2].tolist() == [3, 9]
    with pytest.raises(FormatError, match='name the elements of the types in their order'):
        read_deepmd(folder)


@pytest.mark.parametrize(
    ('name', 'values', 'message'),
    [
        ('coord', None, 'coord.npy: There is no such file'),
        ('box', None, 'box.npy: There is no such file, and no `nopbc`'),
        ('box', np.zeros((2, 9)), 'set.000: The cell of periodic frame 0 has no volume'),
        ('box', np.ones((1, 9)), r'box.npy: It has the shape \(1, 9\), expected \(2, 3, 3\)'),
        ('coord', np.ones((2, 7)), r'coord.npy: It has the shape \(2, 7\), expected \(2, 2, 3\)'),
        ('coord', np.ones((0, 6)), 'coord.npy: It has the shape'),
        ('coord', np.array(1.0), 'coord.npy: It has the shape'),
        ('coord', np.ones(12), 'coord.npy: It has the shape'),
        ('force', np.ones((2, 3)), 'force.npy: It has the shape'),
        ('energy', np.array([1.0, np.nan]), 'energy.npy: It holds numbers that are not finite'),
        ('energy', np.array(['a', 'b']), 'energy.npy: It cannot be read: it holds no numbers'),
        ('energy', np.array([{}, None]), 'energy.npy: It cannot be read: Object arrays'),
        ('real_atom_types', np.array([[0, 2], [0, 1]]), 'real_atom_types.npy: It holds types other than 0 to 1'),
        ('real_atom_types', np.array([[-1, -1], [0, 1]]), 'set.000: `ptr` must'),
    ],
)
def test_refused_arrays(tmp_path, arrays, name, values, message):
    arrays = {key: array for key, array in {**arrays, name: values}.items() if array is not None}
    with pytest.raises(FormatError, match=message):
        read_deepmd(write_system(tmp_path, {'set.000': arrays}, type='0 1', type_map='Li F'))


@pytest.mark.parametrize(
    ('texts', 'message'),
    [
        ({'type': '0 2', 'type_map': 'Li F'}, 'type.raw: It holds types other than 0 to 1'),
        ({'type': '0 -1', 'type_map': 'Li F'}, 'type.raw: This is no list of types'),
        ({'type': '', 'type_map': 'Li F'}, 'type.raw: This is no list of types'),
        ({'type': '0 1', 'type_map': 'Li Type_1'}, 'type_map.raw: `Type_1` is no chemical element'),
        ({'type': '0 1', 'type_map': 'Li X'}, 'type_map.raw: `X` is no chemical element'),
        ({'type': '0 1', 'type_map': ''}, 'There is no `type_map.raw`'),
    ],
)
def test_refused_texts(tmp_path, arrays, texts, message):
    with pytest.raises(FormatError, match=message):
        read_deepmd(write_system(tmp_path, {'set.000': arrays}, **texts))


def test_refused_folders(tmp_path):
    assert not is_deepmd(tmp_path)
    assert not is_deepmd(tmp_path / 'nothing')
    with pytest.raises(FormatError, match='this is no folder of DeePMD'):
        read_deepmd(tmp_path)
    (tmp_path / 'type.raw').write_bytes(b'\xff\xfe')
    (tmp_path / 'type_map.raw').write_text('Li')
    with pytest.raises(FormatError, match='This is no text that can be read'):
        read_deepmd(tmp_path)
    (tmp_path / 'type.raw').write_text('0')
    with pytest.raises(FormatError, match=r'There is no folder `set\.\*` with frames'):
        read_deepmd(tmp_path)


def test_damaged_files(tmp_path, arrays):
    """Any byte that is changed, and any end that is cut off, gives numbers or one sentence."""
    folder = write_system(tmp_path, {'set.000': arrays}, type='0 1', type_map='Li F')
    path = folder / 'set.000' / 'force.npy'
    content = path.read_bytes()
    random = np.random.default_rng(5)
    for end in random.integers(0, len(content), 40):
        path.write_bytes(content[:end])
        with pytest.raises(FormatError, match=r'force\.npy'):
            read_deepmd(folder)
    for place, value in zip(random.integers(0, 128, 80), random.integers(0, 256, 80), strict=True):
        path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
        try:
            frames = read_deepmd(folder).frames
        except FormatError as exception:
            assert 'force.npy' in str(exception)
            continue
        assert np.isfinite(frames.forces).all()
