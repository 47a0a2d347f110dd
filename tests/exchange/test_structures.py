"""Structures from files: what comes in is what the file means, or one sentence says why it does not."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.io import write

from aiida_seimlip.exchange.structures import StructureFileError, read_structure, read_structures
from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.constraints import find_constraints

LIF = ['Li', 'F']
ROCK_SALT = np.array(
    [[0, 0, 0], [2, 2, 0], [2, 0, 2], [0, 2, 2], [2, 0, 0], [0, 2, 0], [0, 0, 2], [2, 2, 2]]
) * (4.03 / 4)  # fmt: skip


@pytest.fixture
def cases(fixtures):
    return fixtures / 'cases'


@pytest.fixture
def crystals(fixtures):
    return fixtures / 'crystals'


def refusal(path, *args, **kwargs) -> str:
    """Return the one sentence that refuses a file."""
    with pytest.raises(StructureFileError) as caught:
        read_structures(path, *args, **kwargs)
    text = str(caught.value)
    assert text.startswith(f'The file {path} ')
    assert text.endswith('.')
    assert '\n' not in text
    return text


# -- LAMMPS, MLIP, POSCAR: files that number types --------------------------------------------------------------------


@pytest.mark.parametrize('name', ['lif.cfg', 'lif.lammpstrj', 'lif.data', 'data.lif'])
@pytest.mark.parametrize('called', ['as it is', 'structure', 'x.cif', 'POSCAR', 'x.xyz', 'x.cfg', 'data.x'])
def test_files_of_numbered_types_under_any_name(cases, tmp_path, name, called):
    path = tmp_path / (name if called == 'as it is' else called)
    shutil.copy(cases / name, path)
    atoms = read_structure(path, LIF)
    assert atoms.get_chemical_symbols() == ['Li'] * 4 + ['F'] * 4
    np.testing.assert_allclose(atoms.positions, ROCK_SALT, atol=1e-12)
    np.testing.assert_allclose(atoms.cell.array, 4.03 * np.eye(3))
    assert atoms.pbc.all()


@pytest.mark.parametrize('name', ['lif.cfg', 'lif.lammpstrj', 'vasp4.POSCAR'])
def test_elements_that_a_file_does_not_tell(cases, crystals, name):
    path = cases / name if (cases / name).exists() else crystals / name
    text = refusal(path)
    assert '`--species Li,F`' in text
    assert read_structure(path, LIF).get_chemical_formula() == 'F4Li4'


def test_elements_from_the_masses(cases, tmp_path):
    assert read_structure(cases / 'lif.data').get_chemical_formula() == 'F4Li4'
    text = (cases / 'lif.data').read_text().replace('  # Li', '').replace('  # F', '')
    (tmp_path / 'x').write_text(text)
    assert read_structure(tmp_path / 'x').get_chemical_formula() == 'F4Li4'
    (tmp_path / 'x').write_text(text.replace('6.94', '1.0').replace('18.998', '1.0'))
    assert 'all its masses are 1' in refusal(tmp_path / 'x')
    (tmp_path / 'x').write_text(text.replace('6.94', '40.0'))
    assert 'the mass 40 of type 1 is that of Ar or Ca' in refusal(tmp_path / 'x')
    (tmp_path / 'x').write_text(text.split('Masses')[0] + 'Atoms' + text.split('Atoms')[1])
    assert 'it has no masses' in refusal(tmp_path / 'x')


def test_data_file_of_this_package(tmp_path, li2co3):
    text, _ = write_data(Frames.from_atoms([li2co3]), ['O', 'C', 'Li'])
    (tmp_path / 'structure.data').write_text(text)
    assert read_structure(tmp_path / 'structure.data').get_chemical_formula() == li2co3.get_chemical_formula()


@pytest.mark.parametrize('style', ['charge', 'full'])
def test_data_files_of_other_styles(tmp_path, style):
    atoms = bulk('NaCl', 'rocksalt', 5.6, cubic=True)
    write(tmp_path / 'x', atoms, format='lammps-data', atom_style=style, specorder=['Na', 'Cl'])
    found = read_structure(tmp_path / 'x', ['Na', 'Cl'])
    assert found.get_chemical_formula() == 'Cl4Na4'
    np.testing.assert_allclose(found.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-6)


def test_too_few_species(cases, crystals):
    assert 'has 2 types, but 1 species are named' in refusal(cases / 'lif.data', ['Li'])
    assert 'only 1 species' in refusal(cases / 'lif.lammpstrj', ['Li'])
    assert 'has 2 kind(s) of atoms, but 3 species are named' in refusal(crystals / 'vasp4.POSCAR', ['Li', 'F', 'O'])


def test_poscar_under_any_name(crystals, tmp_path):
    shutil.copy(crystals / 'fixed.POSCAR', tmp_path / 'no_name_at_all')
    atoms = read_structure(tmp_path / 'no_name_at_all')
    assert atoms.get_chemical_formula() == 'F4Li4'
    assert find_constraints(atoms).fixed == (0, 1, 4, 5)


# -- crystals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('name', 'stated', 'whole'),
    [
        ('argyrodite', 'Cl4Li24P4S20', 'Cl4Li72P4S20'), ('garnet', 'La24Li55.968O96Zr16', 'La24Li120O96Zr16'),
        ('lgps', 'Ge2.06Li20.2P3.94S24', 'Ge4Li28P2S24'), ('half_chain', 'CoLi0.5O2', 'CoLiO2'),
    ],
)  # fmt: skip
def test_disordered_crystals(crystals, name, stated, whole):
    text = refusal(crystals / f'{name}.cif')
    assert f'stated is {stated}, whole atoms would be {whole}' in text
    assert '`aiida-seimlip structure order`' in text
    assert read_structures(crystals / f'{name}.cif', allow_disorder=True).notes == []


def test_split_and_mixed_sites(cases):
    assert 'stated is Li2O1.5S0.5, whole atoms would be Li3OS' in refusal(cases / 'disordered.cif')


def test_cif_without_symmetry(crystals, tmp_path):
    text = refusal(crystals / 'no_symmetry.cif')
    assert 'states no symmetry' in text
    assert 'stated is Li1F1 (4 times in the cell), the sites make FLi' in text
    alone = (crystals / 'no_symmetry.cif').read_text().replace('_cell_formula_units_Z 4\n', '')
    (tmp_path / 'x.cif').write_text(alone)
    (note,) = read_structures(tmp_path / 'x.cif').notes
    assert 'its 2 sites are taken for all there are' in note


def test_composition_that_the_sites_do_not_make(crystals, tmp_path):
    text = (crystals / 'no_symmetry.cif').read_text()
    text = text.replace("'Li1 F1'", "'Li2 F1 H1'")
    text = text.replace('_cell_formula', "_space_group_name_H-M_alt 'F m -3 m'\n_cell_formula")
    (tmp_path / 'x.cif').write_text(text)
    assert 'stated is Li2F1H1 (4 times in the cell), the sites make F4Li4' in refusal(tmp_path / 'x.cif')
    (tmp_path / 'x.cif').write_text(text.replace("'Li2 F1 H1'", "'Li1 F1'").replace('units_Z 4', 'units_Z 2'))
    (note,) = read_structures(tmp_path / 'x.cif').notes  # only their number: perhaps of another cell
    assert 'stated is Li1F1 (2 times in the cell), the sites make F4Li4' in note


def test_elements_on_one_site_without_occupancies(crystals, tmp_path):
    lines = (crystals / 'argyrodite.cif').read_text().replace('_atom_site_occupancy\n', '').splitlines()
    bare = [line.rsplit(' ', 1)[0] if len(line.split()) == 6 else line for line in lines]
    (tmp_path / 'x.cif').write_text('\n'.join(bare) + '\n')
    assert 'puts S and Cl on one site (its sites 4 and 5), and no occupancies' in refusal(tmp_path / 'x.cif')


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('0.440', '0.440(5)'), ('9.8598', '9.8598(3)'), (' 1\n', ' .\n'), (' 1\n', ' ?\n'), ("'F -4 3 m'", "'F-43m'"),
        ('_space_group_IT_number 216\n', ''), ("_space_group_name_H-M_alt 'F -4 3 m'\n", ''), ('\n', '\r\n'),
        ('Li1 Li ', 'Li1 Li1+ '), (' S ', ' S2- '), ('refinement', 'refinement à la carte'),
    ],
)  # fmt: skip
def test_ways_of_writing_a_cif(crystals, tmp_path, old, new):
    (tmp_path / 'x.cif').write_bytes((crystals / 'argyrodite.cif').read_text().replace(old, new).encode())
    assert 'stated is Cl4Li24P4S20, whole atoms would be Cl4Li72P4S20' in refusal(tmp_path / 'x.cif')


# -- geometry ---------------------------------------------------------------------------------------------------------


def test_atoms_on_top_of_each_other(tmp_path):
    atoms = Atoms('Li2O', positions=[[0, 0, 0], [0.3, 0, 0], [2, 2, 2]], cell=[4, 4, 4], pbc=True)
    atoms.write(tmp_path / 'x.xyz')
    assert 'atoms 0 (Li) and 1 (Li) are 0.30 Å apart' in refusal(tmp_path / 'x.xyz')
    atoms.positions[1] = [3.9, 0, 0]  # an image of the first
    atoms.write(tmp_path / 'x.xyz')
    assert 'atoms 0 (Li) and 1 (Li) are 0.10 Å apart' in refusal(tmp_path / 'x.xyz')
    molecule('H2').write(tmp_path / 'x.xyz')
    assert len(read_structure(tmp_path / 'x.xyz')) == 2


def test_cell_without_volume(tmp_path):
    for cell in ('4 0 0 4 0 0 0 0 4', '4 0 0 0 4 0 4 4 0', '0 0 0 0 0 0 0 0 0', 'nan 0 0 0 4 0 0 0 4'):
        (tmp_path / 'x.xyz').write_text(f'1\nLattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T"\nLi 0 0 0\n')
        refusal(tmp_path / 'x.xyz')


def test_left_handed_cells_are_turned_round(tmp_path, li2co3):
    mirrored = li2co3.copy()
    mirrored.set_cell(li2co3.cell.array[[1, 0, 2]])
    mirrored.write(tmp_path / 'x.xyz')
    found = read_structures(tmp_path / 'x.xyz')
    (atoms,) = found.images
    assert 'left-handed' in found.notes[0]
    assert np.linalg.det(atoms.cell.array) > 0
    np.testing.assert_allclose(atoms.positions, li2co3.positions, atol=1e-7)
    np.testing.assert_allclose(atoms.get_all_distances(mic=True), li2co3.get_all_distances(mic=True), atol=1e-6)


def test_molecules_and_slabs_are_read_as_they_are(tmp_path):
    molecule('H2O').write(tmp_path / 'water.xyz')
    assert not read_structure(tmp_path / 'water.xyz').pbc.any()
    fcc111('Cu', (2, 2, 3), vacuum=6).write(tmp_path / 'slab.xyz')
    assert read_structure(tmp_path / 'slab.xyz').pbc.tolist() == [True, True, False]


# -- several configurations, and files that are none ------------------------------------------------------------------


def test_one_of_several(tmp_path):
    write(tmp_path / 'x.xyz', [bulk('Cu', a=a, cubic=True) for a in (3.5, 3.6, 3.7)])
    assert len(read_structures(tmp_path / 'x.xyz').images) == 3
    assert 'holds 3 configurations' in refusal(tmp_path / 'x.xyz', is_single=True)
    assert read_structure(tmp_path / 'x.xyz', index=-1).cell.lengths()[0] == pytest.approx(3.7)
    assert 'holds no configuration 3' in refusal(tmp_path / 'x.xyz', index=3)


@pytest.mark.parametrize(
    'content', [b'', b'\n', b'Dear all,\nhere is it.\n', b'\x00\x01\x02' * 99, b'ITEM: TIMESTEP\n', b'data_x\n']
)
@pytest.mark.parametrize(
    'name', ['x', 'x.cif', 'x.xyz', 'POSCAR', 'x.cfg', 'x.data', 'vasprun.xml', 'OUTCAR', 'x.traj']
)
def test_files_that_hold_no_structure(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refusal(tmp_path / name)
    refusal(tmp_path / name, LIF)


def test_cut_dump(cases, tmp_path):
    (tmp_path / 'x').write_text((cases / 'lif.lammpstrj').read_text()[:-30])
    assert 'it is cut' in refusal(tmp_path / 'x', LIF)


def test_elements_of_a_dump_and_image_flags(cases):
    assert read_structure(cases / 'element.lammpstrj').get_chemical_symbols() == ['Li', 'F']
    atoms = read_structure(cases / 'images.lammpstrj', LIF)
    np.testing.assert_allclose(atoms.positions[0], [4.5, 0, -8])
