"""Labels that are known already are taken over, and only they."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.labels import take_known
from aiida_seimlip.science.frames import Frames


def images(n: int, seed: int = 0) -> list[Atoms]:
    """Return displaced cells of argon of different sizes."""
    rng = np.random.default_rng(seed)
    cells = [bulk('Ar', a=5.3, cubic=True) * (1 + index % 2, 1, 1) for index in range(n)]
    for atoms in cells:
        atoms.positions += rng.normal(scale=0.1, size=atoms.positions.shape)
    return cells


def with_labels(frames: Frames, seed: int = 0) -> Frames:
    """Return the frames with numbers by which their labels are recognised."""
    rng = np.random.default_rng(seed)
    return frames.replace(
        energies=rng.normal(size=len(frames)), forces=rng.normal(size=frames.positions.shape),
        stresses=rng.normal(size=(len(frames), 6)),
    )  # fmt: skip


@pytest.fixture
def frames() -> Frames:
    """Return five frames with grades."""
    return Frames.from_atoms(images(5)).replace(grades=np.arange(5.0))


def test_known_frames_get_their_labels(frames):
    """Labels come from two sources in another order; frames, grades and origins stay."""
    labels = with_labels(frames)
    sources = {'a': FramesData(labels[[3]]), 'b': FramesData(labels[[2, 0]])}
    node = FramesData(frames).store()
    outputs = take_known(node, **sources)
    known, unknown = outputs['known'].get_frames(), outputs['unknown'].get_frames()
    assert known.hashes() == frames[[0, 2, 3]].hashes()
    np.testing.assert_array_equal(known.energies, labels.energies[[0, 2, 3]])
    np.testing.assert_array_equal(known.forces, labels[[0, 2, 3]].forces)
    np.testing.assert_array_equal(known.stresses, labels.stresses[[0, 2, 3]])
    np.testing.assert_array_equal(known.grades, [0.0, 2.0, 3.0])
    assert known.origin_uuids.tolist() == [node.uuid] * 3
    assert known.origin_indices.tolist() == [0, 2, 3]
    assert unknown.hashes() == frames[[1, 4]].hashes()
    assert unknown.origin_indices.tolist() == [1, 4]
    assert unknown.energies is None


def test_who_computed_comes_with_the_label(frames):
    """A prediction is taken where there is no label, whatever the order of the sources, and remains a prediction."""
    features = [{'config_type': f'{index}', 'EFS_by': 'VASP'} for index in range(len(frames))]
    predicted = with_labels(frames, seed=1).computed_by('potential:ab', 'free')
    labelled = with_labels(frames[[0, 2]]).computed_by('PBE', 'sigma0')
    outputs = take_known(FramesData(frames.with_features(features)), a=FramesData(predicted), b=FramesData(labelled))
    known = outputs['known'].get_frames()
    assert known.methods.tolist() == ['PBE', 'potential:ab', 'PBE', 'potential:ab', 'potential:ab']
    assert known.energy_kinds.tolist() == ['sigma0', 'free', 'sigma0', 'free', 'free']
    np.testing.assert_array_equal(known.energies[[0, 2]], labelled.energies)
    assert outputs['known'].n_labelled == 2
    assert known.features_of(1) == {'config_type': '1'}, 'what is known of the frame stays, who labelled it does not'


def test_provenance_names_the_sources(frames):
    source = FramesData(with_labels(frames))
    known = take_known(FramesData(frames), a=source)['known']
    assert known.creator.inputs.a.uuid == source.uuid


def test_all_known_leaves_nothing(frames):
    assert set(take_known(FramesData(frames), a=FramesData(with_labels(frames)))) == {'known'}


def test_nothing_known(frames):
    other = FramesData(with_labels(Frames.from_atoms(images(2, seed=1))))
    outputs = take_known(FramesData(frames), a=other)
    assert set(outputs) == {'unknown'}
    assert outputs['unknown'].hashes == frames.hashes()


def test_labels_of_the_frames_themselves_do_not_count(frames):
    outputs = take_known(FramesData(with_labels(frames)), a=FramesData(with_labels(frames[[0]], seed=1)))
    assert outputs['unknown'].n_labelled == 0
    np.testing.assert_array_equal(outputs['known'].get_frames().energies, with_labels(frames[[0]], seed=1).energies)


def test_first_source_wins(frames):
    first, second = with_labels(frames, seed=1), with_labels(frames, seed=2)
    known = take_known(FramesData(frames), b=FramesData(second), a=FramesData(first))['known']
    np.testing.assert_array_equal(known.get_frames().energies, first.energies)


def test_frames_without_forces_are_passed_over(frames):
    labels = with_labels(frames)
    forces = labels.forces.copy()
    forces[0, 0] = np.nan
    outputs = take_known(FramesData(frames), a=FramesData(labels.replace(forces=forces)))
    assert outputs['unknown'].hashes == frames[[0]].hashes()


def test_a_frame_that_occurs_twice_is_labelled_twice(frames):
    twice = frames[[0, 0, 1]]
    outputs = take_known(FramesData(twice), a=FramesData(with_labels(frames[[0]])))
    assert outputs['known'].n_frames == 2
    assert outputs['unknown'].n_frames == 1


def test_stress_may_be_unknown(frames):
    source = FramesData(with_labels(frames[[0]]).replace(stresses=None))
    other = FramesData(with_labels(frames[[1]]))
    known = take_known(FramesData(frames[:2]), a=source, b=other)['known'].get_frames()
    assert np.isnan(known.stresses[0]).all()
    assert np.isfinite(known.stresses[1]).all()
