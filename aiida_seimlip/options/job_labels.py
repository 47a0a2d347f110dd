"""What the options of all reference engines have in common that run one job for each frame."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from aiida_seimlip.options.base import Options


class RecoveryOptions(Options):
    """What is done about a job that failed, whatever its program, before its frame counts as failed."""

    enabled: bool = Field(default=True, description='Run failed jobs again as told below; else each frame has one job.')
    walltime_factor: float = Field(
        default=2.0, gt=1, description='A job out of wall time is run again with so many times as much.'
    )
    max_wallclock_seconds: int | None = Field(
        default=None, ge=1, description='The most wall time that is asked for, in s; by default four times the first.'
    )
    memory_factor: float = Field(
        default=2.0, gt=1, description='A job out of memory is run again with so many times `max_memory_kb`, or on so '
        'many times the machines where no memory is asked for; with its k-points in one group before that.',
    )  # fmt: skip
    resubmissions: int = Field(
        default=1, ge=0,
        description='How often a job is run again as it was, after a failure of a node or a disk, or without output.',
    )  # fmt: skip


class JobLabelOptions(Options):
    """How a program labels frames, one job for each: what engines need to know of it, whatever the program."""

    @property
    @abstractmethod
    def method_name(self) -> str:
        """Short name of the level of theory, as labels tell it."""

    @abstractmethod
    def method(self, elements: Iterable[str] = ()) -> dict[str, Any]:
        """Return what the labels depend on, and nothing else: two equal methods give the same labels.

        :param elements: whose potentials matter.
        """


def explain_repeated(steps: list[str]) -> list[str]:
    """Return the steps of a recovery, each of which may be named once.

    :raises ValueError: if one is named again.
    """
    if len(set(steps)) < len(steps):
        raise ValueError('each step may be named once')
    return steps
