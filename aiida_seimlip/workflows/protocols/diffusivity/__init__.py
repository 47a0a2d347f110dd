"""Builders of diffusivities from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions, TransportEngines
from aiida_seimlip.workflows.protocols import ProtocolMixin, evaluation_inputs, resolve_codes, socket_inputs

SOCKETS = ('dynamics',)
EVALUATION = 'evaluation'
"""For the check of the start with a potential that is no MTP: Python with MACE."""


class DiffusivityProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `DiffusivityWorkChain`."""

    protocol_folder: ClassVar[str] = 'diffusivity'
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', 'engines', *SOCKETS)

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        structure: orm.StructureData | FramesData,
        potential: PotentialData | None = None,
        *,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code for the socket ``dynamics``, or its label; and one for the `EVALUATION`, if wanted.
        :param structure: the start.
        :param potential: the potential; engines that bring a calculator of their own can do without.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; ``options`` of the section ``dynamics`` have
            precedence.
        :raises ValueError: if there is no such protocol or section, or the code is missing.
        """
        builder: ProcessBuilder = cls.get_builder()  # type: ignore[attr-defined]
        inputs = cls.get_protocol_inputs(protocol, overrides)
        fill_diffusivity(builder, inputs, codes, structure, potential, scheduler_options=scheduler_options)
        return builder


def fill_diffusivity(
    builder: Any,
    inputs: Mapping[str, Any],
    codes: Mapping[str, orm.AbstractCode | str],
    structure: orm.StructureData | FramesData,
    potential: PotentialData | None = None,
    *,
    scheduler_options: Mapping[str, Any] | None = None,
) -> None:
    """Fill the ports of a diffusivity, of its own builder or of a namespace in that of another workflow.

    :param builder: what has the ports.
    :param inputs: sections of the protocol.
    :param codes: the code for the socket ``dynamics``, or its label; and one for the `EVALUATION`, if wanted.
    :param structure: the start.
    :param potential: the potential, if there is one.
    :param scheduler_options: settings of the scheduler for all jobs.
    """
    found = resolve_codes(codes, (*SOCKETS, EVALUATION), optional=(EVALUATION,))
    builder.structure = structure
    if potential is not None:
        builder.potential = potential
    builder.options = DiffusivityOptions.serializer(inputs['options'])
    builder.engines = TransportEngines.serializer(inputs.get('engines', {}))
    builder.dynamics = socket_inputs(inputs.get('dynamics', {}), found['dynamics'], scheduler_options)
    builder.evaluation = evaluation_inputs(potential, found.get(EVALUATION), scheduler_options)
