"""Campaigns that go on where another one has ended, be it that it was killed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.common.exceptions import NotExistent
from aiida.common.links import LinkType
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.frames import list_failed
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.campaign.history import HISTORY_EXTRA, CampaignHistory, IterationRecord
from aiida_seimlip.workflows.campaign.replay import REFERENCE_PREFIX
from aiida_seimlip.workflows.protocols import merge

LIMITS = frozenset({'max_iterations', 'max_labels'})
"""Options that a campaign which has converged has no use for."""

UNFIT = 210
"""Exit status of a campaign whose initial potential does not belong to its initial training set."""


class ContinueMixin:
    """Builders that continue a campaign, for `ActiveLearningWorkChain`."""

    @classmethod
    def get_builder_to_continue(cls, node: orm.WorkChainNode, **options: Any) -> ProcessBuilder:
        """Return a builder for a campaign that goes on where another one has ended.

        It takes over the inputs, all labels, the last potential, what could not be labelled and what is late. The
        iterations are counted on, so that no random number is used twice. It does not matter how the campaign ended:
        its history so far is kept with its node.

        :param node: the campaign, which is over; it may have been imported.
        :param options: values of the input `options` that are to be others, such as ``max_iterations``.
        :raises ValueError: if the campaign is not over, or nothing is left to be done with these options.
        """
        past = Past(node)
        content = merge(past.options.to_dict(), {**past.changes(), **options})
        past.refuse(content, bool(set(options) - LIMITS))
        builder: Any = node.get_builder_restart()
        builder.options = ActiveLearningOptions.serializer(content)
        taken_over = {
            'initial_training': past.training, 'initial_potential': past.potential, 'initial_late': past.late,
            'quarantine': past.quarantine,
        }  # fmt: skip
        for name, value in taken_over.items():
            if value:
                builder[name] = value
            elif name in builder:
                del builder[name]
        return builder


@dataclass
class Past:
    """What a campaign leaves to one that continues it.

    :param node: the campaign.
    """

    node: orm.WorkChainNode

    @cached_property
    def options(self) -> ActiveLearningOptions:
        """Its options."""
        return ActiveLearningOptions.from_node(self.node.inputs.options)

    @cached_property
    def history(self) -> CampaignHistory:
        """Its history: the output, or what it had published until it stopped; empty if it did not come so far."""
        if 'history' in self.node.outputs:
            return CampaignHistory(**self.node.outputs.history.get_dict())
        return CampaignHistory(**self.node.base.extras.get(HISTORY_EXTRA, {}))

    @cached_property
    def training(self) -> dict[str, FramesData]:
        """Its labelled frames by names whose order is that in which they were learned."""
        given = dict(self._inputs('initial_training'))
        if self.options.continues is None:
            given = {f'initial_{name}': node for name, node in given.items()}
        made = {
            f'iteration_{record.iteration:03d}': self._load(record.training_uuid)
            for record in self.history.iterations if record.training_uuid is not None
        }  # fmt: skip
        return {**given, **made}

    @cached_property
    def potential(self) -> PotentialData | None:
        """Its last potential."""
        uuids = [record.potential_uuid for record in self.history.iterations if record.potential_uuid is not None]
        return self._load(uuids[-1]) if uuids else self._input('initial_potential')

    @cached_property
    def late(self) -> FramesData | None:
        """The frames whose labels were out at its end."""
        if not self._labellings:
            return self._input('initial_late')
        uuid = self._labellings[-1].late_uuid
        return None if uuid is None else self._load(uuid)

    @cached_property
    def quarantine(self) -> dict[str, dict[str, orm.Data]]:
        """The sets of frames of which some could not be labelled, each with its failures."""
        found: dict[str, Any] = {name: dict(batch) for name, batch in self._inputs('quarantine').items()}
        for link in self.node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all():
            process = link.node
            if (process.process_type or '').startswith(REFERENCE_PREFIX) and 'failures' in process.outputs:
                failures = process.outputs.failures
                if link.link_label.startswith('iteration_') and list_failed(failures.get_dict()):
                    found[link.link_label] = {'frames': process.inputs.frames, 'failures': failures}
        return found

    @property
    def standings(self) -> dict[str, Any]:
        """How its starts stood at its end, by name."""
        found = {
            name: start.model_dump(include={'n_broken', 'furthest'}) for name, start in self.history.starts.items()
        }
        return found or self.options.to_dict()['standings']

    @property
    def last_iteration(self) -> int:
        """Number of the last iteration that has begun."""
        return max([record.iteration for record in self.history.iterations], default=self.options.first_iteration)

    def changes(self) -> dict[str, Any]:
        """Return the options of the campaign that continues it, as far as they are others."""
        if not self.training:
            return {'continues': self.node.uuid}
        return {
            'continues': self.node.uuid, 'first_iteration': self.last_iteration, 'train_first': self._is_behind(),
            'standings': self.standings,
        }  # fmt: skip

    def refuse(self, options: Mapping[str, Any], is_changed: bool) -> None:
        """Refuse to continue where there is nothing to be done.

        :param options: of the campaign to come.
        :param is_changed: whether the user has changed any but the limits.
        :raises ValueError: with the reason.
        """
        name = f'{self.node.process_label} {self.node.pk}'
        n_labels = sum(node.n_frames for node in self.training.values())
        if not self.node.is_terminated:
            raise ValueError(f'{name} is not over yet: there is nothing to continue.')
        if self.node.exit_status == UNFIT:
            raise ValueError(
                f'{name} was refused as its initial potential does not belong to its training set, and a continuation '
                'does not look at it again: begin a new campaign with another potential, or without one.'
            )
        if self.history.converged and not is_changed:
            raise ValueError(
                f'{name} has converged: there is nothing to continue, unless you change more than its limits, such as '
                'its conditions.'
            )
        if self.training and options['max_iterations'] <= self.last_iteration:
            raise ValueError(
                f'{name} has come to iteration {self.last_iteration}: `max_iterations` ({options["max_iterations"]}) '
                'must be a larger number.'
            )
        if options['max_labels'] is not None and options['max_labels'] <= n_labels:
            raise ValueError(
                f'{name} has {n_labels} labels: `max_labels` ({options["max_labels"]}) must be a larger number.'
            )

    @property
    def _labellings(self) -> list[IterationRecord]:
        records = self.history.iterations
        return [record for record in records if record.n_labelled or record.n_failed or record.n_late]

    def _is_behind(self) -> bool:
        """Return whether there are labels that the last potential has not learned from."""
        learned = max((record.iteration for record in self.history.iterations if record.potential_uuid), default=None)
        labelled = max((record.iteration for record in self.history.iterations if record.training_uuid), default=None)
        if learned is None:
            return labelled is not None or self.options.train_first
        return labelled is not None and labelled > learned

    def _input(self, name: str) -> Any:
        return self.node.inputs[name] if name in self.node.inputs else None

    def _inputs(self, name: str) -> Mapping[str, Any]:
        return self._input(name) or {}

    def _load(self, uuid: str) -> Any:
        try:
            return orm.load_node(uuid)
        except NotExistent as exception:
            raise ValueError(
                f'The node {uuid}, which {self.node.process_label} {self.node.pk} has made, is not in this profile: '
                'import the whole campaign.'
            ) from exception
