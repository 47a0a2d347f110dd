"""Labels that come late: they join the next iteration, are no failures, and are never lost without a word."""

import pytest
from aiida import orm
from aiida.common.links import LinkType
from plumpy import ProcessState

from aiida_seimlip.engines.pool import kill_processes
from aiida_seimlip.functions.campaign.history import still_out
from aiida_seimlip.options.campaign.history import CampaignHistory, IterationRecord
from aiida_seimlip.workflows.campaign.label import left_behind

LATE = 'Late: process 17 was still running when the deadline of 60 s came.'


@pytest.fixture
def campaign(generate_campaign, potential, make_frames, monkeypatch):
    """Return a function that makes a campaign in its first iteration, with a potential and five labels."""

    def factory(options=None, **inputs):
        process = generate_campaign({'label_deadline': 60.0, **(options or {})}, **inputs)
        process.launched = []
        monkeypatch.setattr(
            process, 'submit_engine', lambda socket, label, **data: process.launched.append((socket, label, data))
        )
        monkeypatch.setattr(process, 'to_context', lambda **kwargs: None)
        process.ctx.potential = potential
        process.ctx.training['iteration_000'] = make_frames(5, labelled=True, seed=50).store()
        process.plan_explorations()
        return process

    return factory


@pytest.fixture
def late(campaign, finished, make_frames):
    """Return a function that makes a campaign, of four frames of which two were late and one failed."""

    def factory(options=None):
        process = campaign(options)
        sent, labelled = make_frames(4, seed=1), make_frames(4, labelled=True, seed=1).get_frames()[[2]]
        process.ctx.to_label = sent.store()
        process.run_labelling()
        failures = orm.Dict({'0': LATE, '1': 'NotConverged: NELM', '3': LATE})
        outputs = {'frames': type(sent)(labelled), 'failures': failures}
        process.ctx.references['selected'] = finished(**outputs)
        assert process.inspect_labelling() is None
        return process, sent

    return factory


def test_late_frames_are_kept_and_are_no_failures(late):
    process, sent = late({'failure_budget': 0.25})
    assert process.ctx.late.hashes == [sent.hashes[0], sent.hashes[3]]
    record = process.node.base.extras.get('seimlip_history')['iterations'][-1]
    assert (record['n_labelled'], record['n_failed'], record['n_late']) == (1, 1, 2)
    assert record['failures'] == {f'{sent.uuid}:1': 'NotConverged: NELM'}
    assert record['late'] == [f'{sent.uuid}:0', f'{sent.uuid}:3']
    assert record['late_uuid'] == process.ctx.late.uuid


def test_late_frames_join_the_next_labelling(late, make_frames):
    process, sent = late()
    process.plan_explorations()
    process.ctx.to_label = make_frames(2, seed=2).store()
    process.run_labelling()
    ((_, label, data),) = process.launched[-1:]
    assert label == 'iteration_002_label_selected'
    assert data['frames'].hashes == [sent.hashes[0], sent.hashes[3], *process.ctx.to_label.hashes]
    assert data['frames'].get_frames().origin_uuids.tolist()[:2] == [sent.uuid] * 2
    assert data['deadline'] == 60.0


def test_nothing_selected_is_no_end_while_labels_are_out(late, finished, make_frames):
    process, sent = late()
    process.plan_explorations()
    process.ctx.candidates = {'run_000': make_frames(1, seed=3).store()}
    assert process.run_selection() is None
    process.ctx.selection = finished(selected=type(sent)(make_frames(1).get_frames()[[]]))
    assert process.inspect_selection() is None
    process.run_labelling()
    assert process.launched[-1][2]['frames'].uuid == process.ctx.late.uuid


def test_late_frames_are_not_selected_a_second_time(late, make_frames):
    process, sent = late()
    process.plan_explorations()
    process.ctx.candidates = {
        'run_000': type(sent)(sent.get_frames()).store(),
        'run_001': make_frames(1, seed=9).store(),
    }
    process.run_selection()
    drops = {drop['reason']: drop['count'] for drop in process.made['filter']['dropped']}
    assert drops == {'labelled before': 1, 'being labelled': 2, 'could not be labelled before': 1}


