"""What the tests of faults have in common: jobs that wait for a sign, and ways to count what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.workflows.conftest import crystal

from .machinery import Cluster, Job
from .services import wait_for

STAND_IN = Path(__file__).parents[1] / 'stand_ins' / 'held_python'
LENNARD_JONES = {'name': 'lj', 'kwargs': {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}}
PATIENCE = 600.0
"""s; as long as a busy machine may take for what an idle one does in seconds."""


@dataclass(frozen=True)
class Signs:
    """Files that tell jobs, and a daemon whose Python is the stand-in, where to wait.

    :param folder: that jobs can see.
    """

    folder: Path

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Let what looks for this sign wait until the end of the block."""
        (self.folder / f'{name}.held').unlink(missing_ok=True)
        (self.folder / name).touch()
        try:
            yield
        finally:
            (self.folder / name).unlink(missing_ok=True)

    def once(self, name: str) -> None:
        """Set a sign that whoever finds it takes away."""
        (self.folder / name).touch()

    def wait_in(self, name: str) -> str:
        """Return shell commands that wait as long as there is the sign, and say that they do."""
        return f'while [ -e {self.folder / name} ]; do touch {self.folder / name}.held; sleep 0.2; done'

    def wait_until_held(self, name: str) -> None:
        """Wait until a job waits at the sign: SLURM calls it running before its script has begun."""
        wait_for((self.folder / f'{name}.held').exists, PATIENCE, f'a job that waits at {name}')

    def if_once(self, name: str, commands: str) -> str:
        """Return shell commands that do something if there is the sign, which they take away."""
        return f'if rm {self.folder / name} 2>/dev/null; then {commands}; fi'

    def wait_for_parser(self) -> int:
        """Wait until the parser waits, and return the process id of its worker."""
        path = self.folder / 'parsing.pid'

        def reached() -> bool:
            with suppress(FileNotFoundError, ValueError):
                return bool(int(path.read_text()))
            return False

        wait_for(reached, PATIENCE, 'the parser')
        return int(path.read_text())


def make_frames(n: int, seed: int, *, n_atoms: Callable[[int], int] = lambda index: 8) -> Any:
    """Return displaced crystals of neon and argon, no two of which are the same.

    :param n: number of frames.
    :param seed: frames of different seeds differ.
    :param n_atoms: of each frame, by its index: at most 8.
    """
    from aiida_seimlip.data.frames import FramesData

    return FramesData.from_atoms([crystal(1000 * seed + i, scale=0.1)[: n_atoms(i)] for i in range(n)]).store()


def submit_labelling(code: Any, frames: Any, *, parameters: dict[str, Any] | None = None, **inputs: Any) -> Any:
    """Submit `AseReferenceWorkChain` with a code, and return its process."""
    from aiida import orm
    from aiida.engine import submit

    from aiida_seimlip.engines.contract import load_engine

    settings = orm.Dict({'calculator': LENNARD_JONES, **(parameters or {})})
    return submit(load_engine('reference', 'ase'), code=code, frames=frames, parameters=settings, **inputs)


def jobs_of(node: Any) -> list[Any]:
    """Return the jobs that a process has run, in order."""
    from aiida import orm

    return sorted((job for job in node.called_descendants if isinstance(job, orm.CalcJobNode)), key=lambda job: job.pk)


def wait_for_job(cluster: Cluster, node: Any, state: str, *, label: str = '') -> Job:
    """Wait until SLURM has a job of a process in a state, and AiiDA has noted all that it submitted.

    Whoever is killed between the answer of `sbatch` and the note of the number submits the job once more; no test
    of something else shall depend on whether it hits that moment.

    :param state: of SLURM.
    :param label: how the label of the process begins that is a job of AiiDA.
    """
    from aiida.common.datastructures import CalcJobState

    def is_noted(job: Any) -> bool:
        return job.get_state() == CalcJobState.WITHSCHEDULER and job.get_last_job_info() is not None

    found: list[Job] = []

    def look() -> bool:
        jobs = [job for job in jobs_of(node) if not job.is_terminated]
        names = {f'aiida-{job.pk}' for job in jobs if job.process_label.startswith(label)}
        found[:] = [job for job in cluster.squeue() if job.name in names and job.state == state]
        return bool(found) and all(map(is_noted, jobs))

    wait_for(look, PATIENCE, f'a job in the state {state}')
    return found[0]


def count_labels(node: Any) -> Counter[str]:
    """Return how often each frame was labelled by the jobs of a process, by the content hash of the frame."""
    return Counter(
        value for job in jobs_of(node) if 'labelled' in job.outputs for value in job.outputs.labelled.hashes
    )  # fmt: skip


def count_submissions(cluster: Cluster, node: Any) -> dict[str, int]:
    """Return how often each job of a process was given to SLURM, by the label and the pk of the job."""
    numbers: dict[str, set[int]] = {}
    for job in [*cluster.history(), *cluster.squeue()]:
        numbers.setdefault(job.name, set()).add(job.number)
    return {f'{job.process_label} {job.pk}': len(numbers.get(f'aiida-{job.pk}', ())) for job in jobs_of(node)}


def reports(node: Any) -> str:
    """Return what a process and those it called have reported, a line each."""
    from aiida import orm

    nodes = [node, *node.called_descendants]
    return '\n'.join(entry.message for one in nodes for entry in orm.Log.collection.get_logs_for(one))


def unfinished() -> list[str]:
    """Return the processes of the profile that have not terminated."""
    from aiida import orm

    ended = ['finished', 'killed', 'excepted']
    query = orm.QueryBuilder().append(orm.ProcessNode, filters={'attributes.process_state': {'!in': ended}})
    return [f'{node.process_label} {node.pk}: {node.process_status}' for node in query.all(flat=True)]


def assert_labelled(node: Any, frames: Any, *, without: Sequence[int] = ()) -> None:
    """Assert that a labelling ended well: each frame is labelled once, none is lost or doubled, the order is kept.

    :param node: process of a reference engine.
    :param frames: what it was given.
    :param without: indices of frames that must have failed.
    """
    expected = [value for index, value in enumerate(frames.hashes) if index not in without]
    assert node.is_finished_ok, f'{node.exit_message}\n{reports(node)}'
    assert node.outputs.frames.hashes == expected
    assert sorted(map(int, node.outputs.failures.get_dict())) == sorted(without)
    assert np.isfinite(node.outputs.frames.get_frames().energies).all()
    assert count_labels(node) == Counter(expected)
