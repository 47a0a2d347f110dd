"""What the stages of a distillation have in common."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, WorkChain

from aiida_seimlip.engines.contract import SocketWorkChain
from aiida_seimlip.options.campaign.distillation import DistillationEngines, DistillationOptions

CAMPAIGN, TUNING = 'campaign', 'tuning'
"""Namespaces of the inputs beside `reference`."""


class DistillationStage(WorkChain):
    """A part of the outline of `DistillationWorkChain`.

    The context holds ``round``; ``teacher``: its potential, None if it is none; ``teacher_sets`` and
    ``reference_sets``: labels by name; ``fresh``: held-out frames of the last campaign, labelled by the teacher;
    ``both``: labels of the teacher for the frames of the reference; ``student``; ``alignment`` of the present teacher
    and ``student_alignment`` of the one that the student has learned from, None before there is one; ``records``:
    `RoundRecord` as plain data; ``accepted``: whether errors are within their bounds; ``converged``: whether the last
    campaign has; and ``final``: whether it was the last one, which asks for no labels.
    """

    @cached_property
    def settings(self) -> DistillationOptions:
        """The options."""
        return DistillationOptions.from_node(self.inputs.options)

    @cached_property
    def engines(self) -> DistillationEngines:
        """The names of the engines of the reference and the teacher's training."""
        return DistillationEngines.from_node(self.inputs.engines)

    @property
    def record(self) -> dict[str, Any]:
        """What is known of the present round, as in `RoundRecord`."""
        return self.ctx.records[-1]

    def teacher_settings(self) -> dict[str, Any]:
        """Return the settings of the teacher, an engine of `reference`, with its present potential."""
        settings = dict(self.inputs[CAMPAIGN].reference)
        return settings if self.ctx.teacher is None else {**settings, 'potential': self.ctx.teacher}

    def should_end(self) -> bool:
        """Return whether no round of labels can follow."""
        return self.ctx.round >= self.settings.max_rounds or self.has_spent_labels()

    def has_spent_labels(self) -> bool:
        """Return whether the reference may label no more."""
        return self.settings.max_labels is not None and self.count_reference() >= self.settings.max_labels

    def count_reference(self) -> int:
        """Return the number of labels of the reference."""
        return sum(node.n_frames for node in self.ctx.reference_sets.values())

    def note(self, **found: Any) -> None:
        """Remember something of the present round."""
        self.ctx.records = [*self.ctx.records[:-1], {**self.record, **found}]

    def call(self, engine: type[SocketWorkChain], settings: Any, stage: str, **data: Any) -> orm.ProcessNode:
        """Submit an engine with the settings of the user.

        :param stage: what it is for, in the label of the link.
        :param data: the inputs of this call.
        """
        metadata = {'call_link_label': f'round_{self.ctx.round:02d}_{stage}'}
        return self.submit(engine, **{**engine.default_nodes(), **settings, **data, 'metadata': metadata})

    def end(self, label: str, **details: Any) -> ExitCode:
        """Attach what there is, and return the exit code.

        :param label: of the exit code.
        :param details: what its message names.
        """
        raise NotImplementedError
