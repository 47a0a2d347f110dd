"""Builders of properties of crystals from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.workflows.protocols import ProtocolMixin, merge
from aiida_seimlip.workflows.protocols.model_inputs import CALCULATORS, MODEL_SOCKETS, POTENTIALS, REFERENCE, models_of


class CrystalProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for properties of crystals.

    The sections `potentials`, `calculators` and `reference` hold the settings of all models of a kind, such as
    `parameters` and `options` of the scheduler; those of `reference` are of an engine of that socket.
    """

    options_class: ClassVar[type[PropertyOptions]]
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', *MODEL_SOCKETS, REFERENCE)

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data, with the engine of each job."""
        inputs = super().get_protocol_inputs(protocol, overrides)
        return {**inputs, 'engines': dict.fromkeys(MODEL_SOCKETS, 'ase')}

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        structures: Mapping[str, orm.StructureData | FramesData] | None = None,
        potentials: Mapping[str, PotentialData] | None = None,
        *,
        crystals: list[str] | None = None,
        calculators: Mapping[str, Mapping[str, Any]] | None = None,
        engines: Mapping[str, str] | None = None,
        reference: str | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code, or its label, for ``potentials`` and for ``calculators``, each a Python interpreter with
            ASE; ``calculators`` may be left out, it is that of ``potentials`` then, and so the other way round. That
            for ``reference`` is the program of the engines.
        :param structures: crystals by name.
        :param potentials: models that are potentials, by name.
        :param crystals: names of phases of the package (`CRYSTALS`).
        :param calculators: models that are other calculators, as `CalculatorOptions`, by name.
        :param engines: models that are engines of the socket `reference`, such as ``vasp``, by name.
        :param reference: name of the model that the others are compared with.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; those of the protocol have precedence.
        :raises ValueError: if there is no such protocol or section, a code is missing, or two models have one name.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        builder: Any = cls.get_builder()  # type: ignore[attr-defined]
        if structures:
            builder.structures = dict(structures)
        kinds = {POTENTIALS: potentials or {}, CALCULATORS: calculators or {}, REFERENCE: engines or {}}
        builder.models = models_of(inputs, codes, kinds, scheduler_options)
        given = {'crystals': crystals, 'reference': reference}
        cls._set_options(builder, inputs, {name: value for name, value in given.items() if value is not None})
        return builder

    @classmethod
    def _set_options(cls, builder: Any, inputs: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Give a builder its options.

        :param builder: whose other inputs are complete.
        :param inputs: of the protocol.
        :param given: options that were arguments of their own.
        """
        builder.options = cls.options_class.serializer(merge(inputs['options'], given))
