"""Recognising and reading files of labelled frames."""

import gzip
import shutil
import sqlite3
import zipfile
from contextlib import closing

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write

from aiida_seimlip.exchange.readers.found import LabelKeys, ReadError, ReadOptions
from aiida_seimlip.exchange.readers.registry import FORMATS, read_frames, recognise

LIF = ReadOptions(species=('Li', 'F'))
STRESS = [0.01, 0.02, 0.03, 0, 0, 0]
FORCES = [[0.1, 0.2, 0.3], [-0.1, -0.2, -0.3]]
CASES = ('plain.xyz', 'mace_ref.xyz', 'gap_dft.xyz', 'virials.xyz')


def image(energy=-9.5, **results):
    atoms = Atoms('LiF', [[0, 0, 0], [2, 2.1, 2]], cell=[4, 4, 4], pbc=True)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=FORCES, stress=STRESS, **results)
    return atoms


def assert_labelled(frames, n_frames=1):
    assert len(frames) == n_frames
    assert frames.is_labelled
    np.testing.assert_allclose(frames.energies, -9.5)
    np.testing.assert_allclose(frames.forces, np.tile(FORCES, (n_frames, 1)))
    np.testing.assert_allclose(frames.stresses, np.tile(STRESS, (n_frames, 1)), atol=1e-15)


def test_each_format_is_there_once():
    names = [known.name for known in FORMATS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize('name', CASES)
def test_extended_xyz(fixtures, name):
    found = read_frames([fixtures / 'cases' / name])
    assert_labelled(found.frames)
    assert set(found.tally.used) == {'energy', 'forces', 'stress'}
    features = found.frames.features_of(0)
    assert (features['source_file'], features['source_index']) == (name, '0')
    assert features.get('config_type') == (None if name == 'virials.xyz' else 'bulk')


def test_several_files_with_different_names(fixtures):
    found = read_frames([fixtures / 'cases' / name for name in CASES])
    assert_labelled(found.frames, 4)
    assert found.tally.used['energy'] == {'energy': 2, 'REF_energy': 1, 'dft_energy': 1}
    assert [source.name for source in found.sources] == list(CASES)
    assert all(source.kind == 'extended XYZ' for source in found.sources)


@pytest.mark.parametrize('name', ['a.traj', 'a.db', 'a.json', 'a.xyz'])
def test_files_of_ase(tmp_path, name):
    path = tmp_path / name
    write(path, [image(), image()])
    assert_labelled(read_frames([path]).frames, 2)


@pytest.mark.parametrize('name', ['a.traj', 'a.db', 'a.json', 'a.xyz'])
def test_free_energy_of_ase(tmp_path, name):
    write(tmp_path / name, [image(energy=-9.48, free_energy=-9.5)])
    found = read_frames([tmp_path / name])
    assert_labelled(found.frames)
    assert found.frames.energy_kinds.tolist() == ['free']
    assert found.tally.left_out == {'energy': 1}


def test_rows_of_a_database(tmp_path):
    path = tmp_path / 'a.db'
    atoms = image()
    atoms.calc = None
    with connect(path) as database:
        database.write(
            atoms,
            REF_energy=-9.5,
            config_type='bulk',
            data={'REF_forces': FORCES, 'REF_virial': [-0.64, -1.28, -1.92, 0, 0, 0]},
        )
    frames = read_frames([path]).frames
    assert_labelled(frames)
    assert frames.features_of(0)['config_type'] == 'bulk'


def test_databases_of_others_are_left_as_they_are(tmp_path):
    path = tmp_path / 'a.db'
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('CREATE TABLE mine (x)')
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(ReadError, match='is not known'):
        read_frames([path])
    assert path.read_bytes() == before


@pytest.mark.parametrize('name', ['a.traj', 'a.db', 'a.json'])
def test_files_that_cannot_be_written_to(tmp_path, name):
    path = tmp_path / name
    write(path, [image()])
    path.chmod(0o444)
    before = path.read_bytes()
    assert_labelled(read_frames([path]).frames)
    assert path.read_bytes() == before


def test_info_and_calculator_disagree(tmp_path):
    atoms = image()
    atoms.info['energy'] = -9.6
    write(tmp_path / 'a.traj', [image(), atoms])
    with pytest.raises(ReadError, match='frame 1: `energy` stands in calculator and in info with different values'):
        read_frames([tmp_path / 'a.traj'])


def test_cfg(fixtures):
    found = read_frames([fixtures / 'mlip3' / 'shared' / 'train30.cfg'], ReadOptions(species=('Li', 'C', 'O')))
    assert found.frames.is_labelled
    assert found.frames.elements == ('Li', 'C', 'O')
    assert found.tally.used['energy'] == {'Energy': len(found.frames)}
    assert found.tally.used['stress'] == {'PlusStress': len(found.frames)}
    assert found.frames.features_of(0)['source_file'] == 'train30.cfg'


def test_who_calculated_a_cfg(fixtures):
    options = ReadOptions(species=('Li', 'C', 'O'))
    frames = read_frames([fixtures / 'mlip3' / 'shared' / 'train30.cfg'], options).frames
    assert set(frames.methods) == {'GFN1-xTB'}
    predicted = read_frames([fixtures / 'mlip3' / 'shared' / '11_calculate_efs_out.cfg'], options).frames
    assert predicted.is_predicted.all()
    assert not predicted.labelled.any()
    with pytest.raises(ReadError, match='--method is `PBE`, but the files say `GFN1-xTB`'):
        read_frames(
            [fixtures / 'mlip3' / 'shared' / 'train30.cfg'], ReadOptions(species=('Li', 'C', 'O'), method='PBE')
        )


def test_cfg_needs_species(fixtures):
    with pytest.raises(ReadError, match=r'lif\.cfg.*--species'):
        read_frames([fixtures / 'cases' / 'lif.cfg'])


@pytest.mark.parametrize('name', CASES)
def test_compressed(fixtures, tmp_path, name):
    path = tmp_path / f'{name}.gz'
    path.write_bytes(gzip.compress((fixtures / 'cases' / name).read_bytes()))
    assert_labelled(read_frames([path]).frames)


def test_latin_1(fixtures, tmp_path):
    text = (fixtures / 'cases' / 'plain.xyz').read_text().replace('bulk', 'Würfel')
    (tmp_path / 'a.xyz').write_bytes(text.encode('latin-1'))
    assert read_frames([tmp_path / 'a.xyz']).frames.features_of(0)['config_type'] == 'Würfel'
    (tmp_path / 'a.xyz').write_bytes(b'\xef\xbb\xbf' + text.encode())
    assert read_frames([tmp_path / 'a.xyz']).frames.features_of(0)['config_type'] == 'Würfel'


@pytest.mark.parametrize('wrong', ['a.cfg', 'a.traj', 'POSCAR', 'a.txt', 'a'])
def test_content_comes_before_the_name(fixtures, tmp_path, wrong):
    shutil.copy(fixtures / 'cases' / 'gap_dft.xyz', tmp_path / wrong)
    assert_labelled(read_frames([tmp_path / wrong]).frames)
    shutil.copy(fixtures / 'cases' / 'lif.cfg', tmp_path / 'b.xyz')
    assert recognise(tmp_path / 'b.xyz').name.startswith('configurations of MLIP')


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('cases/lif.data', 'LAMMPS data'), ('cases/lif.lammpstrj', 'a dump of LAMMPS'),
        ('cases/disordered.cif', 'a CIF'),
        ('mlip3/shared/l08_nbh_30.almtp', 'potential import'), ('nothing.xyz', 'There is no file'),
    ],
)  # fmt: skip
def test_what_is_no_set_of_frames(fixtures, name, reason):
    with pytest.raises(ReadError, match=reason):
        read_frames([fixtures / name])


