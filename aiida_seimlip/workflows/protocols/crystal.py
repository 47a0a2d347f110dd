"""Builders of properties of crystals from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.workflows.protocols import ProtocolMixin, merge, resolve_codes, socket_inputs

POTENTIALS, CALCULATORS = 'potentials', 'calculators'
CRYSTAL_SOCKETS = (POTENTIALS, CALCULATORS)
"""The jobs: those of models that are potentials, and those of other calculators."""


class CrystalProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for properties of crystals.

    The sections `potentials` and `calculators` hold the settings of all models of a kind, such as `parameters` and
    `options` of the scheduler.
    """

    options_class: ClassVar[type[PropertyOptions]]
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', *CRYSTAL_SOCKETS)

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data, with the engine of each job."""
        inputs = super().get_protocol_inputs(protocol, overrides)
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
        """Return a builder with the inputs of a protocol.

        :param codes: the code, or its label, for ``potentials`` and for ``calculators``, each a Python interpreter with
            ASE; ``calculators`` may be left out, it is that of ``potentials`` then, and so the other way round.
        :param structures: crystals by name.
        :param potentials: models that are potentials, by name.
        :param crystals: names of phases of the package (`CRYSTALS`).
        :param calculators: models that are other calculators, as `CalculatorOptions`, by name.
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
        builder.models = models_of(inputs, codes, potentials or {}, calculators or {}, scheduler_options)
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


def models_of(
    inputs: Mapping[str, Any], codes: Mapping[str, orm.AbstractCode | str], potentials: Mapping[str, PotentialData],
    calculators: Mapping[str, Mapping[str, Any]], scheduler_options: Mapping[str, Any] | None,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Return the inputs of each model by its name.

    :param inputs: of the protocol, with the settings of both kinds of models.
    :param codes: the code, or its label, for either kind; one stands in for the other.
    :param potentials: models that are potentials, by name.
    :param calculators: models that are other calculators, by name.
    :param scheduler_options: settings of the scheduler for all jobs.
    :raises ValueError: if a code is missing, or two models have one name.
    """
    both = sorted(set(potentials) & set(calculators))
    if both:
        raise ValueError(f'Two models are called `{both[0]}`.')
    kinds = {POTENTIALS: potentials, CALCULATORS: calculators}
    found = resolve_codes(
        codes, CRYSTAL_SOCKETS, optional=[kind for kind, models in kinds.items() if not models],
        stand_in={CALCULATORS: POTENTIALS, POTENTIALS: CALCULATORS},
    )  # fmt: skip
    models = {}
    for name, potential in potentials.items():
        settings = merge({'parameters': {'calculator': {'name': potential.family}}}, inputs.get(POTENTIALS, {}))
        models[name] = {**socket_inputs(settings, found[POTENTIALS], scheduler_options), 'potential': potential}
    for name, calculator in calculators.items():
        settings = merge(inputs.get(CALCULATORS, {}), {'parameters': {'calculator': dict(calculator)}})
        models[name] = socket_inputs(settings, found[CALCULATORS], scheduler_options)
    return models
