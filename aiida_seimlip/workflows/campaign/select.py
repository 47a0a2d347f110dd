"""The stage that selects: which of the candidates are worth a label."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.filters import filter_candidates, needs_starts, rank_selected
from aiida_seimlip.workflows.campaign.survival import SurvivalMixin
from aiida_seimlip.workflows.failures import explain_failure


class SelectStage(SurvivalMixin):
    """Filter the candidates, select among them, and keep the best within the budget."""

    def run_selection(self) -> ExitCode | None:
        """Leave out candidates that are not worth a label, and select among the others."""
        groups = {
            'candidates': self.ctx.candidates, 'starts': dict(self.ctx.starts),
            'training': self.labelled_so_far(), 'failed': self._failed_before(), 'late': self._late_before(),
        }  # fmt: skip
        self.ctx.selection, self.ctx.to_label = None, None
        outputs = filter_candidates(self.inputs.options, **{name: group for name, group in groups.items() if group})
        self.made['filter'] = outputs['report']
        if 'candidates' not in outputs:
            return self._end_empty()
        process = self.submit_engine(
            'selection', self.label_of('select'), potential=self.ctx.potential, training=self.labelled_so_far(),
            candidates=outputs['candidates'],
        )  # fmt: skip
        self.to_context(selection=process)
        return None

    def inspect_selection(self) -> ExitCode | None:
        """Put the selected frames in order, and keep as many as the budgets allow."""
        process = self.ctx.selection
        if process is None:
            return None
        if not process.is_finished_ok:
            return self.fail('ERROR_SELECTION_FAILED', iteration=self.ctx.iteration, reason=explain_failure(process))
        self.made['selected'] = process.outputs.selected
        if not process.outputs.selected.n_frames:
            return self._end_empty()
        n_labels = sum(node.n_frames for node in (*self.ctx.training.values(), *self._late_before().values()))
        outputs = rank_selected(
            self.inputs.options, process.outputs.selected, orm.Int(n_labels), **self._groups_for_rank()
        )
        self.made['rank'] = outputs['report']
        if 'frames' not in outputs:
            return self._end_empty()
        self.ctx.to_label = outputs['frames']
        return None

    def _groups_for_rank(self) -> dict[str, Any]:
        """Return what the budgets in the options need to know of starts and labels."""
        groups: dict[str, Any] = {}
        if needs_starts(self.settings):
            groups = {'explorations': {'plan': self.made['plan']}, 'candidates': self.ctx.candidates}
        if self.settings.selection.spot_checks_per_exploration:
            groups['survivors'] = self.surviving_trajectories()
        if self.settings.max_labels_per_formula is not None or groups.get('survivors'):
            late = {f'late_{name}': node for name, node in self._late_before().items()}
            groups['labels'] = {**self.labelled_so_far(), **late}
        return {name: group for name, group in groups.items() if group}

    def _failed_before(self) -> dict[str, dict[str, object]]:
        """Return the batches of frames of which some could not be labelled, in this campaign or the one before."""
        here = {
            f'{name}_{key}': {'frames': frames, 'failures': found['failures'][key]}
            for name, found in self.ctx.nodes.items() for key, frames in found.get('sent', {}).items()
        }  # fmt: skip
        before = {f'before_{name}': dict(batch) for name, batch in self.inputs.get('quarantine', {}).items()}
        return {**before, **here}

    def _late_before(self) -> dict[str, FramesData]:
        return {} if self.ctx.late is None else {'present': self.ctx.late}

    def _end_empty(self) -> ExitCode | None:
        """End the campaign, as there is nothing to learn from.

        Unless labels are still out, or the starts that broke are to be set aside.
        """
        if self.ctx.late is not None:
            self.report(f'no candidate was selected; {self.ctx.late.n_frames} labels are still out')
            return None
        if 'rank' not in self.made and self.set_aside_barren():
            return None
        reports = [self.made[name].get_dict() for name in ('filter', 'rank') if name in self.made]
        drops = [f'{drop["count"]} {drop["reason"]}' for report in reports for drop in report['dropped']]
        return self.fail(
            'ERROR_EMPTY_SELECTION', iteration=self.ctx.iteration, n_candidates=reports[0]['n_candidates'],
            drops='; '.join(drops) or 'none was dropped',
        )  # fmt: skip
