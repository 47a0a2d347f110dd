"""What a profile holds of programs with one job for each frame: labels, and jobs under way or never harvested."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.reference.known import load_labels
from aiida_seimlip.engines.reference.recovery import RecoveryMixin
from aiida_seimlip.functions.job_labels import JOB_KEY
from aiida_seimlip.options.job_labels import JobLabelOptions

UNDER_WAY = ['created', 'running', 'waiting']
CHECKPOINT = orm.ProcessNode.CHECKPOINT_KEY
"""What a process has that a worker of the daemon can go on with."""


@dataclass(frozen=True)
class JobKind:
    """By what the labels of one program are known in the graph.

    :param prepare: label of the process that makes the inputs of jobs: ``parameters`` is an input of it.
    :param harvest: label of the process that makes labels of their outputs: ``parameters`` is an input of it, too.
    :param process: that runs the jobs for one frame.
    :param options: what ``parameters`` hold, a ``potential_family`` among it.
    """

    prepare: str
    harvest: str
    process: type[RecoveryMixin]
    options: type[JobLabelOptions]

    def find_labelled(self, parameters: orm.Dict, frames: FramesData) -> dict[str, FramesData]:
        """Return the sets of frames labelled by the same method, single points or samples of dynamics.

        :param parameters: as `options`.
        :param frames: the frames to be labelled; sets with none of their formulas are left out.
        :return: by ``labels_<pk>``.
        """
        formulas = set(frames.formulas)
        query = orm.QueryBuilder()
        query.append(orm.CalcFunctionNode, filters={'attributes.process_label': self.harvest}, tag='process')
        self._append_parameters(query, parameters)
        query.append(
            FramesData, with_incoming='process', edge_filters={'label': 'labelled'},
            project=['id', 'attributes.formulas'],
        )  # fmt: skip
        found = [
            pk for content, pk, known in query.iterall()
            if formulas & set(known) and self.is_same_method(content, parameters, frames.elements)
        ]  # fmt: skip
        return load_labels(found)

    def find_jobs(self, parameters: orm.Dict, elements: Iterable[str], keys: Collection[str]) -> dict[str, int]:
        """Return the processes that do the same work by the same method: ended well, or under way in the daemon.

        :param parameters: as `options`.
        :param elements: that occur in the frames.
        :param keys: what is to be done, as the extra `JOB_KEY` of structures says it.
        :return: pk by key; one that has ended comes before one that is under way.
        """
        elements = tuple(elements)
        query = orm.QueryBuilder()
        query.append(orm.CalcFunctionNode, filters={'attributes.process_label': self.prepare}, tag='process')
        self._append_parameters(query, parameters)
        query.append(
            orm.StructureData, with_incoming='process', filters={f'extras.{JOB_KEY}': {'in': list(keys)}},
            project=[f'extras.{JOB_KEY}'], tag='structure',
        )  # fmt: skip
        query.append(
            orm.WorkChainNode, with_incoming='structure',
            filters={'process_type': self.process.build_process_type(), 'or': [
                {'attributes.exit_status': 0},
                {'attributes.process_state': {'in': UNDER_WAY}, 'attributes': {'has_key': CHECKPOINT}},
            ]},
            project=['id', 'attributes.process_state'],
        )  # fmt: skip
        found: dict[str, int] = {}
        rows = [row for row in query.iterall() if self.is_same_method(row[0], parameters, elements)]
        for _, key, pk, _ in sorted(rows, key=lambda row: (row[3] != 'finished', row[2])):
            found.setdefault(key, pk)
        return found

    def is_same_method(self, content: Mapping[str, Any], parameters: orm.Dict, elements: Iterable[str]) -> bool:
        """Return whether labels made with some parameters are those that others would give."""
        elements = tuple(elements)
        if self.options.explain(content, 'parameters') is not None:
            return False
        method = self.options.from_node(parameters).method(elements)
        return self.options.from_node(content).method(elements) == method

    def _append_parameters(self, query: orm.QueryBuilder, parameters: orm.Dict) -> None:
        """Ask for the parameters of a process, of those of the same family of potentials."""
        query.append(
            orm.Dict, with_outgoing='process', edge_filters={'label': 'parameters'}, project=['attributes'],
            filters={'attributes.potential_family': parameters['potential_family']},
        )  # fmt: skip
