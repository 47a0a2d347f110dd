"""What becomes of the starts of a campaign: those that stay broken are set aside, if that is wanted."""

from __future__ import annotations

from collections.abc import Mapping

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.survival import (
    describe_starts,
    first_standings,
    follow_starts,
    warn_about_quarantine,
)
from aiida_seimlip.options.campaign.history import HISTORY_EXTRA, IterationRecord, StartRecord
from aiida_seimlip.workflows.campaign.stage import StageMixin

SURVIVED = 'completed'
"""How an exploration ends that has come to its end."""


class SurvivalMixin(StageMixin):
    """Follow the starts from iteration to iteration; how they stand is published with the history.

    The context holds ``quarantined``: the names of the starts that are explored no more; ``length``: index of the part
    of their steps that explorations do; ``lengthened``: whether it has just risen; and ``doubted``: names of starts on
    whose compositions the potential is not as accurate as asked, which are explored alone until it is.
    """

    def open_standings(self) -> None:
        """Begin with what is known of the starts from the campaign that this one continues."""
        self._publish_standings(first_standings(self.settings, self._formulas))

    def judge_starts(self) -> None:
        """See how each start stands after the explorations of an iteration, and set aside what stays broken."""
        records = self._records
        after = follow_starts(self.settings, self._formulas, records)
        self.report(describe_starts(after, records[-1]))
        self._publish_standings(after)
        self._end_with_quarantine()

    def set_aside_barren(self) -> bool:
        """Set aside what breaks without giving anything to learn from, and return whether that is wanted."""
        if self.settings.exploration.quarantine_after is None:
            return False
        self.publish()
        self._publish_standings(follow_starts(self.settings, self._formulas, self._records))
        self._end_with_quarantine()
        return True

    def surviving_trajectories(self) -> dict[str, FramesData]:
        """Return what the explorations of this iteration have kept that came to their end, by exploration."""
        return {key: node for key, node in self.ctx.trajectories.items() if self.ctx.outcomes[key] == SURVIVED}

    def pass_length(self) -> None:
        """Go over to longer explorations, or, if these were the longest, to the end."""
        lengths = self.settings.exploration.lengths
        self.ctx.converged = lengths[self.ctx.length] == 1
        if not self.ctx.converged:
            self.ctx.length, self.ctx.lengthened = self.ctx.length + 1, True
            self.ctx.first, self.ctx.climbed = {}, []
            self.report(f'the explorations that follow do {100 * lengths[self.ctx.length]:g} % of their steps')

    # -- details ------------------------------------------------------------------------------------------------------

    def _end_with_quarantine(self) -> None:
        """End the loop if no exploration stands in its way but those of starts that are set aside."""
        entries = self.made['plan']['explorations'] if self.ctx.quarantined else []
        left = [entry['key'] for entry in entries if entry['start'] not in self.ctx.quarantined]
        if self.ctx.quarantined and all(self.ctx.outcomes.get(key) == SURVIVED for key in left):
            self.ctx.stop = 'ERROR_STARTS_QUARANTINED'

    @property
    def _formulas(self) -> dict[str, str | None]:
        return {name: next(iter(node.formulas)) for name, node in self.ctx.starts.items()}

    @property
    def _records(self) -> list[IterationRecord]:
        """All iterations, as they have been published.

        How the starts stand follows from these, not from how they stood: a step that a worker repeats, as the one
        before was killed in it, counts no iteration twice.
        """
        return [IterationRecord(**content) for content in self.node.base.extras.get(HISTORY_EXTRA)['iterations']]

    def _publish_standings(self, starts: Mapping[str, StartRecord]) -> None:
        """Let those who watch see how the starts stand, and warn of those that are set aside."""
        history = self.node.base.extras.get(HISTORY_EXTRA)
        history['starts'] = {name: start.model_dump(mode='json') for name, start in starts.items()}
        self.node.base.extras.set(HISTORY_EXTRA, history)
        self.ctx.quarantined = sorted(name for name, start in starts.items() if start.quarantined is not None)
        self.warn(warn_about_quarantine(starts))
