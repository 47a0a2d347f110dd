"""A campaign goes on where another one has ended, with all that is known."""

import pytest
from aiida import orm
from aiida.common.links import LinkType
from plumpy import ProcessState

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.history import CampaignHistory, IterationRecord
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

to_continue = ActiveLearningWorkChain.get_builder_to_continue


@pytest.fixture
def past(generate_campaign, make_frames, potential):
    """Return a function that makes a campaign, killed in its second iteration before the labels were learned."""

    def factory(options=None, *, converged=False, **inputs):
        process = generate_campaign({'max_labels': None, **(options or {})}, **inputs)
        node = process.node
        sets = [make_frames(n, labelled=True, seed=seed).store() for n, seed in ((5, 1), (2, 2), (3, 3))]
        made = [(5, potential.uuid), (2, potential.uuid), (3, None)]
        records = [
            IterationRecord(iteration=number, n_labelled=n, training_uuid=frames.uuid, potential_uuid=uuid)
            for number, (frames, (n, uuid)) in enumerate(zip(sets, made, strict=True), start=process.ctx.iteration)
        ]
        history = CampaignHistory(iterations=records, converged=converged)
        node.base.extras.set('seimlip_history', history.model_dump(mode='json'))
        node.set_process_state(ProcessState.KILLED)
        return node, sets

    return factory


def begin(builder):
    """Return the process of a builder, set up but not run."""
    from aiida.engine.utils import instantiate_process
    from aiida.manage import get_manager

    process = instantiate_process(get_manager().get_runner(), builder)
    process.setup()
    return process


def test_all_that_is_known_is_taken_over(past, potential):
    node, sets = past()
    builder = to_continue(node, max_iterations=9)
    training = {'iteration_000': sets[0], 'iteration_001': sets[1], 'iteration_002': sets[2]}
    assert {name: found.uuid for name, found in builder.initial_training.items()} == {
        name: found.uuid for name, found in training.items()
    }
    assert builder.initial_potential.uuid == potential.uuid
    assert builder.reference.parameters.uuid == node.inputs.reference.parameters.uuid
    assert builder.structures.keys() == {'crystal', 'other'}
    options = builder.options.get_dict()
    old = node.inputs.options.get_dict()
    changed = {key: options[key] for key in options if options[key] != old.get(key)}
    assert changed == {
        'max_iterations': 9, 'first_iteration': 2, 'continues': node.uuid, 'train_first': True,
    }  # fmt: skip


def test_it_begins_after_the_last_iteration(past):
    node, _ = past()
    process = begin(to_continue(node, max_iterations=9))
    assert not process.should_bootstrap()
    assert process.should_train_first()  # the last labels have not been learned
    assert list(process.ctx.training) == ['iteration_000', 'iteration_001', 'iteration_002']
    process.plan_explorations()
    assert process.ctx.current == 'iteration_003'
    process.ctx.converged = True
    process.results()
    history = CampaignHistory(**process.outputs['history'].get_dict())
    assert history.continues == node.uuid
    assert [record.iteration for record in history.iterations] == [3]
    assert history.iterations[0].n_training == 10


def test_no_random_number_is_used_again(past):
    node, _ = past()
    process = begin(to_continue(node, max_iterations=9))
    process.plan_explorations()
    seeds = {entry['seed'] for entry in process.made['plan']['explorations']}
    other = begin(node.get_builder_restart())
    for _ in range(3):
        other.plan_explorations()
        known = {entry['seed'] for entry in other.made['plan']['explorations']}
        assert bool(known & seeds) == (other.ctx.iteration == 3)


def test_a_potential_that_knows_all_labels_is_not_trained_again(past):
    node, _ = past()
    content = node.base.extras.get('seimlip_history')
    content['iterations'] = content['iterations'][:2]
    node.base.extras.set('seimlip_history', content)
    process = begin(to_continue(node, max_iterations=9))
    assert not process.should_train_first()
    assert process.ctx.iteration == 1


