"""Builders of starts from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.options.starts.recipes import get_recipe
from aiida_seimlip.options.starts.starts import StartsEngines, StartsOptions
from aiida_seimlip.workflows.protocols import ProtocolMixin, merge, resolve_codes, socket_inputs

SOCKET = 'condensation'


class StartsProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `StartsWorkChain`."""

    protocol_folder: ClassVar[str] = 'starts'
    protocol_sections: ClassVar[tuple[str, ...]] = ('recipe', 'options', 'engines', SOCKET)
    protocol_default: ClassVar[str] = 'laptop'

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        recipe: str | Mapping[str, Any],
        molecules: Mapping[str, orm.StructureData | FramesData] | None = None,
        potential: PotentialData | None = None,
        seed: int | None = None,
        *,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code, or its label, for the socket ``condensation``; none is needed where nothing condenses.
        :param recipe: which cells are packed (`RecipeOptions`), or the name of a recipe that comes with the package;
            the section `recipe` of the overrides has precedence.
        :param molecules: geometries of those that are not built in, by name.
        :param potential: for a calculator that is given one.
        :param seed: of packing and condensation, instead of those in recipe and protocol.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; ``options`` of the socket in the overrides
            have precedence.
        :raises ValueError: if there is no such protocol, section or recipe, or a code is missing.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        content = merge(get_recipe(recipe) if isinstance(recipe, str) else recipe, inputs.get('recipe', {}))
        settings = inputs.get(SOCKET, {})
        if seed is not None:
            content = {**content, 'seed': seed}
            settings = with_seed(settings, seed)
        engines = StartsEngines.from_node(inputs.get('engines'))
        builder: ProcessBuilder = cls.get_builder()  # type: ignore[attr-defined]
        builder.recipe = RecipeOptions.serializer(content)
        builder.options = StartsOptions.serializer(inputs.get('options', {}))
        builder.engines = StartsEngines.serializer(engines)
        if engines.condensation is not None:
            needs_code = load_engine(SOCKET, engines.condensation).needs_code
            found = resolve_codes(codes, (SOCKET,), optional=() if needs_code else (SOCKET,))
            setattr(builder, SOCKET, socket_inputs(settings, found.get(SOCKET), scheduler_options))
        if molecules:
            builder.molecules = dict(molecules)
        if potential is not None:
            builder.potential = potential
        return builder


def with_seed(settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return settings of an engine that condenses with another seed, if they have a place for one.

    :param settings: section of a protocol.
    :param seed: of the random numbers.
    """
    if 'condense' not in settings.get('parameters', {}):
        return dict(settings)
    return merge(settings, {'parameters': {'condense': {'seed': seed}}})
