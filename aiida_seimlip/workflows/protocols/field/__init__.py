"""Builders of runs in electric fields from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.options.transport.diffusivity import TransportEngines
from aiida_seimlip.workflows.protocols import ProtocolMixin, evaluation_inputs, resolve_codes, socket_inputs
from aiida_seimlip.workflows.protocols.diffusivity import EVALUATION

SOCKETS = ('dynamics',)


class FieldProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `FieldWorkChain`."""

    protocol_folder: ClassVar[str] = 'field'
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', 'engines', *SOCKETS)

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data.

        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol, in the same sections (`protocol_sections`). Lists
            are replaced as a whole. Who names `charges` does without the `qeq` of the protocol.
        :raises ValueError: if there is no such protocol or section.
        """
        inputs = super().get_protocol_inputs(protocol, overrides)
        given = (overrides or {}).get('options', {})
        if given.get('charges') is not None and given.get('qeq') is None:
            inputs['options'].pop('qeq', None)
        return inputs

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        structure: orm.StructureData | FramesData,
        potential: PotentialData,
        *,
        charges: orm.ArrayData | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code for the socket ``dynamics``, or its label; and one for the `EVALUATION`, if wanted.
        :param structure: the start.
        :param potential: the potential.
        :param charges: of each atom (array ``charges``, in e), instead of those of the options.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; ``options`` of the section ``dynamics`` have
            precedence.
        :raises ValueError: if there is no such protocol or section, or the code is missing.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        builder: ProcessBuilder = cls.get_builder()  # type: ignore[attr-defined]
        found = resolve_codes(codes, (*SOCKETS, EVALUATION), optional=(EVALUATION,))
        builder.structure, builder.potential = structure, potential
        if charges is not None:
            builder.charges = charges
            inputs['options'].pop('qeq', None)
        builder.options = FieldOptions.serializer(inputs['options'])
        builder.engines = TransportEngines.serializer(inputs.get('engines', {}))
        builder.dynamics = socket_inputs(inputs.get('dynamics', {}), found['dynamics'], scheduler_options)
        builder.evaluation = evaluation_inputs(potential, found.get(EVALUATION), scheduler_options)
        return builder
