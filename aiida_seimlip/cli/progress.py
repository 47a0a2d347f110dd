"""What a running campaign, or another workflow, tells those who watch."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from aiida_seimlip.functions.words import describe_count
from aiida_seimlip.options.campaign.history import CampaignHistory, ExplorationRecord, IterationRecord
from aiida_seimlip.report.campaign.collect import published_history

if TYPE_CHECKING:
    import asyncio

    from aiida import orm

CAMPAIGN = 'ActiveLearningWorkChain'
REPORTING = (
    CAMPAIGN, 'DiffusivityWorkChain', 'ConductivityWorkChain', 'NEBWorkChain', 'StartsWorkChain', 'SeiWorkChain',
    'AtlasWorkChain', 'DefectWorkChain', 'RelaxationWorkChain', 'ElasticWorkChain', 'EquationOfStateWorkChain',
    'PhononWorkChain', 'SurfaceWorkChain', 'InterfaceWorkChain', 'EvaluateWorkChain', 'SizeTransferWorkChain',
    'FieldWorkChain', 'AseCondensationWorkChain',
)  # fmt: skip
"""Processes whose reports are for those who watch."""
INTERRUPT = 'runner received interrupt'
PATIENCE_SECONDS = 3.0
"""So long the engine may take to answer an interrupt; then it is made to stop."""
OUTCOMES = {
    'completed': 'survived', 'broke': 'broke off', 'crashed': 'crashed', 'out_of_walltime': 'ran out of time',
    'failed': 'failed',
}  # fmt: skip


class Progress:
    """Print lines about a campaign, or another workflow, that runs in this process.

    What is printed comes from what processes report, and from the history that a campaign publishes, which is looked at
    now and then from the event loop that drives it.

    :param stream: where to print, by default the standard output.
    :param label: name of the class of the workflow.
    :param look_seconds: time in s between two looks.
    """

    def __init__(self, stream: TextIO | None = None, label: str = CAMPAIGN, look_seconds: float = 1.0) -> None:
        self._stream = stream or sys.stdout
        self._label = label
        self._look_seconds = look_seconds
        self._start = time.monotonic()
        self._history = CampaignHistory()
        self._node: orm.WorkChainNode | None = None
        self._ended: set[int] = set()
        self._interrupted: float | None = None
        self._status = ''

    # -- printing -----------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Print a line with the time since the beginning."""
        self._clear()
        minutes, seconds = divmod(int(time.monotonic() - self._start), 60)
        self._stream.write(f'{minutes:3d}:{seconds:02d}  {text}\n')
        self._stream.flush()

    def say_unless_known(self, text: str) -> None:
        """Print a line unless it says that something is there already."""
        if not text.endswith('already.'):
            self.say(text)

    def _clear(self) -> None:
        if self._status:
            self._stream.write('\r' + ' ' * len(self._status) + '\r')
            self._status = ''

    def _show_status(self, text: str) -> None:
        """Show a line that the next one overwrites; only on a terminal."""
        if self._stream.isatty():
            self._clear()
            self._status = text[:100]
            self._stream.write(self._status)
            self._stream.flush()

    # -- watching -----------------------------------------------------------------------------------------------------

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the newest workflow of the kind now and then, as long as the loop runs.

        :param loop: that drives the workflow.
        """
        from aiida.common import timezone

        began = timezone.now()

        def look() -> None:
            if self._interrupted is not None and time.monotonic() - self._interrupted > PATIENCE_SECONDS:
                raise KeyboardInterrupt
            loop.call_later(self._look_seconds, look)  # before anything can go wrong
            self._look(began)

        loop.call_later(self._look_seconds, look)

    def _look(self, began: Any) -> None:
        from aiida import orm

        if self._node is None:
            filters = {'ctime': {'>=': began}, 'attributes.process_label': self._label}
            self._node = orm.QueryBuilder().append(orm.WorkChainNode, filters=filters).first(flat=True)
        else:
            self.update(self._node)
            self._show_status(describe_running())

    def update(self, node: orm.WorkChainNode) -> None:
        """Print what is new: in the history of a campaign, or of the processes that another workflow has called."""
        found = self._news_of_history(node) if self._label == CAMPAIGN else self._news_of_children(node)
        for line in found:
            self.say(line)

    def _news_of_history(self, node: orm.WorkChainNode) -> Iterator[str]:
        """Yield a line for each thing that a campaign has published since the last look."""
        content = published_history(node)
        if content is None or content == self._history.model_dump(mode='json'):
            return
        history = CampaignHistory.model_validate(content)
        yield from news(self._history, history)
        self._history = history

    def _news_of_children(self, node: orm.WorkChainNode) -> Iterator[str]:
        """Yield a line for each process that has ended since the last look, those inside other workflows included."""
        from aiida.common.links import LinkType

        for link in node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all():
            child: Any = link.node
            if child.process_label == CAMPAIGN:
                yield from self._news_of_history(child)
            elif child.process_label in REPORTING:
                yield from self._news_of_children(child)
            if child.is_terminated and child.pk not in self._ended:
                self._ended.add(child.pk)
                yield f'{link.link_label}: {describe_end(child)}'

    # -- logging ------------------------------------------------------------------------------------------------------

    def take_over_logging(self) -> None:
        """Print what processes report instead of AiiDA's own lines; the database keeps them all the same.

        The option ``--verbosity`` of a command takes the handler of the database away, so that `verdi process report`
        would show nothing.
        """
        from aiida.common.log import configure_logging

        configure_logging(with_orm=True)
        logger = logging.getLogger('aiida')
        for handler in [*logger.handlers, *logging.getLogger().handlers]:
            if type(handler).__name__ != 'DBLogHandler':
                logger.removeHandler(handler)
                logging.getLogger().removeHandler(handler)
        logger.addHandler(_Handler(self))

    def take(self, record: logging.LogRecord) -> None:
        """Print a log record, if it is for a reader."""
        message = record.getMessage()
        if INTERRUPT in message:
            if self._interrupted is None:
                self._interrupted = time.monotonic()
                self.say('Stopping ...')
            return
        found = re.match(r'\[\d+\|(\w+)\|\w+\]: (.*)', message, re.DOTALL)
        if found and found[1] in REPORTING:
            if self._node is not None:
                self.update(self._node)  # so that lines appear in the order of what happened
            self.say(found[2])
        elif record.levelno >= logging.ERROR:
            self.say(f'{record.levelname.lower()}: {message.strip().splitlines()[0]}')


class _Handler(logging.Handler):
    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        self._progress.take(record)


# -- in words ---------------------------------------------------------------------------------------------------------


def news(old: CampaignHistory, new: CampaignHistory) -> Iterator[str]:
    """Say what has happened between two looks at a history.

    :param old: the earlier one.
    :param new: the later one.
    """
    known = {record.iteration: record for record in old.iterations}
    for record in new.iterations:
        name = f'iteration {record.iteration}' if record.iteration else 'bootstrap'
        for line in _news_of_iteration(known.get(record.iteration, IterationRecord(iteration=-1)), record):
            yield f'{name:<12}  {line}'
    if new.held_out is not None:
        before = len(old.held_out.explorations) if old.held_out else 0
        for exploration in new.held_out.explorations[before:]:
            yield f'{"held-out":<12}  {describe_exploration(exploration)}'
        if new.held_out.errors is not None and (old.held_out is None or old.held_out.errors is None):
            yield f'{"held-out":<12}  {new.held_out.n_frames} fresh frames: {new.held_out.errors.describe()}'


def _news_of_iteration(old: IterationRecord, new: IterationRecord) -> Iterator[str]:
    for exploration in new.explorations[len(old.explorations) :]:
        yield describe_exploration(exploration)
    if new.n_selected and not old.n_selected:
        reasons: Counter[str] = Counter()
        for drop in new.dropped:
            reasons[drop.reason] += drop.count
        dropped = '; '.join(f'{count} left out: {reason}' for reason, count in reasons.items())
        checks = f', besides {describe_count(new.n_spot_checks, "spot check")}' if new.n_spot_checks else ''
        yield f'selected {new.n_selected} of {new.n_candidates} candidates{f" ({dropped})" if dropped else ""}{checks}'
    if new.n_labelled and not old.n_labelled:
        failed = f', {new.n_failed} failed' if new.n_failed else ''
        failed += f', {new.n_late} late' if new.n_late else ''
        errors = f'; before learning: {new.validation_errors.describe()}' if new.validation_errors else ''
        yield f'labelled {new.n_labelled}{failed}{errors}'
    if new.train_errors is not None and old.train_errors is None:
        yield f'learned from {new.n_training} labels: {new.train_errors.describe()}'


def describe_exploration(record: ExplorationRecord) -> str:
    """Say how an exploration ended."""
    place = f'{record.start}, {record.condition}'
    steps = 'all' if record.outcome == 'completed' else str(record.n_steps)
    grade = '' if record.highest_grade is None else f', highest grade {record.highest_grade:.1f}'
    return f'{place}: {OUTCOMES[record.outcome]} ({steps} of {record.n_steps_asked} steps{grade})'


def describe_end(process: orm.ProcessNode) -> str:
    """Say how a process has ended."""
    if process.is_finished_ok:
        return 'done'
    ended = f'ended with status {process.exit_status}' if process.is_finished else 'killed or excepted'
    return f'{ended}. {process.exit_message or ""}'.rstrip(' .') + '.'


def describe_running() -> str:
    """Say which jobs are under way in the profile."""
    from aiida import orm
    from aiida.engine import ProcessState

    states = [ProcessState.RUNNING.value, ProcessState.WAITING.value]
    query = orm.QueryBuilder().append(
        orm.CalcJobNode, filters={'attributes.process_state': {'in': states}}, project='attributes.process_label'
    )
    jobs = Counter(query.all(flat=True))
    return '        running: ' + (', '.join(f'{count} × {name}' for name, count in jobs.items()) or 'AiiDA')
