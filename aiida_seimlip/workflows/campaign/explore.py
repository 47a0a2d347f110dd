"""The stage that explores: molecular dynamics with the present potential, until it survives or breaks."""

from __future__ import annotations

from typing import Any

from aiida.common import AttributeDict
from aiida.engine import ExitCode

from aiida_seimlip.functions.campaign.planning import plan_explorations, plan_held_out
from aiida_seimlip.functions.campaign.warnings import warn_about_run
from aiida_seimlip.workflows.campaign.stage import HELD_OUT, StageMixin
from aiida_seimlip.workflows.failures import explain_failure

SURVIVED = 'completed'
INFORMATIVE = ('broke', 'crashed')
"""How an exploration ends of which something can be learned."""


class ExploreStage(StageMixin):
    """Run each start under all conditions, in waves: a wave is what may run side by side."""

    def plan_explorations(self) -> None:
        """Begin an iteration: give each exploration its parameters, and divide them into waves."""
        self.ctx.iteration += 1
        self.open_record(f'iteration_{self.ctx.iteration:03d}')
        outputs = plan_explorations(self.inputs.options, self.ctx.iteration, **self._groups_for_plan())
        self._lay_out(outputs, self._order_of_levels())

    def plan_held_out(self) -> None:
        """Begin the end: the last potential makes the frames that it will be judged by."""
        self.open_record(HELD_OUT)
        outputs = plan_held_out(self.inputs.options, **self._groups_for_plan())
        conditions = range(len(self.settings.held_out.conditions)) if self.settings.held_out else []
        self._lay_out(outputs, [list(conditions)])

    def should_explore(self) -> bool:
        """Return whether there is another wave to run."""
        return bool(self.ctx.waves)

    def run_explorations(self) -> None:
        """Run the next wave."""
        self.ctx.wave = self.ctx.waves[0]
        for key in self.ctx.wave:
            process = self.submit_engine(
                'exploration', self.label_of(key), structure=self.ctx.starts[self.ctx.planned[key]['start']],
                potential=self.ctx.potential, parameters=self.ctx.parameters[key],
            )  # fmt: skip
            self.to_context(**{f'explorations.{key}': process})

    def inspect_explorations(self) -> ExitCode | None:
        """Take in what the wave has found, and drop the waves that wait for its survival."""
        self.ctx.waves = self.ctx.waves[1:]
        for key in self.ctx.wave:
            self._take_in(key)
        broken = [key for key in self.ctx.wave if not self._survived(key)]
        technical = [key for key in broken if self._outcome(key) not in INFORMATIVE]
        if technical and len(technical) == len(broken) and self.ctx.current != HELD_OUT:
            outcome = self._outcome(technical[0])
            reason = outcome or explain_failure(self.ctx.explorations[technical[0]])
            return self.fail('ERROR_EXPLORATION_FAILED', iteration=self.ctx.iteration, reason=reason)
        if broken and self.settings.exploration.rising and self.ctx.current != HELD_OUT:
            self._postpone_other_levels(self.ctx.planned[broken[0]]['condition_index'])
        return None

    def judge_explorations(self) -> None:
        """Decide whether the potential has passed, or must learn and may."""
        survivors = [key for key in self.ctx.planned if self._survived(key)]
        self.ctx.converged = len(survivors) == len(self.ctx.planned)
        n_labels = sum(node.n_frames for node in self.ctx.training.values())
        self.publish()
        self.report(self._describe(len(survivors), n_labels))
        if not self.ctx.converged and self.settings.max_labels is not None and n_labels >= self.settings.max_labels:
            self.ctx.stop = 'ERROR_LABEL_BUDGET_EXHAUSTED'

    # -- details ------------------------------------------------------------------------------------------------------

    def _groups_for_plan(self) -> dict[str, Any]:
        settings = self.inputs.exploration
        engine = {'engine': {'parameters': settings['parameters']}} if 'parameters' in settings else {}
        return {'starts': dict(self.ctx.starts), **engine}

    def _order_of_levels(self) -> list[list[int]]:
        """Return the groups of conditions, beginning with the one that broke last.

        A new potential is first tried where the last one failed, then above, and only then where the last one passed.
        """
        levels = self.settings.exploration.levels
        first = next((i for i, level in enumerate(levels) if self.ctx.first_level in level), 0)
        return levels[first:] + levels[:first]

    def _postpone_other_levels(self, broken: int) -> None:
        """Drop the waves that wait for the survival of a condition, and remember where to begin the next time."""
        level = next(level for level in self.settings.exploration.levels if broken in level)
        self.ctx.first_level = broken
        self.ctx.waves = [wave for wave in self.ctx.waves if self.ctx.planned[wave[0]]['condition_index'] in level]

    def _lay_out(self, outputs: dict[str, Any], levels: list[list[int]]) -> None:
        self.made['plan'] = outputs['plan']
        self.ctx.parameters = dict(outputs['parameters'])
        explorations = outputs['plan']['explorations']
        names = ('start', 'condition', 'condition_index')
        self.ctx.planned = {entry['key']: {name: entry[name] for name in names} for entry in explorations}
        self.ctx.explorations = AttributeDict()
        self.ctx.candidates, self.ctx.trajectories = {}, {}
        self.ctx.waves = []
        for level in levels:
            keys = [key for key, entry in self.ctx.planned.items() if entry['condition_index'] in level]
            size = self.settings.exploration.max_concurrent or len(keys)
            self.ctx.waves += [keys[begin : begin + size] for begin in range(0, len(keys), size)]

    def _take_in(self, key: str) -> None:
        process = self.ctx.explorations[key]
        if not process.is_finished_ok:
            planned = self.ctx.planned[key]
            self.report(f'{planned["start"]} at {planned["condition"]} did not run: {explain_failure(process)}')
            self.made.setdefault('failed', {})[key] = self.ctx.parameters[key]
            return
        self.made.setdefault('results', {})[key] = process.outputs.results
        if 'candidates' in process.outputs:
            self.ctx.candidates[key] = process.outputs.candidates
        if 'trajectory' in process.outputs:
            self.ctx.trajectories[key] = process.outputs.trajectory
        cell = process.outputs.results.get('cell', None)
        self.warn(warn_about_run(self.ctx.planned[key]['start'], self.ctx.planned[key]['condition'], cell))

    def _survived(self, key: str) -> bool:
        return self._outcome(key) == SURVIVED

    def _outcome(self, key: str) -> str | None:
        results = self.made.get('results', {}).get(key)
        return None if results is None else results['outcome']

    def _describe(self, n_survivors: int, n_labels: int) -> str:
        results = [node.get_dict() for node in self.made.get('results', {}).values()]
        grades = [content['highest_grade'] for content in results if content.get('highest_grade') is not None]
        highest = f', highest grade {max(grades):.1f}' if grades else ''
        postponed = len(self.ctx.planned) - len(self.ctx.explorations)
        return (
            f'iteration {self.ctx.iteration}: {n_survivors} of {len(self.ctx.planned)} explorations survived, '
            f'{postponed} postponed{highest}; {n_labels} labels so far'
        )
