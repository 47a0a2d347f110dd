"""Test the node of atomic configurations."""

import numpy as np
import pytest
from aiida import orm
from aiida.common.exceptions import StoringNotAllowed
from ase.build import bulk
from ase.constraints import FixAtoms

from aiida_seimlip.data.frames import ARRAYS, FramesData
from aiida_seimlip.science.frame_arrays import TEXTS
from aiida_seimlip.science.frames import Frames


@pytest.fixture
def frames():
    """Four frames of three compositions; the last one has no labels."""
    rng = np.random.default_rng(2)
    images = [bulk('Si', cubic=True), bulk('NaCl', 'rocksalt', a=5.6), bulk('Si', cubic=True), bulk('Al')]
    for image in images:
        image.positions += rng.normal(scale=0.1, size=image.positions.shape)
    frames = Frames.from_atoms(images)
    forces = rng.normal(size=frames.positions.shape)
    forces[frames.ptr[3] :] = np.nan
    labelled = frames.replace(
        energies=np.array([-8.0, -3.0, -16.0, np.nan]), forces=forces, grades=np.array([1.0, 12.5, np.nan, 2.0]),
        stresses=rng.normal(size=(4, 6)), velocities=rng.normal(size=forces.shape), origin_steps=[0, 10, -1, 5],
        methods=['PBE', 'PBE', 'potential:6f0e', ''], energy_kinds=['free', '', 'free', ''],
    )  # fmt: skip
    return labelled.with_features(
        [{'config_type': 'bulk', 'name': 'Würfel'}, {}, {'config_type': 'bulk'}, {'EFS_by': 'VASP'}]
    )


def assert_equal(one: Frames, two: Frames) -> None:
    for name in ARRAYS:
        a, b = getattr(one, name), getattr(two, name)
        assert (a is None) == (b is None), name
        if a is not None:
            np.testing.assert_array_equal(a, b, err_msg=name)
            assert a.dtype.kind == b.dtype.kind if name in TEXTS else a.dtype == b.dtype


@pytest.mark.parametrize('store', [False, True])
def test_round_trip(frames, store):
    node = FramesData(frames)
    if store:
        node = orm.load_node(node.store().pk)
    assert isinstance(node, FramesData)
    assert_equal(node.get_frames(), frames)
    assert node.hashes == frames.hashes()
    assert len(node) == 4


def test_clone(frames):
    assert_equal(FramesData(frames).store().clone().store().get_frames(), frames)


def test_loaded_arrays_belong_to_the_caller(frames):
    node = FramesData(frames).store()
    node.get_frames().positions[:] = 0.0
    assert_equal(node.get_frames(), frames)


def test_get_atoms(frames):
    atoms = FramesData(frames).get_atoms(1)
    assert atoms.get_chemical_formula() == 'ClNa'
    assert atoms.get_potential_energy() == -3.0
    assert atoms.info['grade'] == 12.5
    assert FramesData(frames).get_atoms(-1).get_chemical_formula() == 'Al'
    with pytest.raises(IndexError):
        FramesData(frames).get_atoms(4)


def test_from_atoms(frames):
    assert_equal(FramesData.from_atoms(frames.to_atoms()).get_frames(), Frames.from_atoms(frames.to_atoms()))


def test_attributes(frames):
    node = FramesData(frames)
    assert (node.n_frames, node.n_atoms) == (4, 19)
    assert node.elements == ('Na', 'Al', 'Si', 'Cl')
    assert node.formulas == {'Si8': 2, 'ClNa': 1, 'Al': 1}
    assert not node.is_labelled
    assert node.n_labelled == 2, 'what a potential predicted is no label'
    assert node.n_predicted == 1
    assert node.methods == {'PBE': 2, 'potential:6f0e': 1, '': 1}, 'the stress of the last one is of unknown origin'
    assert node.energy_kinds == {'free': 2, '': 2}
    assert node.feature_values == {'EFS_by': {'VASP': 1}, 'config_type': {'bulk': 2}, 'name': {'Würfel': 1}}
    assert FramesData(frames[:2]).is_labelled
    assert not FramesData(frames[2:3]).is_labelled
    attributes = node.base.attributes.all
    assert attributes['energy_per_atom_min'] == -2.0
    assert attributes['energy_per_atom_max'] == -1.0
    assert attributes['grade_max'] == 12.5
    assert attributes['force_max'] == pytest.approx(np.nanmax(np.linalg.norm(frames.forces, axis=1)))
    shortest = frames.shortest_distances(5.0)
    assert attributes['shortest_distance_min'] == pytest.approx(shortest.min())
    assert attributes['shortest_distance_max'] == pytest.approx(shortest.max())


def test_attributes_without_labels(frames):
    attributes = FramesData(frames.without_labels().replace(grades=None)).base.attributes.all
    for name in ('energy_per_atom_min', 'energy_per_atom_max', 'force_max', 'grade_max'):
        assert attributes[name] is None


def test_queries(frames):
    FramesData(frames).store()
    one = FramesData(frames[:1]).store()

    def found(**filters):
        filters = {f'attributes.{key}': value for key, value in filters.items()}
        return orm.QueryBuilder().append(FramesData, filters={'id': {'>=': one.pk - 1}, **filters}).count()

    assert found(grade_max={'>': 5}) == 1
    assert found(elements={'contains': ['Si']}) == 2
    assert found(elements={'contains': ['Al']}) == 1
    assert found(is_labelled=True) == 1
    assert found(methods={'has_key': 'PBE'}) == 2
    assert found(methods={'has_key': 'potential:6f0e'}) == 1
    assert found(**{'feature_values.config_type': {'has_key': 'bulk'}}) == 2
    assert found(**{'feature_values.config_type.bulk': 2}) == 1
    assert found(n_frames={'>=': 1}) == 2
    assert found(formulas={'has_key': 'Si8'}) == 2


