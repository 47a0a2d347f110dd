"""Campaigns run again from what an earlier one has left: its labels take the place of the reference program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import ProcessBuilder

from aiida_seimlip.engines.contract import ENTRY_POINT_GROUP, SOCKETS
from aiida_seimlip.options.campaign.active_learning import EngineNames

REFERENCE_PREFIX = f'{ENTRY_POINT_GROUP}:seimlip.reference.'
REPLAY = 'replay'
"""Name of the engine that answers from the record."""


class ReplayMixin:
    """Builders that replay a campaign, for `ActiveLearningWorkChain`."""

    @classmethod
    def get_builder_to_replay(
        cls, node: orm.WorkChainNode, codes: Mapping[str, orm.AbstractCode | str] | None = None
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a campaign, whose labels come from its record.

        The settings of the scheduler of a socket, which may hold commands for the shell, are taken over together with
        its code only.

        :param node: a campaign, in any state; it may have been imported.
        :param codes: the code, or its label, for each of the sockets ``training``, ``exploration`` and ``selection``
            that is not to use the code of the campaign; ``selection`` is that of ``training`` unless it is named.
        :raises ValueError: if there is no such socket, or the campaign has no labels.
        """
        given = _resolve(codes or {})
        record = find_record(node)
        builder: Any = node.get_builder_restart()
        engines = builder.engines.get_dict() if builder.engines is not None else {}
        builder.engines = EngineNames.serializer({**engines, 'reference': REPLAY})
        builder.reference = record
        for socket, code in given.items():
            settings = {name: value for name, value in builder[socket].items() if name != 'options'}
            builder[socket] = {**settings, 'code': code}
        return builder


def find_record(node: orm.WorkChainNode) -> dict[str, dict[str, Any]]:
    """Return what the reference programs of a campaign have answered.

    :param node: the campaign.
    :return: inputs of the engine `replay`: ``sources`` and ``trajectories``, as far as there are any.
    :raises ValueError: if there are none.
    """
    sources: dict[str, Any] = {}
    trajectories: dict[str, Any] = {}
    links = node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
    for link in sorted(links, key=lambda link: link.node.pk or 0):
        process = link.node
        if not (process.process_type or '').startswith(REFERENCE_PREFIX) or 'frames' not in process.outputs:
            continue
        if 'dynamics' in process.inputs:
            trajectories[link.link_label] = {
                'frames': process.inputs.frames, 'dynamics': process.inputs.dynamics, 'samples': process.outputs.frames,
                'failures': process.outputs.failures,
            }  # fmt: skip
        else:
            sources[link.link_label] = process.outputs.frames
    if not (sources or trajectories):
        raise ValueError(f'{node.process_label} {node.pk} has no labels that could be replayed.')
    found = {'sources': sources, 'trajectories': trajectories}
    return {name: nodes for name, nodes in found.items() if nodes}


def _resolve(codes: Mapping[str, orm.AbstractCode | str]) -> dict[str, orm.AbstractCode]:
    """Return the codes by socket; that of `training` also selects."""
    needed = [socket for socket in SOCKETS if socket != 'reference']
    unknown = sorted(set(codes) - set(needed))
    if unknown:
        raise ValueError(
            f'There is no code to give to {", ".join(f"`{one}`" for one in unknown)} in a replay; there is to '
            f'{", ".join(f"`{one}`" for one in needed)}.'
        )
    given = {**({'selection': codes['training']} if 'training' in codes else {}), **codes}
    return {socket: orm.load_code(code) if isinstance(code, str) else code for socket, code in given.items()}
