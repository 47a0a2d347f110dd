"""Pictures of atoms, and the data of the view that turns them."""

from __future__ import annotations

from aiida_seimlip.report.starts.pictures import Picture, colour_of, gallery, turnable
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.molecules import MOLECULES
from aiida_seimlip.science.structures.packing import pack

CELL = Frames.from_atoms(
    [pack([MOLECULES['Li2CO3'].atoms, MOLECULES['LiPF6'].atoms], [2, 1], [9.0, 10.0, 11.0], tolerance=1.8, seed=1)]
)


def test_view_holds_all_atoms():
    """Bonds are those of two carbonates and a PF6; each element has a colour and a radius."""
    view = turnable([('mix', 'a note', [Picture('at the end', CELL), Picture('packed', CELL)])])
    (start,) = view.data['starts']
    assert (start['name'], [state['label'] for state in start['states']]) == ('mix', ['at the end', 'packed'])
    state = start['states'][0]
    assert len(state['atoms']) == len(state['positions']) == 20
    assert len(state['bonds']) == 2 * 3 + 6
    assert {state['atoms'][i] + state['atoms'][j] for i, j in state['bonds']} <= {'CO', 'OC', 'PF', 'FP'}
    assert set(view.data['elements']) == {'C', 'F', 'Li', 'O', 'P'}
    assert len({element['colour'] for element in view.data['elements'].values()}) == 5
    assert view.data['elements']['C']['radius'] < view.data['elements']['Li']['radius']


def test_hydrogen_is_seen_on_white():
    assert colour_of('H') != '#ffffff'


def test_gallery_names_its_pictures():
    svg = gallery([Picture(f'start {n}', CELL, 'bad' if n == 4 else '') for n in range(5)], 'salt')
    assert svg.startswith('<svg')
    assert all(f'start {n}' in svg for n in range(5))
    assert '#b84f00' in svg
