"""Test how models check and complete what goes into Dict ports."""

from typing import Any

import pytest
from aiida import orm
from aiida.engine import Process, ProcessSpec
from aiida.engine.processes.ports import InputPort
from pydantic import Field, model_validator

from aiida_seimlip.options.base import Options


class Inner(Options):
    size: int = 1


class Example(Options):
    number: float = Field(default=2.0, gt=0)
    inner: Inner = Inner()


class Demanding(Options):
    low: int
    high: int = 5

    @model_validator(mode='after')
    def _in_order(self) -> 'Demanding':
        if self.low > self.high:
            raise ValueError('`low` must not be above `high`.')
        return self


def port_of(model: type[Options], **kwargs: Any) -> InputPort:
    return InputPort('parameters', **model.port('Some options.', **kwargs))


def message(model: type[Options], content: Any) -> str | None:
    port = port_of(model)
    error = port.validate(port.serialize(content))
    return None if error is None else error.message


def test_serializer_fills_in_defaults():
    node = port_of(Example).serialize({'number': 3})
    assert isinstance(node, orm.Dict)
    assert node.get_dict() == {'number': 3.0, 'inner': {'size': 1}}


def test_serializer_takes_an_instance():
    assert port_of(Example).serialize(Example(number=4)).get_dict() == {'number': 4.0, 'inner': {'size': 1}}


def test_equal_options_make_equal_nodes():
    port = port_of(Example)
    one, two = port.serialize({}).store(), port.serialize({'inner': {}, 'number': '2'}).store()
    assert one.base.caching.compute_hash() == two.base.caching.compute_hash()


def test_default_of_a_port():
    assert port_of(Example).default().get_dict() == {'number': 2.0, 'inner': {'size': 1}}


def test_port_without_default_is_required():
    port = port_of(Demanding)
    assert port.required
    assert not port.has_default()
    assert not port_of(Demanding, required=False).required


def test_optional_port_has_no_default():
    port = port_of(Example, required=False)
    assert not port.required
    assert not port.has_default()


def test_node_of_the_user_is_kept():
    node = orm.Dict({'number': 1.5})
    port = port_of(Example)
    assert port.serialize(node) is node
    assert port.validate(node) is None
    assert Example.from_node(node) == Example(number=1.5)


@pytest.mark.parametrize('wrap', [dict, orm.Dict])
def test_unknown_key(wrap):
    assert message(Example, wrap({'numbre': 1.0})) == (
        'Input `parameters` is wrong: `numbre` is not a known option (known are inner, number).'
    )


def test_unknown_nested_key():
    assert (
        message(Example, {'inner': {'sise': 1}}) == 'Input `parameters` is wrong: `inner.sise` is not a known option.'
    )


@pytest.mark.parametrize('value', [-1, float('nan'), float('inf'), 'many'])
def test_wrong_value(value):
    text = message(Example, {'number': value})
    assert text.startswith(f'Input `parameters` is wrong: `number` is {value!r}, but ')
    assert text.endswith('.') and not text.endswith('..')


def test_every_error_is_named():
    text = message(Example, {'number': 0, 'other': 1})
    assert '`number` is 0' in text and '`other` is not a known option' in text


def test_missing_key():
    assert message(Demanding, {}) == 'Input `parameters` is wrong: `low` is missing.'


def test_check_of_the_whole():
    assert message(Demanding, {'low': 9}) == 'Input `parameters` is wrong: `low` must not be above `high`.'


def test_wrong_type():
    assert 'not of the right type' in message(Example, 5)


def test_builder_refuses_a_wrong_key():
    class Job(Process):
        @classmethod
        def define(cls, spec: ProcessSpec) -> None:
            super().define(spec)
            spec.input('parameters', **Example.port('Some options.'))

    builder = Job.get_builder()
    with pytest.raises(ValueError, match='`numbre` is not a known option'):
        builder.parameters = {'numbre': 1.0}
    builder.parameters = {'number': 1}
    assert builder.parameters['number'] == 1.0
