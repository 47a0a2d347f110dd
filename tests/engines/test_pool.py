"""Many processes at once: none twice, none forgotten, whatever ends when."""

import asyncio

import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import WorkChain, run_get_node, while_
from aiida.engine.persistence import get_object_loader
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from aiida.orm.utils.serialize import deserialize_unsafe, serialize
from plumpy import Bundle, LoadSaveContext, ProcessState, ensure_portal, run_until_complete

from aiida_seimlip.engines.pool import PoolMixin

UNDER_WAY = {'now': 0, 'most': 0, 'ended': 0}


class SleeperWorkChain(WorkChain):
    """A process that sleeps, and ends as it is told."""

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.input('seconds', valid_type=orm.Float)
        spec.input('status', valid_type=orm.Int, default=lambda: orm.Int(0))
        spec.outline(cls.sleep)

    def sleep(self):
        """Let all others run for a while."""
        UNDER_WAY['now'] += 1
        UNDER_WAY['most'] = max(UNDER_WAY['most'], UNDER_WAY['now'])
        run_until_complete(self.loop, self.dream(self.inputs.seconds.value))
        UNDER_WAY['now'] -= 1
        UNDER_WAY['ended'] += 1
        return self.inputs.status.value

    async def dream(self, seconds):
        """Sleep so long, or until so many others have ended."""
        if seconds >= 0:
            return await asyncio.sleep(seconds)
        for _ in range(6000):
            if UNDER_WAY['ended'] >= -seconds:
                return None
            await asyncio.sleep(0.01)
        raise RuntimeError('The others have not ended within a minute.')


class SleepersWorkChain(PoolMixin, WorkChain):
    """Run sleepers: ``plan`` gives the seconds of each by name."""

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.input('plan', valid_type=orm.Dict, serializer=orm.to_aiida_type)
        spec.input('statuses', valid_type=orm.Dict, serializer=orm.to_aiida_type, default=lambda: orm.Dict({}))
        spec.input('elsewhere', valid_type=orm.Dict, serializer=orm.to_aiida_type, default=lambda: orm.Dict({}))
        spec.input('max_concurrent', valid_type=orm.Int, serializer=orm.to_aiida_type, required=False)
        spec.input('deadline', valid_type=orm.Float, serializer=orm.to_aiida_type, required=False)
        spec.outline(cls.fill, while_(cls.has_jobs)(cls.run_jobs), cls.results)
        spec.output('ended', valid_type=orm.Dict)
        spec.output('late', valid_type=orm.Dict)

    def fill(self):
        self.ctx.queue = sorted(self.inputs.plan.get_dict())

    def find_job(self, name):
        pk = self.inputs.elsewhere.get_dict().get(name)
        return None if pk is None else orm.load_node(pk)

    def submit_job(self, name):
        inputs = {'seconds': orm.Float(self.inputs.plan[name]), 'status': self.inputs.statuses.get_dict().get(name, 0)}
        inputs['status'] = orm.Int(inputs['status'])
        return self.submit(SleeperWorkChain, **inputs, metadata={'call_link_label': name})

    def results(self):
        self.out('ended', orm.Dict({name: job.pk for name, job in self.ctx.jobs.items()}).store())
        self.out('late', orm.Dict({name: self.explain_late(name) for name in self.ctx.late}).store())


@pytest.fixture(autouse=True)
def nothing_under_way(monkeypatch):
    UNDER_WAY.update(now=0, most=0, ended=0)
    monkeypatch.setattr(get_manager().get_runner(), '_poll_interval', 0.02)


def run(**inputs):
    outputs, node = run_get_node(SleepersWorkChain, **inputs)
    assert node.is_finished_ok, node.exception or node.exit_message
    return outputs['ended'].get_dict(), outputs['late'].get_dict(), node


def children(node):
    """Return the processes that a process has called by the label of the link; none is called twice."""
    links = node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
    assert len({entry.link_label for entry in links}) == len(links)
    return {entry.link_label: entry.node for entry in links}


def called(node):
    return sorted(children(node))


def test_all_run_once():
    plan = {f'job_{number}': 0.0 for number in range(7)}
    ended, late, node = run(plan=plan)
    assert sorted(ended) == called(node) == sorted(plan)
    assert late == {}


def test_no_more_than_allowed_at_once():
    plan = {f'job_{number}': 0.05 for number in range(7)}
    ended, _, node = run(plan=plan, max_concurrent=3)
    assert sorted(ended) == called(node) == sorted(plan)
    assert UNDER_WAY['most'] == 3


def test_a_slow_one_holds_up_no_other():
    """In waves of two, the others would begin after the slow one has ended."""
    plan = {'a_slow': -5.0, **{f'job_{number}': 0.0 for number in range(5)}}
    ended, _, node = run(plan=plan, max_concurrent=2)
    assert orm.load_node(ended['a_slow']).is_finished_ok
    assert called(node) == sorted(plan)


def test_failures_are_the_business_of_the_adapter():
    ended, _, _ = run(plan={'a': 0.0, 'b': 0.0, 'c': 0.0}, statuses={'b': 400}, max_concurrent=1)
    assert [orm.load_node(ended[name]).exit_status for name in 'abc'] == [0, 400, 0]


def test_empty_queue():
    assert run(plan={})[:2] == ({}, {})


def test_deadline_does_not_matter_to_those_in_time():
    ended, late, _ = run(plan={'a': 0.0, 'b': 0.1}, deadline=300.0)
    assert (sorted(ended), late) == (['a', 'b'], {})


def test_process_begun_elsewhere_is_adopted():
    _, other = run_get_node(SleeperWorkChain, seconds=orm.Float(0.0))
    ended, _, node = run(plan={'a': 0.0, 'b': 0.0}, elsewhere={'a': other.pk})
    assert ended['a'] == other.pk
    assert called(node) == ['b']