def test_packed_files_of_others(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        archive.writestr('text.txt', 'hello')
    with zipfile.ZipFile(tmp_path / 'a.model', 'w') as archive:
        archive.writestr('a/data.pkl', 'hello')
    with pytest.raises(ReadError, match=r'The format of .* is not known'):
        read_frames([tmp_path / 'a.zip'])
    with pytest.raises(ReadError, match='is a model of PyTorch'):
        read_frames([tmp_path / 'a.model'])


def test_long_methods_and_predictions(tmp_path):
    long = 'PBE' + '+U' * 300
    images = [image(free_energy=-9.5), image()]
    images[1].info['method'] = 'potential:0123'
    write(tmp_path / 'a.xyz', images)
    frames = read_frames([tmp_path / 'a.xyz'], ReadOptions(method=long)).frames
    assert frames.methods.tolist() == [long, 'potential:0123']
    assert frames.labelled.tolist() == [True, False]


def test_empty_file(tmp_path):
    (tmp_path / 'a.xyz').write_text('\n')
    with pytest.raises(ReadError, match='is empty'):
        read_frames([tmp_path / 'a.xyz'])


def test_damaged_trajectory(tmp_path):
    write(tmp_path / 'a.traj', [image()])
    (tmp_path / 'a.traj').write_bytes((tmp_path / 'a.traj').read_bytes()[:200])
    with pytest.raises(ReadError, match=r'a\.traj.*cannot be read as a trajectory of ASE'):
        read_frames([tmp_path / 'a.traj'])


# -- methods and kinds of energy --------------------------------------------------------------------------------------


def test_method_and_kind(fixtures):
    found = read_frames([fixtures / 'cases' / 'plain.xyz'], ReadOptions(method='PBE', energy_kind='sigma0'))
    assert found.frames.methods.tolist() == ['PBE']
    assert found.frames.energy_kinds.tolist() == ['sigma0']


def test_kinds_of_energy_are_not_mixed(tmp_path):
    write(tmp_path / 'a.xyz', [image(free_energy=-9.5), image(), image()])
    with pytest.raises(ReadError, match=r'several kinds \(2 not known, 1 free\)'):
        read_frames([tmp_path / 'a.xyz'])
    found = read_frames([tmp_path / 'a.xyz'], ReadOptions(energy_kind='free'))
    assert found.frames.energy_kinds.tolist() == ['free'] * 3
    found = read_frames([tmp_path / 'a.xyz'], ReadOptions(keys=LabelKeys(energy='energy')))
    assert found.frames.energy_kinds is None
    with pytest.raises(ReadError, match=r'several kinds \(1 free, 2 sigma0\)'):
        read_frames([tmp_path / 'a.xyz'], ReadOptions(energy_kind='sigma0'))


def test_file_knows_its_method(tmp_path):
    atoms = image()
    atoms.info['method'] = 'GFN1-xTB'
    write(tmp_path / 'a.xyz', [atoms])
    assert read_frames([tmp_path / 'a.xyz']).frames.methods.tolist() == ['GFN1-xTB']
    with pytest.raises(ReadError, match='--method is `PBE`, but the files say `GFN1-xTB`'):
        read_frames([tmp_path / 'a.xyz'], ReadOptions(method='PBE'))


@pytest.mark.parametrize('name', ['a.xyz', 'a.traj'])
def test_atoms_of_this_package_written_by_ase(fixtures, tmp_path, name):
    frames = read_frames([fixtures / 'cases' / 'gap_dft.xyz'], ReadOptions(method='PBE')).frames
    frames = frames.replace(grades=np.array([2.5]), origin_steps=np.array([7]))
    write(tmp_path / name, frames.to_atoms())
    again = read_frames([tmp_path / name]).frames
    assert again.methods.tolist() == ['PBE']
    assert again.features_of(0) == frames.features_of(0)
    assert (again.grades[0], again.origin_steps[0]) == (2.5, 7)


def test_name_that_no_frame_has(fixtures):
    options = ReadOptions(keys=LabelKeys(energy='E_tot'))
    with pytest.raises(ReadError, match='No frame has `E_tot`, which --energy-key names'):
        read_frames([fixtures / 'cases' / 'plain.xyz'], options)


# -- stresses are never lost silently ---------------------------------------------------------------------------------


@pytest.mark.parametrize('key', ['virial', 'virials', 'REF_virial', 'stress', 'dft_stress', 'my_virials', 'STRESS'])
@pytest.mark.parametrize('pbc', ['T T T', 'T T F', 'F F F'])
@pytest.mark.parametrize('values', [' '.join([value] * n) for value in ('0.1', 'nan', 'abc') for n in (1, 6, 9)])
def test_a_set_with_virials_has_stresses(fixtures, tmp_path, key, pbc, values):
    text = (fixtures / 'cases' / 'plain.xyz').read_text()
    comment = text.splitlines()[1].split(' stress=')[0]
    lines = [text.splitlines()[0], f'{comment} {key}="{values}" pbc="{pbc}"', *text.splitlines()[2:]]
    (tmp_path / 'a.xyz').write_text('\n'.join(lines) + '\n')
    try:
        frames = read_frames([tmp_path / 'a.xyz']).frames
    except ReadError as exception:
        assert key in str(exception)
    else:
        is_text = 'abc' in values and key == 'my_virials'  # which is a feature: nobody can take it for a stress
        assert is_text or (frames.stresses is not None and np.isfinite(frames.stresses).all())


def test_slabs_beside_crystals(tmp_path):
    slab = image()
    slab.pbc = [True, True, False]
    slab.calc = SinglePointCalculator(slab, energy=-9.5, forces=FORCES, stress=STRESS)
    write(tmp_path / 'a.xyz', [image(), slab])
    found = read_frames([tmp_path / 'a.xyz'])
    assert np.isfinite(found.frames.stresses).all(axis=1).tolist() == [True, False]
    assert found.tally.lost == {'stress': 1}
    assert any('not periodic in all directions' in note for note in found.tally.notes)
    with pytest.raises(ReadError, match='--ignore stress'):
        write(tmp_path / 'b.xyz', [slab])
        read_frames([tmp_path / 'b.xyz'])
    options = ReadOptions(keys=LabelKeys(ignored=frozenset({'stress'})))
    assert read_frames([tmp_path / 'b.xyz'], options).frames.stresses is None
