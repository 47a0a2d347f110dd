"""Builders of `DistillationWorkChain` from protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder
from aiida.plugins import WorkflowFactory

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SOCKETS
from aiida_seimlip.options.campaign.distillation import DistillationEngines, DistillationOptions
from aiida_seimlip.workflows.protocols import (
    ProtocolMixin,
    elements_of_all,
    merge,
    resolve_codes,
    socket_inputs,
    without_replaced,
)
from aiida_seimlip.workflows.protocols.active_learning import CampaignProtocolMixin

TEACHER, TUNING = 'teacher', 'tuning'
DISTILLATION_SOCKETS = (TEACHER, *SOCKETS, TUNING)
"""All jobs: `reference` is the one whose labels count, `teacher` labels for the campaigns."""


class DistillationProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `DistillationWorkChain`.

    The section `campaign` names a `protocol` of the campaign, and replaces values of it; its `reference` is the
    teacher.
    """

    protocol_folder: ClassVar[str] = 'distil'
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', 'engines', 'campaign', 'reference', 'tuning')

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data, those of the campaign complete.

        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol, in the same sections (`protocol_sections`).
        :return: the sections; `engines`: the name of the engine of each job; `names`: those of `reference` and `tuning`
            alone; and `protocol`: that of the campaign.
        :raises ValueError: if there is no such protocol or section.
        """
        given = dict(overrides or {})
        inside = dict(given.pop('campaign', None) or {})
        inputs = super().get_protocol_inputs(protocol, given)
        own = inputs.get('campaign', {})
        name = inside.pop('protocol', own.pop('protocol', None))
        base = CampaignProtocolMixin.get_protocol_inputs(name)
        own['engines'] = {**base.get('engines', {}), **own.get('engines', {})}
        replaced = merge(without_replaced(own, inside), inside)
        inputs['campaign'] = CampaignProtocolMixin.get_protocol_inputs(name, replaced)
        engines = DistillationEngines.from_node(inputs.get('engines'))
        of_campaign = dict(inputs['campaign']['engines'])
        found = {TEACHER: of_campaign.pop('reference'), **of_campaign, 'reference': engines.reference}
        if engines.tuning is not None:
            found[TUNING] = engines.tuning
        return {**inputs, 'engines': found, 'names': engines.to_dict(), 'protocol': name}

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        structures: Mapping[str, orm.StructureData | FramesData] | orm.StructureData | FramesData,
        *,
        species: Sequence[str] | None = None,
        potential: PotentialData | None = None,
        initial_reference: Mapping[str, FramesData] | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code, or its label, for each job (`DISTILLATION_SOCKETS`); ``selection`` may be left out: it
            is that of ``training`` then. ``tuning`` is needed if the teacher is trained.
        :param structures: the starts of the explorations, by name, or a single one.
        :param species: chemical symbols in type order; by default those of the starts in order of atomic number.
        :param potential: that the calculator of the teacher is given, if it is given one.
        :param initial_reference: labels of the reference that there are already, by name.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; those of the protocol have precedence.
        :raises ValueError: if there is no such protocol or section, or a code is missing.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        found = resolve_codes(
            codes, DISTILLATION_SOCKETS, optional=() if TUNING in inputs['engines'] else (TUNING,),
            stand_in={'selection': 'training'},
        )  # fmt: skip
        starts = dict(structures) if isinstance(structures, Mapping) else {'start': structures}
        builder: Any = cls.get_builder()  # type: ignore[attr-defined]
        builder.structures = starts
        species = list(species or elements_of_all(starts))
        builder.species = orm.List(species)
        builder.options = DistillationOptions.serializer(inputs['options'])
        builder.engines = DistillationEngines.serializer(inputs['names'])
        builder.campaign = _campaign(species, inputs, found, scheduler_options, potential)
        builder.reference = socket_inputs(inputs.get('reference', {}), found['reference'], scheduler_options)
        if TUNING in inputs['engines']:
            builder.tuning = socket_inputs(inputs.get(TUNING, {}), found[TUNING], scheduler_options)
        if initial_reference:
            builder.initial_reference = dict(initial_reference)
        return builder


def _campaign(
    species: Sequence[str], inputs: Mapping[str, Any], codes: Mapping[str, Any], options: Any,
    potential: PotentialData | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the inputs of the campaigns without starts and species; the teacher is their reference."""
    process: Any = WorkflowFactory('seimlip.active_learning')
    own = {socket: codes[socket] for socket in SOCKETS} | {'reference': codes[TEACHER]}
    builder = process.get_builder_from_protocol(
        own, {}, species=species, protocol=inputs['protocol'], overrides=inputs['campaign'], scheduler_options=options
    )
    given = builder._inputs(prune=True)
    found = {name: value for name, value in given.items() if name not in ('species', 'structures')}
    if potential is not None:
        found['reference'] = {**found['reference'], 'potential': potential}
    return found
