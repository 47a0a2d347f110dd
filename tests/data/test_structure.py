"""What can be wrong with a start, whoever asks."""

from __future__ import annotations

import pytest
from aiida import orm
from aiida.orm.nodes.data.structure import Kind, Site
from ase import Atoms
from ase.build import bulk, fcc111, molecule

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import explain_sites, faults_of_structure, get_frame, occupancies_of


def structure_of(*kinds: Kind) -> orm.StructureData:
    """Return a cube with a site of each kind."""
    structure = orm.StructureData(cell=[[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]])
    for index, kind in enumerate(kinds):
        structure.append_kind(kind)
        structure.append_site(Site(kind_name=kind.name, position=(2.0 * index, 0.0, 0.0)))
    return structure


VACANCY = Kind(symbols='Li', weights=0.5, name='Li')
ALLOY = Kind(symbols=['O', 'S'], weights=[0.5, 0.5], name='OS')
WHOLE = Kind(symbols='F', name='F')
UNKNOWN = Kind(symbols='X', name='X')


def test_structure_of_whole_atoms():
    structure = structure_of(Kind(symbols='Li', name='Li1'), WHOLE)
    assert explain_sites(structure) is None
    assert list(faults_of_structure('start', structure, periodic='LAMMPS', moves=True)) == []
    assert get_frame(structure).formulas == ['FLi']


@pytest.mark.parametrize(
    ('kinds', 'words'),
    [
        ((VACANCY, WHOLE), 'stated is FLi0.5, whole atoms would be FLi'),
        ((ALLOY, WHOLE), 'stated is FO0.5S0.5, whole atoms would be FO'),
        ((Kind(symbols=['O', 'S'], weights=[0.25, 0.5], name='OSX'),), 'stated is O0.25S0.5, whole atoms would be S'),
        ((UNKNOWN, WHOLE), 'site 0 is of the kind `X`, which is no element'),
    ],
)
def test_sites_that_are_no_atoms(kinds, words):
    structure = structure_of(*kinds)
    (fault,) = faults_of_structure('structures.start', structure, periodic='LAMMPS')
    assert fault.startswith('Input `structures.start` is no crystal of whole atoms: ')
    assert words in fault
    with pytest.raises(ValueError, match='In the structure, '):
        get_frame(structure)


def test_occupancies_of_a_structure():
    assert occupancies_of(structure_of(VACANCY, ALLOY)) == [{'Li': 0.5}, {'O': 0.5, 'S': 0.5}]


SLAB = fcc111('Cu', (2, 2, 3), vacuum=6)
MOLECULE = molecule('H2O')
CRYSTAL = bulk('Cu', cubic=True)


@pytest.mark.parametrize('make', [orm.StructureData, FramesData.from_atoms], ids=['structure', 'frames'])
@pytest.mark.parametrize(
    ('atoms', 'words'),
    [(SLAB, 'is periodic along a and b only, but LAMMPS'), (MOLECULE, 'is not periodic, but LAMMPS')],
)
def test_open_directions(make, atoms, words):
    node = make(ase=atoms) if make is orm.StructureData else make([atoms])
    (fault,) = faults_of_structure('start', node, periodic='LAMMPS')
    assert words in fault
    assert '`pbc`' in fault
    assert list(faults_of_structure('start', node)) == []


def test_one_of_several_frames_is_named():
    node = FramesData.from_atoms([CRYSTAL, SLAB, CRYSTAL, SLAB])
    (fault,) = faults_of_structure('start', node, periodic='LAMMPS')
    assert fault.startswith('Input `start` (frame 1 and 1 more) is periodic along a and b only')


@pytest.mark.parametrize('make', [orm.StructureData, FramesData.from_atoms], ids=['structure', 'frames'])
def test_a_single_atom_cannot_move(make):
    atom = Atoms('Cu', cell=[3, 3, 3], pbc=True)
    node = make(ase=atom) if make is orm.StructureData else make([atom])
    (fault,) = faults_of_structure('start', node, moves=True)
    assert fault.startswith('Input `start` holds one atom, which cannot move')
    assert list(faults_of_structure('start', node)) == []
