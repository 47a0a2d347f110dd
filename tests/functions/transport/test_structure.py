"""Nodes with radial distributions and counts of units hold what the analysis found."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.transport.structure import calculate_rdf, count_units
from aiida_seimlip.options.transport.structure import RdfOptions, UnitOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import li2co3


@pytest.fixture
def trajectory():
    """Li2CO3 that loses an oxygen of one carbonate in its third and fourth frame."""
    rng = np.random.default_rng(1)
    images = [li2co3() for _ in range(4)]
    for index, image in enumerate(images):
        image.info['md_step'] = 100 * index
        image.positions += rng.normal(0, 0.03, image.positions.shape)
    carbon = 8
    end = next(i for i in range(12, 24) if images[0].get_distance(carbon, i, mic=True) < 1.5)
    for image in images[2:]:
        image.set_distance(carbon, end, 2.1, fix=0, mic=True)
    return FramesData(Frames.from_atoms(images)).store()


def test_rdf(aiida_profile, trajectory):
    options = RdfOptions(pairs=(('Li', 'O_carbonate'),), cutoff=4.0, every=3)
    node = calculate_rdf(trajectory, orm.Dict(options.to_dict()))
    assert node.creator.inputs.trajectory.uuid == trajectory.uuid
    assert node.base.attributes.get('n_frames') == 2
    (pair,) = node.base.attributes.get('pairs')
    assert (pair['key'], pair['centre'], pair['neighbour']) == ('Li_O_carbonate', 'Li', 'O_carbonate')
    assert pair['shell']['peak'] == pytest.approx(2.0, abs=0.1)
    r, g, coordination = (node.get_array(f'Li_O_carbonate_{name}') for name in ('r', 'g', 'coordination'))
    assert r.shape == g.shape == coordination.shape == (200,)
    # the second of the two frames has lost one of its twelve carbonate oxygens, or all three of that ion
    assert coordination[np.searchsorted(r, 2.5)] < 4.0


def test_rdf_by_element(aiida_profile, trajectory):
    node = calculate_rdf(trajectory, orm.Dict({'kinds': 'element', 'cutoff': 3.0}))
    keys = [pair['key'] for pair in node.base.attributes.get('pairs')]
    assert keys == ['Li_Li', 'Li_C', 'Li_O', 'C_C', 'C_O', 'O_O']
    assert {f'{key}_g_error' for key in keys} <= set(node.get_arraynames())


def test_count_units(aiida_profile, trajectory):
    outputs = count_units(trajectory, orm.Dict(UnitOptions().to_dict()))
    counts = outputs['counts']
    assert counts.get_array('step').tolist() == [0, 100, 200, 300]
    assert counts.get_array('intact_CO3').tolist() == [4, 4, 3, 3]
    assert outputs['summary'].get_dict() == {
        'n_frames': 4, 'has_decomposed': True,
        'intact': {'CO3': {'first': 4, 'last': 3, 'lowest': 3, 'share_of_frames_with_loss': 0.5}},
        'others': {
            formula: {'first': 0, 'last': 1, 'highest': 1, 'share_of_frames': 0.5} for formula in ('CO2', 'O')
        },
    }  # fmt: skip


def test_count_units_of_every_other_frame(aiida_profile, trajectory):
    counts = count_units(trajectory, orm.Dict({'units': ['CO3'], 'every': 2}))['counts']
    assert counts.get_array('frame').tolist() == [0, 2]
    assert counts.get_array('step').tolist() == [0, 200]
    assert set(counts.get_arraynames()) == {'frame', 'step', 'intact_CO3', 'other_CO2', 'other_O'}
