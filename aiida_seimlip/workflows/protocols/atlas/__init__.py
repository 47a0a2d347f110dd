"""Builders of `AtlasWorkChain` from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder
from aiida.plugins import WorkflowFactory

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.workflows.protocols import ProtocolMixin, merge
from aiida_seimlip.workflows.protocols.crystal import CRYSTAL_SOCKETS, models_of

PROPERTIES = ('relax', 'eos', 'elastic', 'phonon')
"""Names of the properties, each with protocols of its own."""


class AtlasProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `AtlasWorkChain`.

    The section of a property replaces values of the options of its own protocol, or is null to leave it out.
    """

    protocol_folder: ClassVar[str] = 'atlas'
    protocol_sections: ClassVar[tuple[str, ...]] = ('protocol', *PROPERTIES, *CRYSTAL_SOCKETS)

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data: the options of each property, and the engine of each job."""
        given = dict(overrides or {})
        left_out = [name for name in PROPERTIES if name in given and given[name] is None]
        inputs = super().get_protocol_inputs(
            protocol, {key: value for key, value in given.items() if value is not None}
        )
        inner = inputs.pop('protocol')['name']
        for name in PROPERTIES:
            own = {'options': inputs.pop(name, None) or {}}
            if name not in left_out:
                process: Any = WorkflowFactory(f'seimlip.{name}')
                inputs[name] = process.get_protocol_inputs(inner, own)['options']
        return {**inputs, 'engines': dict.fromkeys(CRYSTAL_SOCKETS, 'ase')}

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        structures: Mapping[str, orm.StructureData | FramesData] | None = None,
        potentials: Mapping[str, PotentialData] | None = None,
        *,
        crystals: list[str] | None = None,
        calculators: Mapping[str, Mapping[str, Any]] | None = None,
        reference: str | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol; the arguments are those of the properties.

        :param codes: the code, or its label, for ``potentials`` and ``calculators``.
        :param structures: crystals by name.
        :param potentials: models that are potentials, by name.
        :param crystals: names of phases of the package; all of them where there are no structures either.
        :param calculators: models that are other calculators, as `CalculatorOptions`, by name.
        :param reference: name of the model that the others are compared with.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; those of the protocol have precedence.
        :raises ValueError: if there is no such protocol or section, a code is missing, or two models have one name.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        if crystals is None and not structures:
            crystals = list(CRYSTALS)
        builder: Any = cls.get_builder()  # type: ignore[attr-defined]
        if structures:
            builder.structures = dict(structures)
        builder.models = models_of(inputs, codes, potentials or {}, calculators or {}, scheduler_options)
        given = {'crystals': crystals, 'reference': reference}
        known = {name: value for name, value in given.items() if value is not None}
        for name in PROPERTIES:
            if name in inputs:
                process: Any = WorkflowFactory(f'seimlip.{name}')
                setattr(builder, name, process.options_class.serializer(merge(inputs[name], known)))
        return builder
