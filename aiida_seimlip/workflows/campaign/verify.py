"""The stage that verifies: whether a potential that survives everything also agrees with the reference."""

from __future__ import annotations

from typing import Any

from aiida.engine import ExitCode

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.filters import draw_checks, pick_checks
from aiida_seimlip.functions.frames import join_frames
from aiida_seimlip.functions.words import describe_count
from aiida_seimlip.options.records import DetailedErrorsRecord
from aiida_seimlip.workflows.campaign.judge import UNKNOWN
from aiida_seimlip.workflows.campaign.label import LabelStage
from aiida_seimlip.workflows.campaign.survival import SurvivalMixin


class VerifyStage(LabelStage, SurvivalMixin):
    """Compare the potential with the reference on explorations that have survived, where an accuracy is asked for.

    A grade tells whether an environment is new, not whether the energy is right. Once all explorations have survived,
    spot checks of each decide whether the potential has converged. Where it is not accurate and each start rises by
    itself, those of the compositions concerned are explored alone, with as many checks as all have together, until it
    is; then all are explored again. Before that, checks that are labelled with the selected frames tell which starts
    have not really been climbed.
    """

    def should_verify(self) -> bool:
        """Return whether all explorations survived, and more than that is asked for."""
        return self.ctx.passed and self.settings.accuracy is not None

    def run_verification(self) -> ExitCode | None:
        """Label frames of each exploration, and those whose labels were late the last time."""
        if not self.can_judge():
            return self._fail_to_verify(UNKNOWN)
        groups = {'plan': {'present': self.made['plan']}} if self.ctx.doubted else {}
        outputs = draw_checks(
            self.inputs.options, survivors=self.ctx.trajectories, labels=self.labelled_so_far(), **groups
        )
        if 'frames' not in outputs:
            return self._fail_to_verify('the explorations have kept no frames without a label')
        batches: dict[str, dict[str, Any]] = {'checks': {'frames': outputs['frames']}}
        if self.ctx.late is not None:
            batches['late'] = {'frames': self.ctx.late}
        self.submit_batches(batches)
        return None

    def inspect_verification(self) -> ExitCode | None:
        """Judge the potential by the labels, and take them in where it is not accurate enough."""
        labelled, exit_code = self.collect_labels()
        if exit_code is not None:
            return exit_code
        if 'checks' not in labelled:
            return self._fail_to_verify('none of their frames could be labelled')
        misses = self._find_misses(labelled['checks'])
        if not (misses or self.ctx.doubted):
            self.pass_length()
        self.ctx.doubted = self._starts_of(misses)
        if not (self.ctx.converged or self.has_spent_labels()):
            return self.learn_from(labelled)
        if misses:
            self.ctx.stop = 'ERROR_LABEL_BUDGET_EXHAUSTED'
        self.made['checked'] = join_frames(**labelled) if len(labelled) > 1 else labelled['checks']
        self.publish()
        return None

    def recall_starts(self) -> None:
        """Let starts be explored again that survived although the potential was wrong about their spot checks."""
        survivors = self.surviving_trajectories()
        if self.settings.accuracy is None or not self.can_judge() or not survivors:
            return
        checks = pick_checks(self.made['accepted'], **survivors)
        if 'frames' in checks:
            missed = self._find_misses(checks['frames'])
            self.ctx.climbed = [name for name in self.ctx.climbed if not missed & set(self.ctx.starts[name].formulas)]
            self.publish()

    # -- details ------------------------------------------------------------------------------------------------------

    def _find_misses(self, checks: FramesData) -> set[str]:
        """Return the compositions on which the potential is not as accurate as asked, and say so."""
        accuracy = self.settings.accuracy
        assert accuracy is not None
        errors = self.made['check_errors'] = self.judge(checks)
        assert errors is not None  # checks are drawn from what the explorations have kept
        record = DetailedErrorsRecord(**errors.get_dict())
        misses = accuracy.find_misses(record)
        words = ', '.join(f'{formula} ({error})' for formula, error in misses.items())
        verdict = f'not as accurate as asked on {words}' if misses else 'as accurate as asked'
        self.report(f'{describe_count(checks.n_frames, "spot check")}: {record.describe()}; {verdict}')
        return set(misses)

    def _starts_of(self, formulas: set[str]) -> list[str]:
        """Return the starts of compositions, unless all starts are explored together."""
        if not self.settings.exploration.rises_each:
            return []
        return sorted(name for name, node in self.ctx.starts.items() if formulas & set(node.formulas))

    def _fail_to_verify(self, reason: str) -> ExitCode:
        return self.fail('ERROR_ACCURACY_UNKNOWN', reason=reason)
