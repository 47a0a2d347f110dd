"""What the check of each kind of program has to tell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from aiida import orm

Nodes = dict[str, Any]
Job = tuple[Any, Nodes]
Jobs = dict[str, Job]


class ProgramCheck(ABC):
    """The check of one kind of program; it keeps nothing between two calls."""

    engine: str
    plugin_prefix: str | None
    """How the default plugins of codes begin that hold such a program; None if that cannot be known."""

    rounds: tuple[str, ...]
    """Names of the rounds; the jobs of one round run side by side."""
    expected: ClassVar[Mapping[str, int]] = MappingProxyType({})
    """Exit status of jobs that are meant to fail."""

    @abstractmethod
    def prepare(self, parameters: orm.Dict, given: Nodes) -> Nodes:
        """Make the nodes that the jobs need.

        :param parameters: of the check.
        :param given: other inputs of the WorkChain, by name.
        :return: nodes by name.
        """

    @abstractmethod
    def plan(self, name: str, parameters: orm.Dict, made: Nodes, outputs: Mapping[str, Nodes], given: Nodes) -> Jobs:
        """Return the jobs of a round, by name: the process and its inputs, without metadata.

        :param name: of the round.
        :param parameters: of the check.
        :param made: what `prepare` and earlier rounds have made; new nodes are added here.
        :param outputs: outputs of the earlier jobs, by name.
        :param given: other inputs of the WorkChain, by name.
        """

    @abstractmethod
    def judge(self, parameters: orm.Dict, processes: orm.Dict, groups: Mapping[str, Nodes]) -> orm.Dict:
        """Return `facts`, `checks` and `speeds` of a `CheckReport`.

        :param parameters: of the check.
        :param processes: how each process ended.
        :param groups: ``made``, and the outputs of each job by its name.
        """

    def explain(self, given: Mapping[str, Any]) -> str | None:
        """Say what is wrong with the inputs of the WorkChain for this program.

        :param given: the inputs by name.
        :return: one sentence that names the input, or None if all is well.
        """
        if given.get('potential') is not None:
            return f'Input `potential` is for checks with MACE, but the engine of input `code` is `{self.engine}`.'
        for name in ('structure', 'reference'):
            if given.get(name) is not None and given[name] != {}:
                return f'Input `{name}` is for reference programs, but the engine of input `code` is `{self.engine}`.'
        return None
