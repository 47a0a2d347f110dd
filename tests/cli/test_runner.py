"""The runner of this interpreter: interrupts wait for the end of a step."""

from __future__ import annotations

import asyncio
import io
import os
import signal

import pytest
from aiida import orm
from aiida.engine import WorkChain, calcfunction

from aiida_seimlip.cli.progress import Progress
from aiida_seimlip.cli.run_process import run_process
from aiida_seimlip.cli.runner import local_runner


@calcfunction
def interrupted_double(value):
    os.kill(os.getpid(), signal.SIGINT)
    return orm.Int(2 * value.value)


class BelowWorkChain(WorkChain):
    """Does nothing."""

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.outline(cls.rest)

    def rest(self):
        pass


class InterruptedWorkChain(WorkChain):
    """Is interrupted in the middle of a step, by way of a calcfunction or by itself, and then waits for another."""

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.input('by_function', valid_type=orm.Bool)
        spec.outline(cls.be_interrupted, cls.go_on)

    def be_interrupted(self):
        if self.inputs.by_function:
            interrupted_double(orm.Int(21))
        else:
            os.kill(os.getpid(), signal.SIGINT)
        self.node.base.extras.set('ended_step', True)
        self.to_context(below=self.submit(BelowWorkChain))

    def go_on(self):
        self.node.base.extras.set('went_on', True)


@pytest.mark.parametrize('by_function', [True, False])
def test_interrupt(by_function):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background ignores it
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), local_runner(0.1) as runner:
        runner.run_get_node(InterruptedWorkChain, by_function=orm.Bool(by_function))
    assert signal.getsignal(signal.SIGINT) == before
    filters = {'attributes.process_label': 'InterruptedWorkChain'}
    query = orm.QueryBuilder().append(orm.WorkChainNode, filters=filters, tag='node').order_by({'node': {'id': 'desc'}})
    node = query.first(flat=True)
    assert node.is_terminated
    assert 'went_on' not in node.base.extras.all
    assert node.is_killed
    assert node.base.extras.all['ended_step'], 'the step that was under way came to its end'
    if by_function:
        (function,) = [child for child in node.called if child.process_label == 'interrupted_double']
        assert function.outputs.result == 42, 'so did the calcfunction'


class TellingWorkChain(WorkChain):
    """Tells who runs it."""

    @classmethod
    def define(cls, spec):
        super().define(spec)
        spec.outline(cls.tell)

    def tell(self):
        self.node.base.extras.set('runner', type(self.runner).__name__)
        self.node.base.extras.set('saves_checkpoints', self.runner.persister is not None)


def test_workflows_of_the_commands_are_run_by_it(caplog):
    node = run_process(TellingWorkChain.get_builder(), Progress(io.StringIO(), label='TellingWorkChain'))
    assert node.is_finished_ok
    assert node.base.extras.get('runner') == 'LocalRunner'
    assert not node.base.extras.get('saves_checkpoints')
    assert not caplog.records, 'that is meant, and nothing to be warned of'


def test_nothing_happens_without_interrupt():
    @calcfunction
    def double(value):
        return orm.Int(2 * value.value)

    with local_runner(0.1):
        assert double(orm.Int(4)).value == 8


def test_nothing_is_left_under_way():
    """A loop that is closed with tasks under way complains of each, in the middle of what a command says."""
    with local_runner(0.1) as runner:
        task = runner.loop.create_task(asyncio.sleep(60.0))
    assert task.cancelled()
