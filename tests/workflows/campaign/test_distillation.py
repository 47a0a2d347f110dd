"""A distillation with the programs that come with the package, none of which is pretended."""

import numpy as np
import pytest
from aiida.engine import run_get_node

from aiida_seimlip.options.campaign.distillation_results import DistillationResults
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from tests.workflows.campaign.distilled import CONSTANTS, build

pytestmark = pytest.mark.slow
_RUN = {}


@pytest.fixture
def distillation(code, tmp_path):
    """Return outputs and process, which is run once for all tests of this module."""
    if not _RUN:
        _RUN['outputs'], _RUN['node'] = run_get_node(build(code, tmp_path))
    return _RUN['outputs'], _RUN['node']


@pytest.fixture
def results(distillation) -> DistillationResults:
    """Return what was found."""
    return DistillationResults(**distillation[0]['results'].get_dict())


def test_it_ends_with_few_labels_of_the_reference(distillation, results):
    outputs, node = distillation
    assert node.is_finished_ok, node.exit_message
    assert results.accepted
    assert results.converged
    assert [record.n_reference for record in results.rounds] == [6, 6]
    assert results.n_reference == sum(each.n_frames for each in outputs['reference'].values()) == 6
    assert results.n_teacher > 2 * results.n_reference


def test_constants_of_the_elements_are_found(results):
    assert results.alignment.is_determined
    assert results.alignment.per_element == pytest.approx(CONSTANTS, abs=1e-6)
    assert results.alignment.residual_mev_per_atom < 1e-3
    assert not results.alignment.unknown


def test_potential_has_the_zero_of_the_reference(distillation):
    outputs, _ = distillation
    frames = Frames.concatenate(node.get_frames() for node in outputs['reference'].values())
    predicted = evaluate(outputs['potential'].get_mtp(), frames)
    assert np.abs((predicted.energies - frames.energies) / frames.sizes).max() < 2e-3
    assert sorted(outputs['potential'].compositions) == [[0, 1], [1, 3]]


def test_labels_of_both_kinds_go_together(distillation):
    outputs, _ = distillation
    distilled = Frames.concatenate(node.get_frames() for node in outputs['distilled'].values())
    assert set(distilled.methods) == {'teacher, shifted to truth'}
    reference = Frames.concatenate(node.get_frames() for node in outputs['reference'].values())
    assert set(reference.methods) == {'truth'}
    energies = dict(zip(distilled.hashes(), distilled.energies, strict=True))
    same = [(energies[value], reference.energies[i]) for i, value in enumerate(reference.hashes()) if value in energies]
    assert len(same) >= 3
    assert np.ptp(same, axis=1).max() < 1e-6


def test_errors_are_those_of_labels_that_nobody_has_learned_from(distillation, results):
    first = results.rounds[0]
    assert (first.n_fresh, first.n_chosen, first.n_failed) == (3, 3, 0)
    assert first.teacher.n_frames == 6
    assert first.teacher.force_ev_per_angstrom < 1e-9
    assert first.teacher.energy_mev_per_atom < 1e-3
    assert 0 < first.student.force_ev_per_angstrom < 0.1
    assert any('two methods, truth and teacher' in doubt for doubt in results.doubts)


def test_student_learns_from_both_with_weights(distillation, results):
    _, node = distillation
    campaign = node.base.links.get_outgoing(link_label_filter='round_02_campaign').one().node
    assert set(campaign.inputs.initial_training) >= {'reference'}
    assert campaign.inputs.options['allow_mixed_methods']
    weights = campaign.inputs.training.parameters['weights']
    assert weights == {'initial_reference': results.rounds[0].weight}
    held = [one.n_frames for name, one in campaign.inputs.initial_training.items() if name != 'reference']
    assert weights['initial_reference'] == max(1, round(sum(held) / 6))
    assert campaign.inputs.initial_training.reference.methods == {'truth, shifted to teacher': 6}


def test_no_label_of_the_reference_is_bought_twice(distillation):
    outputs, _ = distillation
    hashes = [value for node in outputs['reference'].values() for value in node.hashes]
    assert len(set(hashes)) == len(hashes)
