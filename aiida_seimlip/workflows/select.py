"""The stage that selects: which of the candidates are worth a label."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ExitCode

from aiida_seimlip.calculations.functions.filters import filter_candidates, rank_selected
from aiida_seimlip.workflows.stage import StageMixin, explain_failure


class SelectStage(StageMixin):
    """Filter the candidates, select among them, and keep the best within the budget."""

    def run_selection(self) -> ExitCode | None:
        """Leave out candidates that are not worth a label, and select among the others."""
        groups = {
            'candidates': self.ctx.candidates, 'starts': dict(self.ctx.starts),
            'training': self.labelled_so_far(), 'failed': self._failed_before(),
        }  # fmt: skip
        outputs = filter_candidates(self.inputs.options, **{name: group for name, group in groups.items() if group})
        self.made['filter'] = outputs['report']
        if 'candidates' not in outputs:
            return self._fail_empty()
        process = self.submit_engine(
            'selection', self.label_of('select'), potential=self.ctx.potential, training=self.labelled_so_far(),
            candidates=outputs['candidates'],
        )  # fmt: skip
        self.to_context(selection=process)
        return None

    def inspect_selection(self) -> ExitCode | None:
        """Put the selected frames in order, and keep as many as the budgets allow."""
        process = self.ctx.selection
        if not process.is_finished_ok:
            return self.fail('ERROR_SELECTION_FAILED', iteration=self.ctx.iteration, reason=explain_failure(process))
        self.made['selected'] = process.outputs.selected
        if not process.outputs.selected.n_frames:
            return self._fail_empty()
        n_labels = sum(node.n_frames for node in self.ctx.training.values())
        outputs = rank_selected(self.inputs.options, process.outputs.selected, orm.Int(n_labels))
        self.made['rank'] = outputs['report']
        if 'frames' not in outputs:
            return self._fail_empty()
        self.ctx.to_label = outputs['frames']
        return None

    def _failed_before(self) -> dict[str, dict[str, object]]:
        """Return the batches of frames of which some could not be labelled."""
        return {
            f'{name}_{key}': {'frames': frames, 'failures': found['failures'][key]}
            for name, found in self.ctx.nodes.items() for key, frames in found.get('sent', {}).items()
        }  # fmt: skip

    def _fail_empty(self) -> ExitCode:
        reports = [self.made[name].get_dict() for name in ('filter', 'rank') if name in self.made]
        drops = [f'{drop["count"]} {drop["reason"]}' for report in reports for drop in report['dropped']]
        return self.fail(
            'ERROR_EMPTY_SELECTION', iteration=self.ctx.iteration, n_candidates=reports[0]['n_candidates'],
            drops='; '.join(drops) or 'none was dropped',
        )  # fmt: skip
