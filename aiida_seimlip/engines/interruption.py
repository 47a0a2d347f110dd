"""Why a job came to nothing, where neither the program nor its input is to blame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from aiida import orm
from aiida.repository import FileType
from aiida.schedulers import JobState


class Cause(Enum):
    """What kept a job from its work, in words."""

    CANCELLED = 'the job was cancelled'
    NODE_FAILURE = 'the node failed on which the job ran'
    PREEMPTED = 'the job had to give way to another one'
    OUT_OF_MEMORY = 'the memory given to the job was used up'
    OUT_OF_DISK = 'the disk on which the job ran was full, or a quota was used up'
    OUT_OF_WALLTIME = 'the wall time ended'
    NO_OUTPUT = 'the program left no file: the job was cancelled before it began, or its folder was emptied'
    EXCEPTED = 'AiiDA could not handle the job'


@dataclass(frozen=True)
class Interruption:
    """Why a job was interrupted.

    :param cause: what happened.
    :param evidence: what says so, as it was found.
    """

    cause: Cause
    evidence: str

    def __str__(self) -> str:
        return f'{self.cause.value} ({self.evidence})'


END_BYTES = 65536
"""So much of a file is looked at, from its end."""

STATUSES = {110: Cause.OUT_OF_MEMORY, 120: Cause.OUT_OF_WALLTIME, 140: Cause.NODE_FAILURE}
"""Exit statuses that AiiDA gives to a job from what the scheduler says."""

HOPELESS_STATUSES = (131, 150, 160)
"""Exit statuses of jobs that the scheduler refused, that a monitor stopped, or whose files could not be stashed."""

STATES = {
    'CANCELLED': Cause.CANCELLED, 'NODE_FAIL': Cause.NODE_FAILURE, 'BOOT_FAIL': Cause.NODE_FAILURE,
    'PREEMPTED': Cause.PREEMPTED, 'OUT_OF_MEMORY': Cause.OUT_OF_MEMORY, 'TIMEOUT': Cause.OUT_OF_WALLTIME,
}  # fmt: skip
"""Final states in the accounting of SLURM."""

SCHEDULER_MESSAGES = (
    (Cause.OUT_OF_WALLTIME, r'CANCELLED AT .* DUE TO TIME LIMIT|job killed: walltime \d+ exceeded limit|TERM_RUNLIMIT'),
    (Cause.PREEMPTED, r'CANCELLED AT .* DUE TO PREEMPTION|TERM_PREEMPT'),
    (Cause.NODE_FAILURE, r'CANCELLED AT .* DUE TO NODE FAILURE'),
    (
        Cause.OUT_OF_MEMORY,
        r'oom[-_ ]kill|out[- ]of[- ]memory|exceeded .*memory limit|job killed: v?mem .* exceeded limit|TERM_MEMLIMIT',
    ),
    (Cause.CANCELLED, r'CANCELLED AT |TERM_OWNER|TERM_ADMIN'),
)
"""What SLURM, PBS and LSF write into the output of a job when they end it; the first that is found counts."""

PROGRAM_MESSAGES = (
    (Cause.OUT_OF_DISK, r'No space left on device|Disk quota exceeded|File too large|File size limit exceeded'),
    (Cause.OUT_OF_MEMORY, r'std::bad_alloc|Cannot allocate memory|MemoryError|insufficient virtual memory'),
)
"""What the operating system says, however a program words the rest."""


def find_interruption(job: orm.CalcJobNode) -> Interruption | None:
    """Find out from what the scheduler and the program said why a job that failed was interrupted.

    :param job: a terminated job.
    :return: None if the job ended well, was killed through AiiDA, or failed for reasons of its own.
    """
    if job.is_finished_ok or job.is_killed or job.exit_status in HOPELESS_STATUSES:
        return None
    if job.is_excepted:
        return Interruption(Cause.EXCEPTED, _last_line(job.exception or 'without a message'))
    return next(_find_all(job), None)


def _find_all(job: orm.CalcJobNode) -> Iterator[Interruption]:
    """Yield what is known, the surest first."""
    files = _read_retrieved(job)
    scheduler = [str(job.get_option(name)) for name in ('scheduler_stderr', 'scheduler_stdout')]
    yield from _find_in_accounting(job)
    if job.exit_status in STATUSES:
        yield Interruption(STATUSES[job.exit_status], 'so the scheduler says')
    for name in [*scheduler, *sorted(set(files) - set(scheduler))]:
        messages = SCHEDULER_MESSAGES + PROGRAM_MESSAGES if name in scheduler else PROGRAM_MESSAGES
        yield from _find_in_text(files.get(name, ''), name, messages)
    if not set(files) - set(scheduler):
        yield _explain_absence(job)


def _find_in_accounting(job: orm.CalcJobNode) -> Iterator[Interruption]:
    """Yield what the accounting of SLURM says, where the cluster has one."""
    info = job.get_detailed_job_info() or {}
    lines = str(info.get('stdout', '')).splitlines()
    if info.get('retval', 0) != 0 or len(lines) < 2:
        return
    found = dict(zip(lines[0].split('|'), lines[1].split('|'), strict=False)).get('State', '')
    state = found.split(' ')[0]  # such as `CANCELLED by 1000`
    if state in STATES:
        yield Interruption(STATES[state], f'the accounting of the scheduler says {found}')


def _find_in_text(text: str, name: str, messages: tuple[tuple[Cause, str], ...]) -> Iterator[Interruption]:
    for cause, pattern in messages:
        match = re.search(rf'^.*(?:{pattern}).*$', text, re.MULTILINE | re.IGNORECASE)
        if match:
            yield Interruption(cause, f'`{name}` says: {match.group().strip()[:200]}')


def _explain_absence(job: orm.CalcJobNode) -> Interruption:
    """Say what may have become of a job of whose program there is no file."""
    info = job.get_last_job_info()
    state = None if info is None else info.job_state
    if state in (JobState.QUEUED, JobState.QUEUED_HELD):
        return Interruption(Cause.CANCELLED, 'the scheduler last listed it as waiting, and there is no output')
    seen = 'the scheduler never listed it' if state is None else f'the scheduler last listed it as {state.value}'
    return Interruption(Cause.NO_OUTPUT, seen)


def _read_retrieved(job: orm.CalcJobNode) -> dict[str, str]:
    """Return the ends of the files that are kept with a job, by name: who ends a job has the last word."""
    if 'retrieved' not in job.outputs:
        return {}
    repository = job.outputs.retrieved.base.repository
    return {
        found.name: repository.get_object_content(found.name, mode='rb')[-END_BYTES:].decode('utf-8', 'replace')
        for found in repository.list_objects() if found.file_type is FileType.FILE
    }  # fmt: skip


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]
