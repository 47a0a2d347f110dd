"""Builders of properties of crystals from protocols."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.workflows.model_inputs import ENGINE
from aiida_seimlip.workflows.protocols import ProtocolMixin, merge, resolve_codes, socket_inputs

POTENTIALS, CALCULATORS, REFERENCE = 'potentials', 'calculators', 'reference'
CRYSTAL_SOCKETS = (POTENTIALS, CALCULATORS)
"""The jobs of ASE: those of models that are potentials, and those of other calculators."""


class CrystalProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for properties of crystals.

    The sections `potentials`, `calculators` and `reference` hold the settings of all models of a kind, such as
    `parameters` and `options` of the scheduler; those of `reference` are of an engine of that socket.
    """

    options_class: ClassVar[type[PropertyOptions]]
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', *CRYSTAL_SOCKETS, REFERENCE)

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


def models_of(
    inputs: Mapping[str, Any],
    codes: Mapping[str, orm.AbstractCode | str],
    kinds: Mapping[str, Mapping[str, Any]],
    scheduler_options: Mapping[str, Any] | None,
) -> dict[str, dict[str, Any]]:
    """Return the inputs of each model by its name.

    :param inputs: of the protocol, with the settings of all kinds of models.
    :param codes: the code, or its label, for each kind; one of `CRYSTAL_SOCKETS` stands in for the other.
    :param kinds: the models by name: `POTENTIALS`; `CALCULATORS`, as `CalculatorOptions`; and names of
        engines for `REFERENCE`.
    :param scheduler_options: settings of the scheduler for all jobs.
    :raises ValueError: if a code is missing, or two models have one name.
    """
    times = Counter(name for models in kinds.values() for name in models)
    twice = sorted(name for name, number in times.items() if number > 1)
    if twice:
        raise ValueError(f'Two models are called `{twice[0]}`.')
    found = resolve_codes(
        codes, tuple(kinds), optional=[kind for kind, models in kinds.items() if not models],
        stand_in={CALCULATORS: POTENTIALS, POTENTIALS: CALCULATORS},
    )  # fmt: skip
    models = {}
    for name, potential in kinds[POTENTIALS].items():
        settings = merge({'parameters': {'calculator': {'name': potential.family}}}, inputs.get(POTENTIALS, {}))
        models[name] = {**socket_inputs(settings, found[POTENTIALS], scheduler_options), 'potential': potential}
    for name, calculator in kinds[CALCULATORS].items():
        settings = merge(inputs.get(CALCULATORS, {}), {'parameters': {'calculator': dict(calculator)}})
        models[name] = socket_inputs(settings, found[CALCULATORS], scheduler_options)
    for name, engine in kinds[REFERENCE].items():
        settings = {**inputs.get(REFERENCE, {}), ENGINE: engine}
        models[name] = socket_inputs(settings, found[REFERENCE], scheduler_options)
    return models