def test_late_frames_count_for_the_budget_of_labels(late, finished, make_frames):
    """Of ten labels five were there, one is new and two are out: two are left."""
    process, _ = late({'max_labels': 10})
    process.plan_explorations()
    process.ctx.selection = finished(selected=make_frames(4, grades=[4.0, 3.0, 6.0, 5.0], seed=5))
    process.inspect_selection()
    assert process.ctx.to_label.get_frames().grades.tolist() == [6.0, 5.0]


def test_late_labels_that_have_come_are_not_asked_for_again(late, finished, make_frames):
    process, _ = late()
    process.plan_explorations()
    process.ctx.to_label = None
    process.run_labelling()
    labelled = make_frames(4, labelled=True, seed=1).get_frames()[[0, 3]]
    frames = type(process.ctx.late)(labelled)
    process.ctx.references['selected'] = finished(frames=frames, failures=orm.Dict({}))
    assert process.inspect_labelling() is None
    assert process.ctx.late is None
    assert process.ctx.training['iteration_002'].n_frames == 2
    process.results()
    assert process.outputs['history']['late'] == []


def test_last_iteration_waits_for_all(campaign, make_frames):
    process = campaign({'max_iterations': 1})
    process.ctx.to_label = make_frames(2, seed=2).store()
    process.run_labelling()
    assert 'deadline' not in process.launched[-1][2]


def test_labels_out_at_the_end_are_reported(late):
    process, sent = late()
    process.ctx.converged = True
    process.results()
    history = CampaignHistory(**process.outputs['history'].get_dict())
    assert history.late == [f'{sent.uuid}:0', f'{sent.uuid}:3']
    assert process.node.base.extras.get('seimlip_history')['late'] == history.late


def test_no_label_in_time(campaign, finished, make_frames):
    process = campaign()
    process.ctx.to_label = make_frames(1, seed=1).store()
    process.run_labelling()
    process.ctx.references['selected'] = finished(failures=orm.Dict({'0': LATE}))
    exit_code = process.inspect_labelling()
    assert exit_code.status == process.exit_codes.ERROR_FAILURE_BUDGET_EXCEEDED.status
    assert 'no label came in time' in exit_code.message
    assert process.outputs['history']['late']


def test_iterations_without_labelling_change_nothing():
    records = [
        IterationRecord(iteration=1, n_labelled=3, n_late=1, late=['a:0']), IterationRecord(iteration=2),
    ]  # fmt: skip
    assert still_out(records) == ['a:0']
    assert still_out([*records, IterationRecord(iteration=3, n_labelled=1)]) == []


class Controller:
    """Stands for the connection to the workers: remembers what is to be killed."""

    def __init__(self):
        self.killed = []

    def kill_process(self, pk, msg_text=None):
        self.killed.append(pk)


def called_by(caller, state, label):
    """Store a process that another one has called."""
    node = orm.WorkChainNode()
    node.base.links.add_incoming(caller, LinkType.CALL_WORK, label)
    node.set_process_state(state)
    return node.store()


def test_jobs_left_behind_are_killed_with_the_campaign(campaign, monkeypatch):
    process = campaign()
    over = called_by(process.node, ProcessState.FINISHED, 'iteration_000_label')
    present = called_by(process.node, ProcessState.WAITING, 'iteration_001_label')
    late = called_by(over, ProcessState.WAITING, 'frame_000')
    called_by(over, ProcessState.FINISHED, 'frame_001')
    called_by(present, ProcessState.WAITING, 'frame_000')
    controller = Controller()
    monkeypatch.setattr(type(process.runner), 'controller', controller)
    assert left_behind(process.node) == [late.pk]
    kill_processes(process, left_behind(process.node))
    assert controller.killed == [late.pk]


def test_killing_without_workers_is_logged(campaign, caplog):
    kill_processes(campaign(), [4321])
    assert 'process 4321 is not killed' in caplog.text
