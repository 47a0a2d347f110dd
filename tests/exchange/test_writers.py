"""What is exported comes back when it is imported, to the last bit."""

import numpy as np
import pytest
from ase.io import read
from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_seimlip.exchange.imports import fingerprint
from aiida_seimlip.exchange.readers.found import ReadOptions
from aiida_seimlip.exchange.readers.registry import read_frames
from aiida_seimlip.exchange.writers import write_cfg_file, write_extxyz_file, write_packed_file
from aiida_seimlip.science.frames import Frames

SPECIES = ('Li', 'C', 'O')
WRITERS = {
    'a.xyz': write_extxyz_file, 'a.npz': write_packed_file,
    'a.cfg': lambda path, frames: write_cfg_file(path, frames, SPECIES),
}  # fmt: skip
TEXTS = ['bulk', 'a b', ' x ', '', 'Würfel', 'back\\slash', 'say "hi"', "it's", '{1 2}', 'T', '1 2 3', '_JSON {}', '鋰',
         'tab\there', 'new\nline', '\r\u2028', 'a=b', '[1]']  # fmt: skip


def make_frames(seed=0, n_frames=20):
    """Return frames of awkward numbers in triclinic cells, with everything that can be known about them."""
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 6, n_frames)
    n_atoms = int(sizes.sum())
    spread = 10.0 ** generator.integers(-9, 3, (n_atoms, 3))
    cells = generator.normal(size=(n_frames, 3, 3)) + 6 * np.eye(3)
    return Frames(
        numbers=generator.choice([3, 6, 8], n_atoms), positions=generator.normal(size=(n_atoms, 3)) * spread,
        ptr=np.concatenate([[0], np.cumsum(sizes)]), cells=cells, pbc=np.ones((n_frames, 3)),
        energies=generator.normal(-1e4, 1e3, n_frames), forces=generator.normal(size=(n_atoms, 3)) * spread[::-1],
        stresses=generator.normal(0, 0.1, (n_frames, 6)), grades=generator.uniform(0, 10, n_frames),
        methods=np.array(['GFN1-xTB', 'PBE+U']).repeat(n_frames)[:n_frames],
        energy_kinds=np.full(n_frames, 'free'), origin_uuids=np.full(n_frames, '0' * 8 + '-' + '1' * 27),
        origin_indices=np.arange(n_frames), origin_steps=generator.integers(0, 1000, n_frames),
    ).with_features([
        {'config_type': TEXTS[index % len(TEXTS)], 'energy': '5', 'my_force': 'x', 'EFS_by': 'VASP'}
        for index in range(n_frames)
    ])  # fmt: skip


def assert_same(frames, again):
    for name in ('numbers', 'positions', 'ptr', 'cells', 'pbc', 'energies', 'forces', 'stresses', 'grades'):
        one, two = getattr(frames, name), getattr(again, name)
        assert (one is None and two is None) or one.tobytes() == two.tobytes(), name
    assert frames.hashes() == again.hashes()
    for name in ('methods', 'energy_kinds', 'origin_uuids', 'origin_indices', 'origin_steps'):
        np.testing.assert_array_equal(getattr(frames, name), getattr(again, name), err_msg=name)
    for index in range(len(frames)):
        features = again.features_of(index)
        assert features.pop('source_file').startswith('a.')
        assert features.pop('source_index') == str(index)
        assert features == frames.features_of(index)


@pytest.mark.parametrize('name', WRITERS)
@pytest.mark.parametrize('seed', range(5))
def test_round_trip(tmp_path, name, seed):
    frames = make_frames(seed)
    WRITERS[name](tmp_path / name, frames)
    assert_same(frames, read_frames([tmp_path / name], ReadOptions(species=SPECIES)).frames)


@pytest.mark.parametrize('name', WRITERS)
def test_what_is_unknown_stays_unknown(tmp_path, name):
    frames = make_frames()
    unknown = np.array([True, False] * 10)
    frames = frames.replace(
        energies=np.where(unknown, np.nan, frames.energies),
        forces=np.where(unknown[frames.frame_of_atom][:, None], np.nan, frames.forces),
        stresses=np.where(unknown[:, None], np.nan, frames.stresses), grades=None, methods=None, energy_kinds=None,
        origin_uuids=None, origin_indices=None, origin_steps=None,
    )  # fmt: skip
    WRITERS[name](tmp_path / name, frames)
    again = read_frames([tmp_path / name], ReadOptions(species=SPECIES)).frames
    np.testing.assert_array_equal(again.energies, frames.energies)
    np.testing.assert_array_equal(again.stresses, frames.stresses)
    np.testing.assert_array_equal(again.forces, frames.forces)
    assert again.grades is None
    assert fingerprint(again.replace(methods=None, energy_kinds=None)) == fingerprint(frames), 'it is stored twice'
    WRITERS[name](tmp_path / name, frames.without_labels())
    again = read_frames([tmp_path / name], ReadOptions(species=SPECIES)).frames
    assert (again.energies, again.forces, again.stresses) == (None, None, None)


@settings(max_examples=60, deadline=None)
@given(name=st.text(min_size=1), value=st.text(), file=st.sampled_from([*WRITERS]))
def test_features_of_any_name_and_value(tmp_path_factory, name, value, file):
    path = tmp_path_factory.mktemp('features') / file
    if '\x00' in name + value or name in ('source_file', 'source_index'):
        return
    if any('\ud800' <= letter <= '\udfff' for letter in name + value):
        return
    frames = make_frames(n_frames=1).with_features([{name: value}])
    WRITERS[file](path, frames)
    assert_same(frames, read_frames([path], ReadOptions(species=SPECIES)).frames)


def test_partly_periodic_frames(tmp_path):
    frames = make_frames(n_frames=4)
    frames = frames.replace(pbc=np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 1, 1]]), stresses=None)
    write_extxyz_file(tmp_path / 'a.xyz', frames)
    assert_same(frames, read_frames([tmp_path / 'a.xyz']).frames)
    assert 'not periodic are left out' in ' '.join(write_cfg_file(tmp_path / 'a.cfg', frames[:3], SPECIES))
    with pytest.raises(ValueError, match='later cell vector'):
        write_cfg_file(tmp_path / 'a.cfg', frames, SPECIES)


def test_velocities(tmp_path):
    frames = make_frames(n_frames=2)
    frames = frames.replace(velocities=np.arange(frames.numbers.size * 3.0).reshape(-1, 3))
    write_extxyz_file(tmp_path / 'a.xyz', frames)
    again = read_frames([tmp_path / 'a.xyz']).frames
    np.testing.assert_allclose(again.velocities, frames.velocities, rtol=1e-14)
    assert write_cfg_file(tmp_path / 'a.cfg', frames, SPECIES) == ['Velocities are left out.']


def test_ase_reads_what_is_written(tmp_path):
    frames = make_frames()
    write_extxyz_file(tmp_path / 'a.xyz', frames)
    for index, image in enumerate(read(tmp_path / 'a.xyz', ':')):
        assert image.get_potential_energy() == frames.energies[index]
        assert image.get_potential_energy(force_consistent=True) == frames.energies[index]
        np.testing.assert_array_equal(image.get_forces(), frames[index].forces)
        np.testing.assert_array_equal(image.get_stress(), frames.stresses[index])
        assert image.info['method'] == frames.methods[index]
        assert image.info['grade'] == frames.grades[index]
