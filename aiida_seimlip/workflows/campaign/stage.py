"""What the stages of a campaign have in common."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, WorkChain

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.campaign.history import record_held_out, record_iteration
from aiida_seimlip.functions.words import describe_count
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions, EngineNames
from aiida_seimlip.options.campaign.history import HISTORY_EXTRA
from aiida_seimlip.workflows.campaign.closed import close_nodes, reopen_nodes

HELD_OUT = 'held_out'
"""Name under which the end of the campaign is recorded."""

BROKEN = 'explorations still break'
INACCURATE = 'all explorations survive, but the potential is not as accurate as `accuracy` asks'
SHORT = 'all explorations survive, but not all of their steps were asked for yet'


def is_closed(found: Any) -> bool:
    """Return whether the results are closed of what an iteration has made."""
    return isinstance(found, dict) and isinstance(found.get('results'), str)


def begins_untrained(engines: Any) -> bool:
    """Return whether the training engine needs an untrained potential to begin from.

    :param engines: as `EngineNames`.
    """
    engine: Any = load_engine('training', EngineNames.from_node(engines).training)
    return bool(engine.needs_start())


class StageMixin(WorkChain):
    """A part of the outline of `ActiveLearningWorkChain`.

    The context holds

    * ``iteration``: number of the present iteration; ``nodes``: what each iteration has made, as `build_history` takes
      it but for `closed` results, under ``current`` for the present one;
    * ``starts``, ``training``, ``potential``, ``untrained`` (None where the engine needs none): what the stages work
      on; ``last_errors``: those of the last training, None before it; ``late``: frames whose labels are still out, None
      if there are none; ``known``: frames that had a label before they were to be labelled;
    * ``passed``: whether all explorations of the last iteration survived; ``converged``: whether that is enough;
      ``stop``: label of the exit code with which the loop has to end, if it has to.
    """

    @cached_property
    def settings(self) -> ActiveLearningOptions:
        """The options of the campaign."""
        return ActiveLearningOptions.from_node(self.inputs.options)

    @cached_property
    def engines(self) -> EngineNames:
        """The names of the engines."""
        return EngineNames.from_node(self.inputs.engines)

    @cached_property
    def begins_untrained(self) -> bool:
        """Whether the first training needs an untrained potential to begin from."""
        return begins_untrained(self.inputs.engines)

    @property
    def made(self) -> dict[str, Any]:
        """What the present iteration has made so far."""
        return self.ctx.nodes[self.ctx.current]

    def submit_engine(self, socket: str, label: str, **data: Any) -> orm.ProcessNode:
        """Submit the engine of a socket with the settings of the user.

        :param socket: name of the socket.
        :param label: of the link to the process.
        :param data: the inputs of this call.
        """
        engine: type[SocketWorkChain] = load_engine(socket, getattr(self.engines, socket))
        name = f'{socket}_defaults'
        if name not in self.ctx:
            self.ctx[name] = engine.default_nodes()
        inputs = {**self.ctx[name], **self.inputs[socket], **data, 'metadata': {'call_link_label': label}}
        return self.submit(engine, **inputs)

    def label_of(self, stage: str) -> str:
        """Return the label of the link to a process of the present iteration."""
        return f'{self.ctx.current}_{stage}'

    def open_record(self, name: str) -> None:
        """Begin to gather what an iteration makes; of the one before only its history needs the results from now on.

        :param name: ``iteration_000``, ... or ``held_out``.
        """
        before = self.ctx.nodes.get(self.ctx.get('current'), {})
        if 'results' in before:
            before['results'] = close_nodes(before['results'])
        self.ctx.current = name
        self.ctx.nodes[name] = {}

    def all_made(self) -> dict[str, Any]:
        """Return what all iterations have made, as `build_history` takes it."""
        nodes: dict[str, Any] = {name: found for name, found in self.ctx.nodes.items() if found}
        return {
            name: {**found, 'results': reopen_nodes(found['results'])} if is_closed(found) else found
            for name, found in nodes.items()
        }  # fmt: skip

    def publish(self) -> None:
        """Let those who watch see the history so far."""
        n_before = self.count_labels()
        n_before -= self.made['accepted'].n_frames if 'accepted' in self.made else 0
        history = self.node.base.extras.get(HISTORY_EXTRA)
        if self.ctx.current == HELD_OUT:
            history['held_out'] = record_held_out(self.made).model_dump(mode='json')
        else:
            record = record_iteration(self.ctx.current, self.made, n_before).model_dump(mode='json')
            before = [old for old in history['iterations'] if old['iteration'] < record['iteration']]
            history['iterations'] = [*before, record]
            history['late'] = record['late'] if 'failures' in self.made else history.get('late', [])
        history['converged'] = self.ctx.converged
        self.node.base.extras.set(HISTORY_EXTRA, history)

    def warn(self, warnings: Iterable[str], *, about: str | None = None) -> None:
        """Tell those who watch what is likely to go wrong, each thing once.

        :param warnings: one sentence each.
        :param about: how the sentences begin, if one that begins so is enough, whatever numbers it holds.
        """
        present = list(warnings)
        if not present:
            return  # each exploration comes by here, and the history of many of them is long
        history = self.node.base.extras.get(HISTORY_EXTRA)
        for warning in present:
            is_said = warning in history['warnings'] or (
                about is not None and any(said.startswith(about) for said in history['warnings'])
            )
            if not is_said:
                self.report(f'WARNING: {warning}')
                history['warnings'].append(warning)
        self.node.base.extras.set(HISTORY_EXTRA, history)

    def labelled_so_far(self) -> dict[str, FramesData]:
        """Return the training set: one node for each source and iteration, in order."""
        return dict(self.ctx.training)

    def count_labels(self) -> int:
        """Return the number of labelled frames in the training set."""
        return sum(node.n_frames for node in self.ctx.training.values())

    def has_spent_labels(self) -> bool:
        """Return whether the training set is as large as it may be."""
        return self.settings.max_labels is not None and self.count_labels() >= self.settings.max_labels

    def why_unconverged(self) -> ExitCode | None:
        """Return the exit code of a loop that ended before the potential had converged, None if it has."""
        if self.ctx.converged:
            return None
        counts = {
            'iterations': describe_count(self.ctx.iteration, 'iteration'),
            'labels': describe_count(self.count_labels(), 'label'), 'lack': self._lack,
            'n_quarantined': len(self.ctx.quarantined), 'n_starts': len(self.ctx.starts),
            'starts': ', '.join(self.ctx.quarantined),
        }  # fmt: skip
        return self.exit_codes[self.ctx.stop or 'ERROR_ITERATIONS_EXHAUSTED'].format(**counts)

    @property
    def _lack(self) -> str:
        """What keeps the potential from having converged."""
        if self.ctx.lengthened:
            return SHORT
        return INACCURATE if self.ctx.passed else BROKEN

    def fail(self, label: str, **details: Any) -> ExitCode:
        """End the campaign: attach what there is, and return the exit code.

        :param label: of the exit code.
        :param details: what its message names.
        """
        exit_code = self.exit_codes[label].format(**details)
        self.attach_outputs(exit_code.message)
        return exit_code

    def attach_outputs(self, message: str | None) -> None:
        """Attach what the campaign has made.

        :param message: why it ended without success, None if it did not.
        """
        raise NotImplementedError
