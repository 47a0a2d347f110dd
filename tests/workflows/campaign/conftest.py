"""What campaigns explore with."""

from collections.abc import Callable
from typing import Any

import pytest
from aiida import orm

from tests.workflows.conftest import crystal


@pytest.fixture
def potential(potential: Any) -> Any:
    """Return the trained potential for neon and argon with an active set, as a stored node."""
    from aiida_seimlip.data.potential import PotentialData
    from aiida_seimlip.science.frames import Frames
    from aiida_seimlip.science.mtp.grade import build_active_set

    frames = Frames.from_atoms([crystal(seed, scale=0.1) for seed in range(5)])
    return PotentialData.from_mtp(build_active_set(potential.get_mtp(), frames)).store()


def results(outcome: str = 'completed', grade: float | None = 1.5, n_steps: int = 100, **more: Any) -> orm.Dict:
    """Return the results of an exploration."""
    content = {'outcome': outcome, 'n_steps': n_steps, 'highest_grade': grade, 'n_candidates': 0, 'message': None}
    return orm.Dict({**content, 'n_steps_asked': 100, **more})


@pytest.fixture
def under_way(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that lets a campaign believe that what it submits runs: ``under_way(process)``.

    It returns what is launched: name of the socket, label and inputs.
    """
    from aiida.engine.processes.workchains.awaitable import Awaitable

    def factory(process: Any) -> list[tuple[str, str, dict[str, Any]]]:
        launched: list[tuple[str, str, dict[str, Any]]] = []

        def submit_engine(socket: str, label: str, **data: Any) -> str:
            launched.append((socket, label, data))
            return label

        def to_context(**kwargs: Any) -> None:
            for key, label in kwargs.items():
                if key.startswith('jobs.'):
                    process.ctx.jobs[label] = Awaitable(pk=len(launched), key=key)

        monkeypatch.setattr(process, 'submit_engine', submit_engine)
        monkeypatch.setattr(process, 'to_context', to_context)
        return launched

    return factory


def running(process: Any) -> dict[str, str]:
    """Return the labels of the explorations that are under way, by their keys in the plan."""
    from aiida.engine.processes.workchains.awaitable import Awaitable

    jobs = {name: job for name, job in process.ctx.jobs.items() if isinstance(job, Awaitable)}
    return {name.removeprefix(f'{process.ctx.current}_'): name for name in jobs}


@pytest.fixture
def explore(finished: Any, potential: Any, under_way: Any) -> Callable[..., Any]:
    """Return a function that runs explorations: ``explore(process, {key: terminated process})``; others survive.

    It returns the keys of those under way at a time, what was launched, and the exit code.
    """

    def run(process: Any, ends: Any = None) -> Any:
        launched = under_way(process)
        process.ctx.potential = potential
        process.plan_explorations()
        waves = []
        while process.should_explore():
            process.run_explorations()
            waves.append(list(running(process)))
            for key, name in running(process).items():
                end = (ends or {}).get(key)
                process.ctx.jobs[name] = finished(results=results()) if end is None else end
            exit_code = process.inspect_explorations()
            if exit_code is not None:
                return waves, launched, exit_code
        process.judge_explorations()
        return waves, launched, None

    return run
