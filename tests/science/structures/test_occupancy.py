"""What crystals state about who is on their sites."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read, write

from aiida_seimlip.science.structures.occupancy import (
    composition,
    explain_disorder,
    explain_occupancies,
    formula,
    is_whole,
    read_occupancies,
)


def test_split_and_mixed_sites_of_a_file(fixtures):
    atoms = read(fixtures / 'cases' / 'disordered.cif')
    text = explain_occupancies(atoms)
    assert text.startswith('3 of 5 sites are occupied in part or by several elements (site 1: Li 0.5): ')
    assert 'stated is Li2O1.5S0.5, whole atoms would be Li3OS' in text
    assert composition(read_occupancies(atoms)) == pytest.approx({'Li': 2.0, 'O': 1.5, 'S': 0.5})


def test_whole_occupancies_are_no_disorder(tmp_path):
    crystal = bulk('NaCl', 'rocksalt', 5.6, cubic=True)
    crystal.write(tmp_path / 'salt.cif')  # ASE writes a column of occupancies, all 1
    atoms = read(tmp_path / 'salt.cif')
    assert 'occupancy' in atoms.info
    assert explain_occupancies(atoms) is None
    assert explain_occupancies(crystal) is None
    assert read_occupancies(crystal) is None


def test_symmetry_multiplies_the_composition(tmp_path):
    text = bulk_cif('Fm-3m', [('Li', 'Li', (0, 0, 0), 0.25), ('O', 'O', (0.5, 0, 0), 1.0)])
    (tmp_path / 'x.cif').write_text(text)
    assert 'stated is LiO4, whole atoms would be Li4O4' in explain_occupancies(read(tmp_path / 'x.cif'))


def bulk_cif(group, sites):
    rows = '\n'.join(f'{label} {element} {x} {y} {z} {occ}' for label, element, (x, y, z), occ in sites)
    return (
        'data_x\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n_cell_angle_beta 90\n'
        f"_cell_angle_gamma 90\n_space_group_name_H-M_alt '{group}'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n"
        '_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n' + rows + '\n'
    )


def test_a_column_of_occupancies():
    atoms = Atoms('LiF', positions=[[0, 0, 0], [2, 0, 0]], cell=[4, 4, 4], pbc=True)
    atoms.set_array('occupancy', np.array([0.75, 1.0]))
    assert 'stated is FLi0.75, whole atoms would be FLi' in explain_occupancies(atoms)
    for whole in ([1, 1.0], [0, 0.0]):  # some programs write 0 where they know none
        atoms.set_array('occupancy', np.array(whole))
        assert explain_occupancies(atoms) is None


@pytest.mark.parametrize('value', [0.5, 'half', [1.0, 0.5], {'Li': 0.5}, {'0': 0.5}, {'1.5': {'Li': 0.5}}])
def test_something_else_of_that_name(value):
    atoms = Atoms('Li', cell=[4, 4, 4], pbc=True)
    atoms.info['occupancy'] = value
    assert explain_occupancies(atoms) is None


def test_through_extxyz(fixtures, tmp_path):
    """What ASE knows of a CIF stays with the atoms when they are written elsewhere."""
    write(tmp_path / 'disordered.xyz', read(fixtures / 'cases' / 'disordered.cif'), format='extxyz')
    assert 'stated is Li2O1.5S0.5, whole atoms would be Li3OS' in explain_occupancies(read(tmp_path / 'disordered.xyz'))


def test_disorder_is_seen_where_the_kinds_are_lost(fixtures):
    atoms = read(fixtures / 'cases' / 'disordered.cif')
    del atoms.arrays['spacegroup_kinds']
    assert 'occupied in part' in explain_occupancies(atoms)
    assert 'occupied in part' in explain_occupancies(read(fixtures / 'cases' / 'disordered.cif') * (2, 1, 1))


def test_what_a_site_holds():
    assert is_whole({'Li': 1.0})
    assert is_whole({'Li': 0.9995, 'Na': 0.0})
    assert not is_whole({'Li': 0.5})
    assert not is_whole({'O': 0.5, 'S': 0.5})
    assert not is_whole({})
    assert formula([{'Li': 0.5}, {'C': 1.0}, {'O': 1 / 3}]) == 'CLi0.5O0.333'
    assert explain_disorder([{'Li': 1.0}], ['Li']) is None
