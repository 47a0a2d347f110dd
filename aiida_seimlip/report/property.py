"""What the reports on properties have in common: how the process ended, what it ran, and its results as models."""

from __future__ import annotations

from functools import cached_property
from typing import TypeVar

import numpy as np
from aiida import orm
from aiida.common.links import LinkType
from pydantic import BaseModel, ValidationError

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.report import words
from aiida_seimlip.report.process import ProcessFacts, describe_paused, reduced_formula
from aiida_seimlip.report.sections import NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table

Model = TypeVar('Model', bound=BaseModel)

FINISHED = 'finished'
"""Namespace of inputs that are results of a process which has ended."""
UNNAMED = 'CALL'
"""Link label of a process that was called without naming it."""
PARTIAL = 400
"""Exit codes from here on say that results are there, but not all, or not to be trusted."""


class PropertyFacts(ProcessFacts):
    """A process that computes a property, and what was found in its nodes."""

    subject_inputs: tuple[str, ...] = ('structure',)
    """Inputs that tell which material it is about; the first one that there is counts."""

    @property
    def prefix(self) -> str:
        """Begin of the anchors and ids that belong to this process, so that a page can hold several of a kind."""
        return f'p{self.node.uuid[:8]}'

    def anchor(self, name: str) -> str:
        """Return the anchor of a part of the report.

        :param name: of the part.
        """
        return f'{self.prefix}-{name}'

    @cached_property
    def subject(self) -> str:
        """The material in words, empty if the inputs do not tell."""
        inputs = self.inputs_of(self.node)
        for name in self.subject_inputs:
            node = inputs.get(name)
            if isinstance(node, orm.StructureData):
                return f'{reduced_formula(node.get_formula(mode="hill_compact"))} ({len(node.sites)} atoms)'
            if isinstance(node, FramesData):
                frames = node.get_frames()
                return f'{reduced_formula(next(iter(node.formulas), ""))} ({int(frames.sizes[0])} atoms)'
        return ''

    @cached_property
    def status(self) -> tuple[str, bool]:
        """How the process stands in a word or two, and whether that is good."""
        node = self.node
        if not node.is_terminated:
            return 'still running', False
        if node.is_finished_ok:
            return 'complete', True
        if node.is_killed:
            return 'stopped', False
        has_results = node.exit_status is not None and node.exit_status >= PARTIAL
        return ('results with doubts', False) if has_results else ('failed', False)

    @property
    def message(self) -> str:
        """What the process said at its end, empty if all is well."""
        if self.node.is_finished_ok:
            return ''
        return self.node.exit_message or self.node.process_status or (self.node.exception or '').strip()

    def model(self, name: str, kind: type[Model]) -> Model | None:
        """Return the content of an output; None, with a note, if it is not there or not as expected.

        :param name: link label of the output.
        :param kind: model of the content.
        """
        node = self.outputs.get(name)
        if not isinstance(node, orm.Dict):
            self.notes.append(f'{self.node.process_label} {self.node.pk} has no output `{name}`.')
            return None
        try:
            return kind.model_validate(node.get_dict())
        except ValidationError as exception:
            places = ', '.join('.'.join(str(part) for part in error['loc']) for error in exception.errors())
            self.notes.append(f'The output `{name}` ({node.uuid}) is not as this version expects it: {places}.')
            return None

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays of an output by name, empty if it is not there.

        :param name: link label of the output.
        """
        node = self.outputs.get(name)
        if not isinstance(node, orm.ArrayData):
            return {}
        return {key: node.get_array(key) for key in node.get_arraynames()}

    def doubts(self) -> list[str]:
        """Return what must be known of the end of the process before its numbers are used."""
        paused = list(describe_paused([self.node, *self.called]))
        status, is_good = self.status
        if is_good:
            return paused
        if not self.node.is_terminated:
            return [f'{self.node.process_label} {self.node.pk} has not ended: this is what there is so far.', *paused]
        return [self.message or f'{self.node.process_label} {self.node.pk} ended as: {status}.']

    def settings(self) -> dict[str, dict[str, str]]:
        """Return the inputs, by port; results of other processes are none of the settings."""
        return {name: values for name, values in super().settings().items() if not name.startswith(FINISHED)}

    def time_tile(self) -> NumberTile:
        """Return the tile that tells how long it took."""
        value, unit = words.duration(self.wall_seconds).rsplit(' ', 1)
        return NumberTile(value, unit, 'wall time')

    def runs(self, *tables: Table) -> list[Section]:
        """Return a section on the processes that the process called, and how they ended; none if there are none.

        Calcfunctions that ended well are left out.

        :param tables: on the runs, to stand before that of the processes; those without rows are left out.
        """
        links = self.node.base.links.get_outgoing(link_type=(LinkType.CALL_CALC, LinkType.CALL_WORK)).all()
        columns = (
            Column('label', 'what for', is_number=False), Column('process', 'process', is_number=False),
            Column('pk', 'pk'), Column('state', 'state', is_number=False),
            Column('message', 'what it said', is_number=False, in_paper=False),
        )  # fmt: skip
        called = {link.node.pk: (link.link_label, link.node) for link in links}
        rows = [
            (Cell('' if label == UNNAMED else label), Cell(process.process_label), Cell(process.pk),
             Cell(_state(process)), Cell(process.exit_message or ''))
            for _, (label, process) in sorted(called.items())
            if isinstance(process, orm.ProcessNode) and not _is_plain(process)
        ]  # fmt: skip
        shown = tuple(table for table in (*tables, Table('runs', 'Processes, in order', columns, rows)) if table.rows)
        return [Section(self.anchor('runs'), 'What was run', tables=shown)] if shown else []


def bullet(text: str) -> str:
    """Write a remark as a sentence."""
    text = text.strip()
    return text if not text or text.endswith(('.', '!', '?')) else f'{text}.'


def known(value: float | None) -> float:
    """Return a number, NaN in the place of None."""
    return float('nan') if value is None else float(value)


def _is_plain(process: orm.ProcessNode) -> bool:
    return isinstance(process, orm.CalcFunctionNode) and process.is_finished_ok


def _state(process: orm.ProcessNode) -> str:
    if not process.is_finished:
        return str(process.process_state.value if process.process_state else 'created')
    return 'finished' if process.is_finished_ok else f'failed [{process.exit_status}]'