def test_empty():
    node = FramesData(Frames.empty()).store()
    assert (node.n_frames, node.n_atoms, node.elements, node.is_labelled, node.hashes) == (0, 0, (), False, [])
    assert len(node.get_frames()) == 0
    assert node, 'a node is true even if it holds nothing'


def test_origin(frames):
    first = FramesData(frames).store()
    second = FramesData(first.get_frames(trace=True)[[2, 0]]).store()
    third = FramesData(Frames.concatenate([second.get_frames(trace=True), frames[:1]])).get_frames(trace=True)
    assert third.origin_uuids[:2].tolist() == [first.uuid] * 2
    assert third.origin_indices.tolist() == [2, 0, 2]
    assert third.origin_uuids[2] not in (first.uuid, second.uuid)
    assert third.origin_steps.tolist() == [-1, 0, 0]
    assert first.get_frames().origin_uuids is None


def test_nodes_that_frames_came_from_do_not_count_for_the_cache(frames):
    """A job that was taken over has made a node of its own: what follows must not take it for another input."""
    one, other = (FramesData(frames).store() for _ in range(2))
    joined = [FramesData(node.get_frames(trace=True)).store().base.caching for node in (one, other)]
    assert one.uuid != other.uuid
    assert joined[0].get_hash() == joined[1].get_hash()
    assert joined[0].get_hash() == joined[0].compute_hash()
    for name, array in {
        'energies': np.zeros(4),
        'origin_steps': np.arange(4),
        'positions': frames.positions + 1e-9,
    }.items():
        changed = FramesData(one.get_frames(trace=True).replace(**{name: array})).store()
        assert changed.base.caching.get_hash() != joined[0].get_hash(), name


def test_equal_frames_have_equal_hashes(frames):
    assert FramesData(frames).store().base.caching.get_hash() == FramesData(frames).store().base.caching.get_hash()
    assert FramesData(frames).store().base.caching.get_hash() != FramesData(frames[:3]).store().base.caching.get_hash()


def refuse(node: FramesData, reason: str) -> None:
    with pytest.raises(StoringNotAllowed, match=reason):
        node.store()


def test_refuse_nothing():
    refuse(FramesData(), r'The array\(s\) .*positions.* are missing')


def test_refuse_foreign_array(frames):
    node = FramesData(frames)
    node.set_array('charges', np.zeros(3))
    refuse(node, r'The array\(s\) charges do not belong to FramesData')


def test_refuse_wrong_shape(frames):
    node = FramesData(frames)
    node.set_array('forces', frames.forces[:-1])
    refuse(node, r'`forces` has shape \(18, 3\), expected \(19, 3\)')


def test_refuse_nan_positions(frames):
    node = FramesData(frames)
    node.set_array('positions', np.full_like(frames.positions, np.nan))
    refuse(node, '`positions` holds values that are not finite')


def test_refuse_changed_positions(frames):
    node = FramesData(frames)
    node.set_array('positions', frames.positions + 0.1)
    refuse(node, 'The array `hashes` does not belong to the frames')


def test_refuse_changed_labels(frames):
    node = FramesData(frames)
    node.set_array('energies', np.full(4, np.nan))
    refuse(node, 'The attribute `n_labelled` does not describe the frames, for which it is 0')


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('methods', ['potential:1'] * 4, 'The attribute `n_labelled` does not describe the frames, for which it is 0'),
        ('energy_kinds', ['free'] * 4, 'The attribute `energy_kinds` does not describe the frames'),
        ('energy_kinds', ['total'] * 4, '`energy_kinds` holds values other than'),
        ('features', ['', '', '', '{"a": "b"}'], 'The attribute `feature_values` does not describe the frames'),
        ('features', ['', '', '', '[1]'], 'The features of a frame are damaged'),
    ],
)
def test_refuse_changed_provenance(frames, name, value, reason):
    node = FramesData(frames)
    node.set_array(name, np.array(value))
    refuse(node, reason)


def test_array_of_texts(frames):
    assert FramesData(frames).get_array('methods').tolist() == frames.methods.tolist()


def test_node_of_before(frames):
    """A node that was stored before frames said who computed them: that is unknown, and it is trained on as before."""
    bare = frames[:2].replace(methods=None, energy_kinds=None, features=None)
    node = FramesData(bare)
    for name in ('methods', 'energy_kinds', 'feature_values', 'n_predicted'):
        node.base.attributes.delete(name)
    store_unchecked(node)
    node = orm.load_node(node.pk)
    assert_equal(node.get_frames(), bare)
    assert node.is_labelled
    assert (node.methods, node.energy_kinds, node.feature_values, node.n_predicted) == ({'': 2}, {'': 2}, {}, 0)
    joined = FramesData(Frames.concatenate([node.get_frames(), frames[:1]])).store()
    assert joined.methods == {'': 2, 'PBE': 1}


def store_unchecked(node: FramesData) -> None:
    """Store a node that `FramesData` would refuse today."""
    node._validate = lambda: True
    node.store()


def test_refuse_changed_attribute(frames):
    node = FramesData(frames)
    node.base.attributes.set('elements', ['Li'])
    refuse(node, 'The attribute `elements` does not describe the frames')


def test_constraints_are_not_lost_without_a_word(li2co3):
    fixed = li2co3.copy()
    fixed.set_constraint(FixAtoms([0, 1]))
    with pytest.warns(UserWarning, match='The constraints of 1 of 2 configurations are not kept'):
        FramesData.from_atoms([li2co3, fixed])
