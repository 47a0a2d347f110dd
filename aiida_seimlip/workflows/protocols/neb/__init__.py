"""Builders of migration barriers from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.barrier.neb import NEBOptions, PathEngineNames
from aiida_seimlip.workflows.protocols import ProtocolMixin, resolve_codes, socket_inputs

SOCKETS = ('path', 'reference')


class NEBProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `NEBWorkChain`."""

    protocol_folder: ClassVar[str] = 'neb'
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', 'engines', *SOCKETS)

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        initial: orm.StructureData | FramesData,
        final: orm.StructureData | FramesData,
        potential: PotentialData | None = None,
        *,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code, or its label, for the socket ``path`` and, where the barrier is to be checked, for
            ``reference``.
        :param initial: one end of the path.
        :param final: the other end: the same atoms in the same order.
        :param potential: what the calculator of the path is given.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; ``options`` of a socket in the overrides have
            precedence.
        :raises ValueError: if there is no such protocol or section, or a code is missing.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        builder: ProcessBuilder = cls.get_builder()  # type: ignore[attr-defined]
        builder.initial, builder.final = initial, final
        builder.options = NEBOptions.serializer(inputs['options'])
        builder.engines = PathEngineNames.serializer(inputs['engines'])
        for socket, code in resolve_codes(codes, SOCKETS, optional=('reference',)).items():
            setattr(builder, socket, socket_inputs(inputs.get(socket, {}), code, scheduler_options))
        if potential is not None:
            builder.potential = potential
        return builder