# -- restarts ---------------------------------------------------------------------------------------------------------


def drive(process, until):
    """Let the loop run until something is true."""

    async def wait():
        for _ in range(6000):
            if until():
                return
            await asyncio.sleep(0.01)
        raise RuntimeError('It has not become true within a minute.')

    process.loop.run_until_complete(wait())


def begin(**inputs):
    """Begin a process, and return it as soon as it waits for its children."""
    process = instantiate_process(get_manager().get_runner(), SleepersWorkChain, **inputs)
    task = process.loop.create_task(process.step_until_terminated())
    drive(process, lambda: process.state == ProcessState.WAITING)
    return process, task


def restart(process, task):
    """Do what becomes of a process when its worker is killed, and another worker loads the last checkpoint."""
    state = checkpoint(process)
    task.cancel()
    process._awaitables = []
    return go_on_from(state)


def checkpoint(process):
    """Return what is written to the database."""
    return serialize(Bundle(process, LoadSaveContext(loader=get_object_loader())))


def go_on_from(state):
    """Return a process that goes on from a checkpoint."""
    process = deserialize_unsafe(state).unbundle(LoadSaveContext(runner=get_manager().get_runner()))
    process.loop.create_task(process.step_until_terminated())
    return process


def test_late_ones_are_left_behind():
    """What had not begun by then has no process; the others are not waited for."""
    process, _ = begin(plan={'a': 0.0, 'b': 600.0, 'c': 600.0, 'd': 0.0}, max_concurrent=2, deadline=300.0)
    drive(process, lambda: 'c' in process.ctx.jobs)
    process.ctx.began -= 300.0
    process._ring()
    drive(process, process.has_terminated)
    assert list(process.outputs['ended'].get_dict()) == ['a']
    pks = {name: child.pk for name, child in children(process.node).items()}
    assert process.outputs['late'].get_dict() == {
        'b': f'Late: process {pks["b"]} was still running when the deadline of 300 s came.',
        'c': f'Late: process {pks["c"]} was still running when the deadline of 300 s came.',
        'd': 'Late: it had not begun when the deadline of 300 s came.',
    }


def test_restart_while_waiting():
    """The new worker hears of those that end, submits the rest, and nothing a second time."""
    process, task = begin(plan={'a': 0.3, 'b': 0.3, 'c': 0.0, 'd': 0.0}, max_concurrent=2)
    before = dict(children(process.node))
    again = restart(process, task)
    drive(again, again.has_terminated)
    assert again.node.is_finished_ok
    assert sorted(again.outputs['ended'].get_dict()) == called(again.node) == ['a', 'b', 'c', 'd']
    assert {name: again.outputs['ended'][name] for name in before} == {name: node.pk for name, node in before.items()}


def test_restart_keeps_the_deadline():
    process, task = begin(plan={'a': 0.0, 'b': 60.0}, deadline=1.0)
    again = restart(process, task)
    assert again.ctx.began == process.ctx.began
    drive(again, again.has_terminated)
    assert 'b' in again.outputs['late'].get_dict()


def test_restart_after_the_deadline():
    process, task = begin(plan={'a': 0.0, 'b': 600.0}, deadline=1000.0)
    drive(process, lambda: process.ctx.jobs.a.pk in process._ended)
    process.ctx.began -= 1000.0
    again = restart(process, task)
    drive(again, again.has_terminated)
    assert list(again.outputs['late'].get_dict()) == ['b']


def test_nobody_is_left_behind_as_long_as_none_has_ended_well():
    process, _ = begin(plan={'a': 600.0, 'b': 0.0, 'c': -1.0}, statuses={'b': 400}, deadline=1e-3)
    drive(process, process.has_terminated)
    ended = process.outputs['ended'].get_dict()
    assert [orm.load_node(ended[name]).exit_status for name in 'bc'] == [400, 0]
    assert list(process.outputs['late'].get_dict()) == ['a']


def test_killed_between_submission_and_checkpoint():
    """The step is done again, but what it has submitted is found by the label of the link."""
    plan = orm.Dict({'a': 0.2, 'b': 0.2, 'c': 0.0})
    process = instantiate_process(get_manager().get_runner(), SleepersWorkChain, plan=plan, max_concurrent=2)
    states = []

    async def step():
        await ensure_portal()
        while process.state != ProcessState.WAITING:
            states.append(checkpoint(process))
            await process.step()

    process.loop.run_until_complete(process.loop.create_task(step()))
    assert called(process.node) == ['a', 'b']
    again = go_on_from(states[-1])
    assert again.ctx.queue == ['a', 'b', 'c']
    drive(again, again.has_terminated)
    assert again.node.is_finished_ok
    assert called(again.node) == ['a', 'b', 'c']


def test_late_child_does_nothing_to_a_process_that_has_ended():
    process, _ = begin(plan={'a': 0.0, 'b': -1000.0}, deadline=0.5)
    drive(process, process.has_terminated)
    (late,) = [child for name, child in children(process.node).items() if name == 'b']
    assert not late.is_terminated
    UNDER_WAY['ended'] = 1000
    drive(process, lambda: late.is_terminated)
    drive(process, lambda: late.pk in process._ended)
    assert process.node.is_finished_ok
    assert late.is_finished_ok


def test_killed():
    process, _ = begin(plan={'a': 0.2, 'b': 0.0}, max_concurrent=1)
    process.kill('no more')
    drive(process, process.has_terminated)
    (child,) = process.node.called
    drive(process, lambda: child.pk in process._ended)
    assert process.node.is_killed
    assert called(process.node) == ['a']
