"""Builders of campaigns from protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SOCKETS, engine_names, load_engine
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions, EngineNames
from aiida_seimlip.workflows.protocols import ProtocolMixin, elements_of_all, resolve_codes, socket_inputs

ALSO = 'also_train'
"""Section of a second training on the same labels."""


class CampaignProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `ActiveLearningWorkChain`."""

    protocol_folder: ClassVar[str] = 'active_learning'
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', 'engines', *SOCKETS, ALSO)

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        structures: Mapping[str, orm.StructureData | FramesData] | orm.StructureData | FramesData,
        *,
        species: Sequence[str] | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
        initial_training: Mapping[str, FramesData] | None = None,
        initial_potential: PotentialData | None = None,
        bootstrap_structures: Mapping[str, orm.StructureData | FramesData] | None = None,
        bootstrap_candidates: Mapping[str, FramesData] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code for each socket (``reference``, ``training``, ``exploration``, ``selection``), or its
            label; ``selection`` may be left out: it is that of ``training`` then, or none where its engine runs no
            program. Of ``also_train`` there may be one, too, where the overrides have such a section.
        :param structures: the starts of the explorations, by name, or a single one.
        :param species: chemical symbols in type order; by default those of `initial_potential`, or else
            those of the starts, of `initial_training` and of what joins the bootstrap in order of atomic number.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; ``options`` of a socket in the overrides have
            precedence.
        :param initial_training: labelled frames to continue from.
        :param initial_potential: a potential trained on them.
        :param bootstrap_structures: structures that join the bootstrap only, strained and displaced.
        :param bootstrap_candidates: frames that join the bootstrap only, as they are.
        :raises ValueError: if there is no such protocol or section, or a code is missing.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        starts = dict(structures) if isinstance(structures, Mapping) else {'start': structures}
        builder: ProcessBuilder = cls.get_builder()  # type: ignore[attr-defined]
        builder.structures = starts
        if species is None:
            inputs_with_elements = (starts, initial_training, bootstrap_structures, bootstrap_candidates)
            nodes = [node for group in inputs_with_elements for node in (group or {}).values()]
            known = {str(number): node for number, node in enumerate(nodes)}
            species = elements_of_all(known) if initial_potential is None else initial_potential.species
        builder.species = orm.List(list(species))
        builder.options = ActiveLearningOptions.serializer(inputs['options'])
        builder.engines = EngineNames.serializer(inputs['engines'])
        idle = sockets_without_code(inputs['engines'])
        stand_in = {} if 'selection' in idle else {'selection': 'training'}
        found = resolve_codes(codes, (*SOCKETS, ALSO), optional=(*idle, ALSO), stand_in=stand_in)
        for socket in SOCKETS:
            options = None if socket in idle else scheduler_options
            setattr(builder, socket, socket_inputs(inputs.get(socket, {}), found.get(socket), options))
        if inputs.get(ALSO):
            setattr(builder, ALSO, socket_inputs(inputs[ALSO], found.get(ALSO), scheduler_options))
        elif ALSO in codes:
            raise ValueError(f'A code for `{ALSO}` is given, but nothing says what it trains: set `{ALSO}.engine`.')
        given = {
            'initial_training': initial_training, 'bootstrap_structures': bootstrap_structures,
            'bootstrap_candidates': bootstrap_candidates,
        }  # fmt: skip
        for name, group in given.items():
            if group:
                setattr(builder, name, dict(group))
        if initial_potential is not None:
            builder.initial_potential = initial_potential
        return builder


def sockets_without_code(engines: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sockets whose engines run no program.

    :param engines: name of the engine of each socket; one that is not installed is refused later.
    """
    installed = {socket: name for socket, name in engines.items() if name in engine_names(socket)}
    return tuple(socket for socket, name in installed.items() if not load_engine(socket, name).needs_code)
