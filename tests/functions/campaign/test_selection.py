"""Candidates that are selected for a committee."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.campaign.selection import select_by_committee
from aiida_seimlip.functions.evaluation import compare_predictions, match_predictions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.testing import world


@pytest.fixture
def potential():
    return PotentialData.from_mtp(world.trained()[0]).store()


def cells(*seeds, scale=0.1):
    return Frames.from_atoms([world.image(seed, scale=scale) for seed in seeds])


def select(potential, candidates, training, **options):
    sets = {f'set_{index}': FramesData(part) for index, part in enumerate(training)}
    node = select_by_committee(orm.Dict(options), potential, FramesData(candidates).store(), **sets)
    return node.get_frames()


def test_phases_that_are_alike_share_no_labels(potential):
    """Ten cells of one kind that is known, and one each of two others: these two are selected."""
    known = [cells(*range(5)), cells(*range(5, 10))]
    others = [world.image(50, scale=0.0, strain=0.0) for _ in range(2)]
    others[0].set_cell(0.85 * others[0].cell.array, scale_atoms=True)
    others[1].set_cell(1.15 * others[1].cell.array, scale_atoms=True)
    candidates = Frames.concatenate([cells(*range(20, 30)), Frames.from_atoms(others)])
    chosen = select(potential, candidates, known, n_frames=2, grade_weight=0.0)
    assert set(chosen.hashes()) == set(candidates[[10, 11]].hashes())


def test_the_same_frames_are_selected_again(potential):
    candidates = cells(*range(20, 40)).replace(grades=np.linspace(0.1, 2.0, 20))
    first, second = (select(potential, candidates, [cells(*range(5))], n_frames=5) for _ in range(2))
    assert first.hashes() == second.hashes()
    assert first.grades.tolist() == second.grades.tolist()


def test_grades_decide_where_they_are_all_that_counts(potential):
    grades = np.random.default_rng(1).permutation(np.linspace(0.1, 2.0, 20))
    candidates = cells(*range(20, 40)).replace(grades=grades)
    chosen = select(potential, candidates, [cells(*range(5))], n_frames=5, grade_weight=1.0)
    np.testing.assert_allclose(np.sort(chosen.grades), np.sort(grades)[-5:])


def test_predictions_are_found_by_content():
    """Frames that were labelled are paired with what a potential said of them, in whatever order, and no others."""
    labelled = Frames.from_atoms([world.labelled(world.image(seed)) for seed in range(4)])
    shift = 0.25
    predicted = labelled[[2, 0, 3]]
    predicted = predicted.replace(energies=predicted.energies + 8 * shift, forces=predicted.forces + shift)
    node = FramesData(predicted).store()
    one, other = match_predictions(labelled, [node])
    assert one.hashes() == other.hashes() == labelled[[0, 2, 3]].hashes()
    errors = compare_predictions(FramesData(labelled), predicted=node)['errors'].get_dict()
    assert errors['n_frames'] == 3
    assert errors['energy_mev_per_atom'] == pytest.approx(1e3 * shift)
    assert errors['force_ev_per_angstrom'] == pytest.approx(shift)
    nobody = FramesData(predicted.replace(energies=None)).store()
    assert compare_predictions(FramesData(labelled), predicted=nobody) == {}