def test_continuing_what_continues(past):
    first, second = (FramesData(node.get_frames()) for node in past()[1][:2])
    training = {'initial_old': first, 'iteration_000': second}
    options = {'first_iteration': 4, 'max_iterations': 8, 'continues': 'x'}
    node, _ = past(options, initial_training=training)
    builder = to_continue(node, max_iterations=9)
    names = ['initial_old', 'iteration_000', 'iteration_004', 'iteration_005', 'iteration_006']
    assert sorted(builder.initial_training) == names
    assert builder.options['first_iteration'] == 6
    assert list(begin(builder).ctx.training) == names


def test_failures_and_late_frames_are_handed_on(past, make_frames):
    node, _ = past()
    sent, failures = make_frames(3, seed=8).store(), orm.Dict({'0': 'NotConverged', '2': 'Late: process 1'}).store()
    late = make_frames(1, seed=9).store()
    labelling = orm.WorkChainNode(process_type='aiida.workflows:seimlip.reference.ase')
    labelling.base.links.add_incoming(sent, LinkType.INPUT_WORK, 'frames')
    labelling.base.links.add_incoming(node, LinkType.CALL_WORK, 'iteration_001_label_selected')
    labelling.store()
    failures.base.links.add_incoming(labelling, LinkType.RETURN, 'failures')
    content = node.base.extras.get('seimlip_history')
    content['iterations'][2] |= {'n_late': 1, 'late_uuid': late.uuid}
    node.base.extras.set('seimlip_history', content)
    process = begin(to_continue(node, max_iterations=9))
    assert process.ctx.late.uuid == late.uuid
    process.plan_explorations()
    process.submit_engine = lambda *args, **kwargs: None
    process.to_context = lambda **kwargs: None
    process.ctx.candidates = {'run_000': FramesData(sent.get_frames()[[0, 1]]).store(), 'run_001': late}
    process.run_selection()
    drops = {drop['reason']: drop['count'] for drop in process.made['filter']['dropped']}
    assert drops == {'could not be labelled before': 1, 'being labelled': 1}


def test_ended_before_its_first_label(past):
    """It is the same campaign once more; labels that its jobs may have left are found by their content."""
    node, _ = past()
    node.base.extras.delete('seimlip_history')
    builder = to_continue(node)
    assert builder.options['first_iteration'] == 0
    process = begin(builder)
    assert process.should_bootstrap()


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'max_iterations': 2}, 'has come to iteration 2: `max_iterations` (2) must be a larger number.'),
        ({'max_iterations': 9, 'max_labels': 10}, 'has 10 labels: `max_labels` (10) must be a larger number.'),
    ],
)
def test_nothing_left_to_do(past, options, words):
    node, _ = past()
    with pytest.raises(ValueError, match='must be a larger number') as error:
        to_continue(node, **options)
    assert words in str(error.value)


def test_potential_that_was_refused_is_not_taken_over(past):
    node, _ = past()
    node.set_exit_status(ActiveLearningWorkChain.exit_codes.ERROR_INITIAL_POTENTIAL_UNFIT.status)
    with pytest.raises(ValueError, match='initial potential does not belong to its training set'):
        to_continue(node, max_iterations=9)


def test_converged_campaign_is_continued_with_other_options_only(past):
    node, _ = past(converged=True)
    for limits in ({}, {'max_iterations': 9}, {'max_labels': 99}, {'max_iterations': 9, 'max_labels': 99}):
        with pytest.raises(ValueError, match='has converged'):
            to_continue(node, **limits)
    conditions = [{'temperature': 90.0, 'n_steps': 100}]
    builder = to_continue(node, max_iterations=9, exploration={'conditions': conditions})
    assert builder.options['exploration']['conditions'][0]['temperature'] == 90.0


def test_running_campaign_is_refused(past):
    node, _ = past()
    node.set_process_state(ProcessState.WAITING)
    with pytest.raises(ValueError, match='is not over yet'):
        to_continue(node, max_iterations=9)


def test_node_that_was_not_imported(past):
    node, _ = past()
    content = node.base.extras.get('seimlip_history')
    content['iterations'][0]['training_uuid'] = '00000000-0000-4000-8000-000000000000'
    node.base.extras.set('seimlip_history', content)
    with pytest.raises(ValueError, match='import the whole campaign'):
        to_continue(node, max_iterations=9)
