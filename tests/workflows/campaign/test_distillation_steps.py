"""What a distillation refuses, what it warns of, and how it ends where something goes wrong."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.distillation_results import AlignmentRecord, DistillationResults
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.workflows.campaign.distillation import DistillationWorkChain
from tests.workflows.campaign.distilled import build
from tests.workflows.conftest import crystal


def labels(n: int, method: str = 'truth') -> FramesData:
    """Return labelled frames."""
    frames = Frames.from_atoms([crystal(index, scale=0.1) for index in range(n)])
    frames = frames.replace(energies=[float(i) for i in range(n)], forces=0.1 * frames.positions)
    return FramesData(frames.computed_by(method, 'free'))


@pytest.fixture
def explain(code, tmp_path):
    """Return a function that says what is wrong with inputs, or None."""
    from aiida_seimlip.cli.run_process import explain_inputs

    def factory(overrides=None, codes=None, **given):
        return explain_inputs(build(code, tmp_path, codes, overrides, **given))

    return factory


def test_inputs_are_right(explain):
    assert explain() is None


def test_refuse_labels_that_use_up_the_budget(explain):
    fault = explain({'options': {'max_labels': 3}}, initial_reference={'a': labels(3)})
    assert 'Input `initial_reference` holds 3 labels: `max_labels` (3)' in fault


def test_refuse_predictions_as_labels_of_the_reference(explain):
    fault = explain(initial_reference={'a': labels(2, 'potential:01234567-0000-0000-0000-000000000000')})
    assert 'Input `initial_reference.a`' in fault
    assert 'what a potential predicts is no label' in fault


def test_refuse_a_reference_that_is_the_teacher(explain):
    parameters = {'parameters': {'calculator': {'name': 'lj', 'method_label': 'teacher'}}}
    assert 'both label by `teacher`' in explain({'reference': parameters})


def test_faults_of_the_campaign_name_its_place(explain):
    fault = explain({'campaign': {'engines': {'exploration': 'nothing'}}})
    assert 'Input `campaign.engines' in fault


def test_a_model_that_is_to_be_trained_is_needed(explain, code):
    tuned = {'engines': {'tuning': 'mlip3'}}
    codes = {'tuning': code('seimlip.mlip3.train')}
    assert 'Input `campaign.reference.potential` is missing: the teacher' in explain(tuned, codes)


def test_balanced_protocol_trains_mace(code, tmp_path):
    from aiida_seimlip.cli.run_process import explain_inputs

    codes = {
        'teacher': code('seimlip.ase'), 'tuning': code('seimlip.mace.train'), 'reference': code('seimlip.ase'),
        'training': code('seimlip.mlip3.train'), 'exploration': code('seimlip.lammps'),
    }  # fmt: skip
    arguments = (codes, {'crystal': FramesData.from_atoms([crystal()])})
    given = {'protocol': 'balanced', 'overrides': {'tuning': {'parameters': {'atom_energies': {'Ne': 0.0, 'Ar': 0.0}}}}}
    builder = DistillationWorkChain.get_builder_from_protocol(*arguments, **given)
    assert 'or give labels of the reference in `initial_reference`' in explain_inputs(builder)
    builder = DistillationWorkChain.get_builder_from_protocol(*arguments, **given, initial_reference={'dft': labels(4)})
    assert explain_inputs(builder) is None


def test_warnings(code, tmp_path):
    without = {'campaign': {'options': {'held_out': None}}}
    found = list(DistillationWorkChain.find_warnings(build(code, tmp_path, None, without)._inputs(prune=True)))
    assert any('asks for no `held_out` frames' in warning for warning in found)
    assert any('`max_student_force_error`' in warning for warning in found)


# -- ends -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def process(code, tmp_path, potential):
    """Return a process in its first round, with a student."""
    builder = build(code, tmp_path, None, {'options': {'max_labels': 4}}, initial_reference={'a': labels(2)})
    made = instantiate_process(get_manager().get_runner(), builder)
    made.setup()
    made.ctx.round, made.ctx.student = 1, potential
    made.ctx.teacher_sets = {'round_01_iteration_000': labels(3, 'teacher').store()}
    made.ctx.records = [{'round': 1, 'converged': True, 'n_teacher': 3, 'campaign_message': None}]
    return made


def test_campaign_without_a_potential(process, finished):
    process.ctx.campaign_process = finished(300, 'Nothing works.')
    code = process.inspect_campaign()
    assert (code.status, 'Nothing works.' in code.message) == (300, True)
    results = DistillationResults(**process.outputs['results'].get_dict())
    assert results.message == code.message
    assert results.n_given == 2


def test_campaign_that_did_not_converge_is_gone_on_with(process, finished, potential):
    process.ctx.round = 2
    process.ctx.campaign_process = finished(
        400, 'Explorations still break.', potential=potential, training__iteration_000=labels(2, 'teacher')
    )
    assert process.inspect_campaign() is None
    assert not process.ctx.converged
    assert process.record['campaign_message'].endswith('Explorations still break.')
    assert process.record['n_teacher'] == 5


def test_reference_that_fails(process, finished):
    process.ctx.sent = labels(4)
    process.ctx.reference_process = finished(failures=orm.Dict({'0': 'No SCF.', '1': 'No SCF.'}), frames=labels(2))
    code = process.inspect_reference()
    assert (code.status, code.message.endswith('could not label 2 of 4 frames: No SCF.')) == (310, True)


def test_single_failures_are_borne(process, finished):
    process.ctx.sent = labels(4)
    process.ctx.reference_process = finished(failures=orm.Dict({'0': 'No SCF.'}), frames=labels(3))
    assert process.inspect_reference() is None
    assert process.record['n_failed'] == 1


def test_teacher_that_fails(process, finished):
    process.ctx.teacher_process = finished(failures=orm.Dict({'0': 'Out of memory.'}), frames=labels(2))
    code = process.inspect_teacher()
    assert (code.status, code.message.endswith('Out of memory.')) == (320, True)


def test_training_of_the_teacher_that_fails(process, finished):
    process.ctx.tuning_process = finished(330, 'It diverged.')
    code = process.inspect_tuning()
    assert (code.status, 'It diverged.' in code.message) == (330, True)


def test_student_keeps_the_zero_that_it_has_learned(process, potential):
    old, new = (
        orm.Dict(AlignmentRecord(
            per_element={'Ne': shift, 'Ar': 2 * shift}, is_determined=True, compositions=[{'Ne': 1}, {'Ar': 1}],
            residual_mev_per_atom=0.0, n_frames=2, teacher_method='teacher', reference_method='truth',
        ).model_dump()).store()
        for shift in (1.0, 5.0)
    )  # fmt: skip
    process.ctx.student_alignment, process.ctx.alignment = old, new
    process.end('ERROR_CAMPAIGN_FAILED', number=2, reason='Nothing works.')
    raised = process.outputs['potential'].get_mtp().species_coeffs - potential.get_mtp().species_coeffs
    assert raised == pytest.approx([1.0, 2.0])
    (name,) = process.ctx.teacher_sets
    distilled = process.outputs['distilled'][name].get_frames().energies
    assert distilled - [0.0, 1.0, 2.0] == pytest.approx(np.full(3, 2 * 5.0 + 6 * 10.0))


def test_nothing_left_to_label(process):
    process.ctx.reference_sets = {'a': process.ctx.teacher_sets['round_01_iteration_000']}
    assert process.run_reference().status == 410


@pytest.mark.parametrize(
    ('state', 'status', 'words'),
    [
        ((True, True, 3), None, ''),
        ((True, False, 3), 402, 'the last campaign did not converge: Explorations still break.'),
        ((False, True, 3), 400, 'After 2 rounds of labels'),
        ((False, True, 4), 401, 'With 4 labels of the reference'),
        ((False, False, 4), 401, 'the errors are not within their bounds, and explorations break.'),
    ],
)
def test_how_it_ends(process, state, status, words):
    process.ctx.accepted, process.ctx.converged, n_labels = state
    process.ctx.reference_sets = {'a': labels(n_labels).store()}
    process.ctx.records[-1]['campaign_message'] = None if process.ctx.converged else 'Explorations still break.'
    code = process.results()
    assert (None if code is None else code.status) == status
    assert words in ('' if code is None else code.message)
    assert 'results' in process.outputs


@pytest.mark.parametrize(
    ('teacher', 'student', 'accepted'), [(0.05, 0.2, True), (0.15, 0.2, False), (0.05, 0.4, False), (None, 0.2, False)]
)
def test_bounds(process, teacher, student, accepted):
    process.settings = process.settings.model_copy(
        update={'max_force_error': 0.1, 'max_energy_error': None, 'max_student_force_error': 0.3}
    )
    errors = [ErrorsRecord(n_frames=3, force_ev_per_angstrom=value) for value in (teacher, student)]
    assert process.is_accepted(*errors) is accepted
