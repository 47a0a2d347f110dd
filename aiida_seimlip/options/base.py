"""How a pydantic model checks and completes what goes into a Dict port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import pydantic
from ase.data import atomic_numbers

if TYPE_CHECKING:
    from aiida import orm


class Options(pydantic.BaseModel):
    """Options of one Dict port: a subclass names them with their defaults, units and limits.

    A port is declared in one line::

        spec.input('parameters', **Mlip3TrainOptions.port('How to train.'))

    Users may then give a dictionary, a `Dict` or an instance of the model. A wrong key or value fails at submission,
    with one sentence that names both; what is stored of a dictionary is complete, defaults included.
    """

    model_config = pydantic.ConfigDict(extra='forbid', frozen=True, allow_inf_nan=False, validate_default=True)

    @classmethod
    def from_node(cls, node: orm.Dict | Mapping[str, Any] | None) -> Self:
        """Return the options that a node or dictionary holds, completed by the defaults.

        :param node: as given to the port; None for the defaults alone.
        :raises pydantic.ValidationError: if a key or value is wrong.
        """
        return cls.model_validate(_as_dict(node))

    def to_dict(self) -> dict[str, Any]:
        """Return all options, defaults included, as plain JSON types."""
        return self.model_dump(mode='json')

    @classmethod
    def serializer(cls, value: Any) -> Any:
        """Turn a dictionary or an instance into a `Dict` with all options, defaults included.

        What cannot be turned is returned as it is, or as an incomplete `Dict`: the port's type and `validator` refuse
        it with a better message than an exception would give here.

        :param value: what the user gave to the port.
        """
        if isinstance(value, Options):
            return _dict_node(value.to_dict())
        if not isinstance(value, Mapping):
            return value
        try:
            return _dict_node(cls.from_node(value).to_dict())
        except pydantic.ValidationError:
            return _dict_node(dict(value))

    @classmethod
    def validator(cls, value: orm.Dict | None, port: Any) -> str | None:
        """Check the content of a port.

        :param value: the node.
        :param port: the port, whose name the message gives.
        :return: one sentence that names the port and each wrong key, or None if all is well.
        """
        if value is None:
            return None
        return cls.explain(value, port.name)

    @classmethod
    def explain(cls, value: orm.Dict | Mapping[str, Any], name: str) -> str | None:
        """Say what is wrong with some options.

        :param value: the options.
        :param name: how to call them in the message: the port.
        :return: one sentence that names each wrong key, or None if all is well.
        """
        try:
            cls.from_node(value)
        except pydantic.ValidationError as exception:
            return f'Input `{name}` is wrong: {"; ".join(cls._describe(error) for error in exception.errors())}.'
        return None

    @classmethod
    def port(cls, help: str, *, required: bool | None = None) -> dict[str, Any]:
        """Return the keyword arguments for `spec.input` that make a Dict port of these options.

        :param help: what the options are for.
        :param required: whether the port must be given; by default only if some option has no default. False makes a
            port that may be left out: nothing is there then, even if all options have defaults.
        """
        from aiida import orm

        has_defaults = not any(field.is_required() for field in cls.model_fields.values())
        keywords: dict[str, Any] = {
            'valid_type': orm.Dict, 'serializer': cls.serializer, 'validator': cls.validator, 'help': help,
        }  # fmt: skip
        if has_defaults and required is None:
            return {**keywords, 'default': lambda: _dict_node(cls().to_dict())}
        return {**keywords, 'required': required is not False}

    @classmethod
    def _describe(cls, error: Any) -> str:
        """Describe one of pydantic's errors in the words of the user."""
        place = '.'.join(str(part) for part in error['loc'])
        if error['type'] == 'extra_forbidden':
            known = f' (known are {", ".join(sorted(cls.model_fields)) or "none"})' if len(error['loc']) == 1 else ''
            return f'`{place}` is not a known option{known}'
        if error['type'] == 'missing':
            return f'`{place}` is missing'
        message = error['msg'].removeprefix('Value error, ').rstrip('.')
        message = message[:1].lower() + message[1:] if message[:1].isascii() else message
        return f'`{place}` is {error["input"]!r}, but {message}' if place else message


def check_elements(symbols: Iterable[str]) -> None:
    """Refuse what is no chemical symbol; for validators.

    :raises ValueError: if there is one.
    """
    for symbol in symbols:
        if atomic_numbers.get(symbol, 0) < 1:
            raise ValueError(f'`{symbol}` is not an element')


class NoOptions(Options):
    """Options of a port where there is nothing to set: every key is wrong."""


def _dict_node(content: dict[str, Any]) -> orm.Dict:
    from aiida import orm

    return orm.Dict(content)  # type: ignore[no-untyped-call]


def _as_dict(node: Any) -> dict[str, Any]:
    if node is None:
        return {}
    return dict(node) if isinstance(node, Mapping) else node.get_dict()
