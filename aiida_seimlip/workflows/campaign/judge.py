"""How a campaign judges its potential by labelled frames, whatever family it is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.history import restate_errors
from aiida_seimlip.functions.evaluation import PREDICTED, compare_predictions, evaluate_errors, evaluate_training
from aiida_seimlip.workflows.campaign.stage import StageMixin

UNKNOWN = 'the explorations have kept no energies of the potential, which cannot be evaluated in this process'
"""Why a potential cannot be judged."""


class JudgeMixin(StageMixin):
    """Compare the present potential with labels.

    A moment tensor potential is evaluated in this process. What any other one says of a frame is known from the
    exploration that has met it, as all frames that are compared come from explorations with the potential itself.
    """

    @property
    def is_evaluated_here(self) -> bool:
        """Whether potentials of this family can be evaluated in this process."""
        return bool(self.ctx.potential.family == 'mtp')

    def can_judge(self) -> bool:
        """Return whether it is known what the potential says of the frames of the explorations."""
        return self.is_evaluated_here or bool(self._with_predictions(self.ctx.trajectories))

    def judge(self, labelled: FramesData) -> orm.Dict | None:
        """Return the errors of the potential on frames of its explorations, None if they are not known.

        :param labelled: with the labels to compare with.
        """
        if self.is_evaluated_here:
            return evaluate_errors(self.ctx.potential, labelled)
        found: dict[str, orm.Dict] = compare_predictions(labelled, **self._with_predictions(self.ctx.trajectories))
        return found.get('errors')

    def judge_by_training(self) -> orm.Dict | None:
        """Return the errors of the last potential on what it learned from, None if they are not known."""
        potential = self.ctx.potential
        if potential is None or not self.ctx.training:
            return None
        if not self.is_evaluated_here:
            return restate_errors(self.ctx.last_errors) if self.ctx.get('last_errors') is not None else None
        if not potential.is_trained:
            return None
        try:
            return evaluate_training(potential, **self.labelled_so_far())
        except ValueError as exception:
            self.report(f'WARNING: The errors of the last potential on its training set are unknown: {exception}')
            return None

    def predictions(self) -> dict[str, FramesData]:
        """Return what the present potential says of the frames that its explorations have kept, by exploration."""
        if self.ctx.potential is None or self.is_evaluated_here:
            return {}
        groups = {'trajectory': self.ctx.get('trajectories', {}), 'candidates': self.ctx.get('candidates', {})}
        return {
            f'{kind}_{key}': node for kind, nodes in groups.items()
            for key, node in self._with_predictions(nodes).items()
        }  # fmt: skip

    @staticmethod
    def _with_predictions(nodes: Mapping[str, Any]) -> dict[str, FramesData]:
        return {key: node for key, node in nodes.items() if PREDICTED <= set(node.get_arraynames())}
