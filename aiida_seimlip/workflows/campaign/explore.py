"""The stage that explores: molecular dynamics with the present potential, until it survives or breaks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode

from aiida_seimlip.engines.pool import PoolMixin
from aiida_seimlip.functions.campaign.planning import plan_explorations, plan_held_out
from aiida_seimlip.functions.campaign.warnings import warn_about_run
from aiida_seimlip.options.campaign.history import INFORMATIVE
from aiida_seimlip.workflows.campaign.ladders import (
    Ladder,
    broken_levels,
    build_ladders,
    climbed_ladders,
    hold_back,
    open_runs,
)
from aiida_seimlip.workflows.campaign.stage import HELD_OUT
from aiida_seimlip.workflows.campaign.survival import SURVIVED, SurvivalMixin
from aiida_seimlip.workflows.failures import explain_failure


class ExploreStage(PoolMixin, SurvivalMixin):
    """Run each start under all conditions, as many at once as may be.

    The jobs of the pool are called after their links, such as ``iteration_001_run_000``, the explorations after their
    keys in the plan, such as ``run_000``. The context holds

    * ``parameters``: by exploration; ``outcomes``: how those ended that have been taken in, None without results;
    * ``candidates`` and ``trajectories``: what they have found, by exploration;
    * ``first``: the level to begin with, by ladder (`build_ladders`);
    * ``climbed``: ladders whose explorations all survived the last time that they were tried.
    * ``doubted``: see `SurvivalMixin`.
    """

    @property
    def takes_in_each(self) -> bool:
        """Where each start rises by itself, what comes next depends on every end."""
        return self.settings.exploration.rises_each

    @property
    def max_concurrent(self) -> int | None:
        """Explorations under way at once; None for no limit."""
        return self.settings.exploration.max_concurrent

    @property
    def deadline(self) -> float | None:
        """No exploration is left behind."""
        return None

    def plan_explorations(self) -> None:
        """Begin an iteration: give each exploration its parameters."""
        self.ctx.iteration += 1
        self.ctx.lengthened = False
        self.open_record(f'iteration_{self.ctx.iteration:03d}')
        groups, length = self._groups_for_plan(), self.settings.exploration.lengths[self.ctx.length]
        if length < 1:
            groups['length'] = {'part': orm.Float(length)}
        self._lay_out(plan_explorations(self.inputs.options, self.ctx.iteration, **groups))

    def plan_held_out(self) -> None:
        """Begin the end: the last potential makes the frames that it will be judged by."""
        self.open_record(HELD_OUT)
        self._lay_out(plan_held_out(self.inputs.options, **self._groups_for_plan()))

    def should_explore(self) -> bool:
        """Return whether there is an exploration to begin or to wait for."""
        return self.has_jobs()

    def run_explorations(self) -> None:
        """Begin as many explorations as there is room for, and wait until one has ended."""
        self.run_jobs()

    def submit_job(self, name: str) -> orm.ProcessNode:
        """Submit an exploration.

        :param name: of its link.
        """
        key = self._key_of(name)
        return self.submit_engine(
            'exploration', name, structure=self.ctx.starts[self._planned[key][0]], potential=self.ctx.potential,
            parameters=self.ctx.parameters[key],
        )  # fmt: skip

    def inspect_explorations(self) -> ExitCode | None:
        """Take in what the explorations have found that ended, and queue those that depend on them."""
        jobs = {self._key_of(name): job for name, job in self.ctx.jobs.items() if isinstance(job, orm.ProcessNode)}
        ended = {key: job for key, job in jobs.items() if key not in self.ctx.outcomes}
        for key, process in ended.items():
            self._take_in(key, process)
        self._fill_queue()
        if not self._is_stuck():
            return None
        if SURVIVED not in self.ctx.outcomes.values():
            self.ctx.queue = []  # the next ones would fail, too; those under way may still tell something
        if self.has_jobs():
            return None
        key = next(key for key in sorted(jobs) if self._is_technical(key))
        reason = self.ctx.outcomes[key] or explain_failure(jobs[key])
        return self.fail('ERROR_EXPLORATION_FAILED', iteration=self.ctx.iteration, reason=reason)

    def judge_explorations(self) -> None:
        """Decide whether the potential has passed, or must learn and may."""
        survivors = [key for key in self._plan if self.ctx.outcomes.get(key) == SURVIVED]
        wanted = [key for key, entry in self._plan.items() if entry['start'] in (self.ctx.doubted or self.ctx.starts)]
        levels, each = self.settings.exploration.levels, self.settings.exploration.rises_each
        broken = [key for key, outcome in self.ctx.outcomes.items() if outcome != SURVIVED]
        self.ctx.first = {**self.ctx.first, **broken_levels(self._planned, levels, broken, each=each)}
        self.ctx.climbed = climbed_ladders(self._ladders, self.ctx.climbed, self.ctx.outcomes, survivors)
        self.ctx.passed = set(wanted) <= set(survivors) and not self.ctx.quarantined
        self.publish()
        self.report(self._describe(len(survivors)))
        if self.ctx.passed and self.settings.accuracy is None:
            self.pass_length()
        self.judge_starts()
        if self.has_spent_labels() and self.ctx.stop is None and not self.ctx.passed:
            self.ctx.stop = 'ERROR_LABEL_BUDGET_EXHAUSTED'

    # -- details ------------------------------------------------------------------------------------------------------

    def _groups_for_plan(self) -> dict[str, Any]:
        settings = self.inputs.exploration
        engine = {'engine': {'parameters': settings['parameters']}} if 'parameters' in settings else {}
        left_out = {'left_out': {'names': orm.List(self.ctx.quarantined)}} if self.ctx.quarantined else {}
        return {'starts': dict(self.ctx.starts), **engine, **left_out}

    def _lay_out(self, outputs: dict[str, Any]) -> None:
        self.made['plan'] = outputs['plan']
        self.ctx.parameters = dict(outputs.get('parameters', {}))
        self.ctx.jobs, self.ctx.outcomes = AttributeDict(), {}
        self.ctx.candidates, self.ctx.trajectories = {}, {}
        self.ctx.queue = []
        self._fill_queue()

    @property
    def _ladders(self) -> dict[str, list[list[str]]]:
        exploration = self.settings.exploration
        return build_ladders(self._planned, exploration.levels, self.ctx.first, each=exploration.rises_each)

    @property
    def _planned(self) -> dict[str, tuple[str, int]]:
        """Name of the start and index of the condition of each exploration, by its key."""
        return {key: (entry['start'], entry['condition_index']) for key, entry in self._plan.items()}

    @property
    def _plan(self) -> dict[str, dict[str, Any]]:
        plan = self.made['plan']
        if plan.uuid not in self._plans:
            self._plans.clear()
            self._plans[plan.uuid] = {entry['key']: entry for entry in plan['explorations']}
        return self._plans[plan.uuid]

    @cached_property
    def _plans(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The present plan by its UUID, kept out of the context, which is written down at every step."""
        return {}

    def _fill_queue(self) -> None:
        """Append what may be run and has not been begun."""
        survived = {key for key, outcome in self.ctx.outcomes.items() if outcome == SURVIVED}
        if self.ctx.current == HELD_OUT:
            ladders: Mapping[str, Ladder] = {'': [list(self._plan)]}
        elif self.ctx.doubted:
            ladders = {name: ladder for name, ladder in self._ladders.items() if name in self.ctx.doubted}
        elif self.settings.exploration.recheck == 'last':
            ladders = hold_back(self._ladders, self.ctx.climbed, survived)
        else:
            ladders = self._ladders
        names = [self.label_of(key) for key in open_runs(ladders, survived)]
        begun = {*self.ctx.queue, *self.ctx.jobs}
        self.ctx.queue = [*self.ctx.queue, *(name for name in names if name not in begun)]

    def _key_of(self, name: str) -> str:
        return name.removeprefix(self.label_of(''))

    def _take_in(self, key: str, process: orm.ProcessNode) -> None:
        start, condition = (self._plan[key][name] for name in ('start', 'condition'))
        if not process.is_finished_ok:
            self.ctx.outcomes[key] = None
            self.report(f'{start} at {condition} did not run: {explain_failure(process)}')
            self.made.setdefault('failed', {})[key] = self.ctx.parameters[key]
            return
        results = self.made.setdefault('results', {})[key] = process.outputs.results
        self.ctx.outcomes[key] = results['outcome']
        if 'candidates' in process.outputs:
            self.ctx.candidates[key] = process.outputs.candidates
        if 'trajectory' in process.outputs:
            self.ctx.trajectories[key] = process.outputs.trajectory
        self.warn(
            warn_about_run(start, condition, results.get('cell', None)), about=f'The cell of `{start}` at {condition} '
        )

    def _is_technical(self, key: str) -> bool:
        return self.ctx.outcomes.get(key, SURVIVED) not in (SURVIVED, *INFORMATIVE)

    def _is_stuck(self) -> bool:
        """Return whether explorations failed for technical reasons alone: there is nothing to learn from."""
        broken = [key for key, outcome in self.ctx.outcomes.items() if outcome != SURVIVED]
        return bool(broken) and all(map(self._is_technical, broken)) and self.ctx.current != HELD_OUT

    def _describe(self, n_survivors: int) -> str:
        results = [node.get_dict() for node in self.made.get('results', {}).values()]
        grades = [content['highest_grade'] for content in results if content.get('highest_grade') is not None]
        highest = f', highest grade {max(grades):.1f}' if grades else ''
        postponed = len(self._plan) - len(self.ctx.outcomes)
        return (
            f'iteration {self.ctx.iteration}: {n_survivors} of {len(self._plan)} explorations survived, '
            f'{postponed} postponed{highest}; {self.count_labels()} labels so far'
        )
