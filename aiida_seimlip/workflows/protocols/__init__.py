"""Protocols: sets of inputs in YAML files, a folder for each workflow and a file for each purpose."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import Any, ClassVar

import yaml
from aiida import orm
from aiida.common.exceptions import MultipleObjectsError, NotExistent
from ase.data import atomic_numbers

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData

PACKAGE = 'aiida_seimlip.workflows.protocols'
SUFFIX = '.yaml'


class ProtocolMixin:
    """Inputs from protocols, for a WorkChain that names the folder of its protocols.

    A protocol is plain data in sections: `options` and the like are the content of Dict ports, the name of a socket
    stands for the settings of its engine. How a builder is made of them is the business of the workflow.
    """

    protocol_folder: ClassVar[str]
    """Name of the folder in this package that holds the protocols of the workflow."""
    protocol_sections: ClassVar[tuple[str, ...]]
    """Names of the sections that its protocols may have."""
    protocol_default: ClassVar[str] = 'balanced'
    """Name of the protocol that is used unless another is named."""

    @classmethod
    def get_available_protocols(cls) -> dict[str, str]:
        """Return the names of the protocols, and what each is for."""
        folder = files(PACKAGE).joinpath(cls.protocol_folder)
        names = sorted(path.name.removesuffix(SUFFIX) for path in folder.iterdir() if path.name.endswith(SUFFIX))
        return {name: read_protocol(cls.protocol_folder, name)['description'] for name in names}

    @classmethod
    def get_default_protocol(cls) -> str:
        """Return the name of the protocol that is used unless another is named."""
        return cls.protocol_default

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data.

        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol, in the same sections (`protocol_sections`). Lists
            are replaced as a whole; so is the section of a socket that is given another engine.
        :raises ValueError: if there is no such protocol or section.
        """
        available = cls.get_available_protocols()
        name = protocol or cls.get_default_protocol()
        if name not in available:
            raise ValueError(f'There is no protocol `{name}`; there are {", ".join(f"`{one}`" for one in available)}.')
        unknown = set(overrides or {}) - set(cls.protocol_sections)
        if unknown:
            raise ValueError(
                f'The overrides have the section(s) {", ".join(f"`{one}`" for one in sorted(unknown))}, but a protocol '
                f'has {", ".join(f"`{one}`" for one in cls.protocol_sections)}.'
            )
        for section, value in (overrides or {}).items():
            if not isinstance(value, Mapping):
                raise ValueError(
                    f'The section `{section}` of the overrides is {value!r}, but it must hold names and values.'
                )
        inputs = read_protocol(cls.protocol_folder, name)
        del inputs['description']
        return merge(without_replaced(inputs, overrides or {}), overrides or {})


def read_protocol(folder: str, name: str) -> dict[str, Any]:
    """Return the content of the YAML file of a protocol.

    :param folder: of the workflow.
    :param name: of the protocol.
    """
    path = files(PACKAGE).joinpath(folder).joinpath(f'{name}{SUFFIX}')
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding='utf-8'))
    content.pop('anchors', None)
    return content


def without_replaced(inputs: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return a protocol without the settings of engines that are replaced: those of one are not those of another."""
    engines, others = inputs.get('engines', {}), overrides.get('engines') or {}
    replaced = {socket for socket, engine in others.items() if engine != engines.get(socket, engine)}
    return {name: {} if name in replaced else section for name, section in inputs.items()}


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


def resolve_codes(
    codes: Mapping[str, orm.AbstractCode | str],
    sockets: Collection[str],
    *,
    optional: Collection[str] = (),
    stand_in: Mapping[str, str] | None = None,
) -> dict[str, orm.AbstractCode]:
    """Return the code for each socket.

    :param codes: codes, or their labels, by socket.
    :param sockets: the sockets of the workflow, in the order of the result.
    :param optional: sockets that can do without a code; they are missing from the result if none is given.
    :param stand_in: for sockets that may be left out, the one whose code they take over.
    :raises ValueError: if one is missing, there is one for no socket, or a label is that of no code.
    """
    unknown = set(codes) - set(sockets)
    if unknown:
        raise ValueError(f'There is no socket {", ".join(f"`{one}`" for one in sorted(unknown))} to give a code to.')
    given = {socket: codes[other] for socket, other in (stand_in or {}).items() if other in codes} | dict(codes)
    missing = [socket for socket in sockets if socket not in given and socket not in optional]
    if missing:
        raise ValueError(
            f'The code for {", ".join(f"`{one}`" for one in missing)} is missing: name one for each in `codes`, on the '
            f'command line as --code {missing[0]}=CODE.'
        )
    return {socket: _load_code(socket, given[socket]) for socket in sockets if socket in given}


def _load_code(socket: str, code: orm.AbstractCode | str) -> orm.AbstractCode:
    if not isinstance(code, str):
        return code
    try:
        return orm.load_code(code)
    except (NotExistent, MultipleObjectsError) as exception:
        raise ValueError(f'The code `{code}` for `{socket}` cannot be loaded: {exception}') from exception


def socket_inputs(
    settings: Mapping[str, Any],
    code: orm.AbstractCode | None = None,
    scheduler_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what goes into the namespace of a socket.

    :param settings: section of a protocol: inputs of the engine as plain data.
    :param code: the program; None for an engine that needs none.
    :param scheduler_options: settings of the scheduler for all jobs; ``options`` of the section have precedence.
    """
    content = merge({'options': dict(scheduler_options or {})}, settings)
    nodes = {name: orm.Dict(value) if isinstance(value, Mapping) else orm.to_aiida_type(value)
             for name, value in content.items() if value != {}}  # fmt: skip
    return nodes if code is None else {'code': code, **nodes}


def evaluation_inputs(
    potential: PotentialData | None,
    code: orm.AbstractCode | None,
    scheduler_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what goes into the namespace `evaluation`: how a potential is evaluated that this package does not know.

    :param potential: its family is also the name of the calculator.
    :param code: Python with that calculator; None for no evaluation.
    :param scheduler_options: settings of the scheduler for all jobs.
    """
    if code is None or potential is None:
        return {}
    parameters = {'parameters': {'calculator': {'name': potential.family}}}
    return {potential.family: socket_inputs(parameters, code, scheduler_options)}


def elements_of_all(structures: Mapping[str, orm.StructureData | FramesData]) -> list[str]:
    """Return the chemical symbols that occur, in order of atomic number."""
    symbols = {
        symbol for node in structures.values()
        for symbol in (node.elements if isinstance(node, FramesData) else node.get_symbols_set())
    }  # fmt: skip
    return sorted(symbols, key=lambda symbol: atomic_numbers[symbol])
