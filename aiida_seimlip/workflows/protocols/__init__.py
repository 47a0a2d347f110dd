"""Protocols: sets of inputs in YAML files, one for each purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import yaml
from aiida import orm
from aiida.engine import ProcessBuilder
from ase.data import atomic_numbers

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SOCKETS
from aiida_seimlip.options.active_learning import ActiveLearningOptions, EngineNames

DEFAULT_PROTOCOL = 'balanced'
SECTIONS = ('options', 'engines', *SOCKETS)


class ProtocolMixin:
    """Builders filled from protocols, for `ActiveLearningWorkChain`."""

    @staticmethod
    def get_available_protocols() -> dict[str, str]:
        """Return the names of the protocols, and what each is for."""
        folder = files('aiida_seimlip.workflows.protocols')
        names = sorted(path.name.removesuffix('.yaml') for path in folder.iterdir() if path.name.endswith('.yaml'))
        return {name: read_protocol(name)['description'] for name in names}

    @staticmethod
    def get_default_protocol() -> str:
        """Return the name of the protocol that is used unless another is named."""
        return DEFAULT_PROTOCOL

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data.

        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol, in the same sections: ``options``, ``engines``,
            ``reference``, ``training``, ``exploration``, ``selection``. Lists are replaced as a whole.
        :raises ValueError: if there is no such protocol or section.
        """
        available = cls.get_available_protocols()
        name = protocol or DEFAULT_PROTOCOL
        if name not in available:
            raise ValueError(f'There is no protocol `{name}`; there are {", ".join(f"`{one}`" for one in available)}.')
        unknown = set(overrides or {}) - set(SECTIONS)
        if unknown:
            raise ValueError(
                f'The overrides have the section(s) {", ".join(f"`{one}`" for one in sorted(unknown))}, but a protocol '
                f'has {", ".join(f"`{one}`" for one in SECTIONS)}.'
            )
        inputs = read_protocol(name)
        del inputs['description']
        return merge(inputs, overrides or {})

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
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code for each socket (``reference``, ``training``, ``exploration``, ``selection``), or its
            label; ``selection`` may be left out: it is that of ``training`` then.
        :param structures: the starts of the explorations, by name, or a single one.
        :param species: chemical symbols in type order; by default those of the starts, in order of atomic number.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; ``options`` of a socket in the overrides have
            precedence.
        :param initial_training: labelled frames to continue from.
        :param initial_potential: a potential trained on them.
        :raises ValueError: if there is no such protocol or section, or a code is missing.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        starts = dict(structures) if isinstance(structures, Mapping) else {'start': structures}
        builder: ProcessBuilder = cls.get_builder()  # type: ignore[attr-defined]
        builder.structures = starts
        builder.species = orm.List(list(species) if species is not None else elements_of_all(starts))
        builder.options = ActiveLearningOptions.serializer(inputs['options'])
        builder.engines = EngineNames.serializer(inputs['engines'])
        for socket, code in resolve_codes(codes).items():
            settings = merge({'options': dict(scheduler_options or {})}, inputs.get(socket, {}))
            setattr(builder, socket, {'code': code, **{
                name: orm.Dict(value) if isinstance(value, Mapping) else orm.to_aiida_type(value)
                for name, value in settings.items() if value != {}
            }})  # fmt: skip
        if initial_training:
            builder.initial_training = dict(initial_training)
        if initial_potential is not None:
            builder.initial_potential = initial_potential
        return builder


def read_protocol(name: str) -> dict[str, Any]:
    """Return the content of the YAML file of a protocol."""
    text = files('aiida_seimlip.workflows.protocols').joinpath(f'{name}.yaml').read_text(encoding='utf-8')
    content: dict[str, Any] = yaml.safe_load(text)
    content.pop('anchors', None)
    return content


def merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first mapping with the values of the second, section by section.

    A section with another `name` is replaced as a whole: the arguments of one calculator are not those of another.

    :param one: values that may be replaced.
    :param other: values that have precedence.
    """
    if 'name' in other and other['name'] != one.get('name', other['name']):
        return dict(other)
    merged = dict(one)
    for key, value in other.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def resolve_codes(codes: Mapping[str, orm.AbstractCode | str]) -> dict[str, orm.AbstractCode]:
    """Return the code for each socket.

    :param codes: codes, or their labels, by socket.
    :raises ValueError: if one is missing, or there is one for no socket.
    """
    unknown = set(codes) - set(SOCKETS)
    if unknown:
        raise ValueError(f'There is no socket {", ".join(f"`{one}`" for one in sorted(unknown))} to give a code to.')
    given = {**({'selection': codes['training']} if 'training' in codes else {}), **codes}
    missing = [socket for socket in SOCKETS if socket not in given]
    if missing:
        raise ValueError(f'The code for {", ".join(f"`{one}`" for one in missing)} is missing.')
    loaded = {}
    for socket in SOCKETS:
        code = given[socket]
        loaded[socket] = orm.load_code(code) if isinstance(code, str) else code
    return loaded


def elements_of_all(structures: Mapping[str, orm.StructureData | FramesData]) -> list[str]:
    """Return the chemical symbols that occur, in order of atomic number."""
    symbols = {
        symbol for node in structures.values()
        for symbol in (node.elements if isinstance(node, FramesData) else node.get_symbols_set())
    }  # fmt: skip
    return sorted(symbols, key=lambda symbol: atomic_numbers[symbol])
