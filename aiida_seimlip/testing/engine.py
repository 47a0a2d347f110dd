"""What every engine has to do, whatever its socket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from aiida import orm
from aiida.engine import InputPort, run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.testing import world

Settings = Mapping[str, Any]


class EngineContract:
    """Tests of an engine; a subclass names the socket, and one of that the engine."""

    socket: ClassVar[str]
    engine: ClassVar[str]
    """Last part of the entry point ``seimlip.<socket>.<engine>``."""

    given_later: ClassVar[tuple[str, ...]] = ()
    """Settings that the workflow completes."""

    @pytest.fixture
    def settings(self) -> Settings:
        """Return what a user of the engine gives once: code, parameters, options; without the data of a call."""
        raise NotImplementedError(f'{type(self).__name__} needs a fixture `settings` that returns inputs of its engine')

    @pytest.fixture(autouse=True)
    def profile(self, aiida_profile: Any) -> Any:
        """Return the profile of the tests, made by AiiDA's fixtures."""
        return aiida_profile

    @classmethod
    def load(cls) -> type[SocketWorkChain]:
        """Return the engine, found by its entry point."""
        return load_engine(cls.socket, cls.engine)

    def run(self, settings: Settings, **data: Any) -> dict[str, Any]:
        """Run the engine and return its outputs, of which the contract must know each.

        :param settings: of the engine.
        :param data: inputs of the contract; `parameters` complete those of the settings.
        """
        inputs = {**settings, **data}
        if 'parameters' in data and 'parameters' in settings:
            inputs['parameters'] = orm.Dict({**settings['parameters'], **data['parameters']})
        engine = self.load()
        outputs, node = run_get_node(engine, **inputs)
        assert node.is_finished_ok, node.exit_message
        assert set(outputs) <= set(engine.contract().spec().outputs)
        return dict(outputs)

    def test_ports_are_those_of_the_contract(self) -> None:
        """No port has another type, none is missing, and nothing is required that a workflow does not know of."""
        engine = self.load()
        contract = engine.contract().spec()
        for kind in ('inputs', 'outputs'):
            for port, promised in getattr(contract, kind).items():
                given = getattr(engine.spec(), kind)[port]
                assert given.valid_type == promised.valid_type or port in engine.settings, port
                assert given.required >= promised.required or port in engine.settings, port  # it may need more
        own = {name: port for name, port in engine.spec().inputs.items() if name not in contract.inputs}
        needed = [name for name, port in own.items() if port.required and not _has_default(port)]
        assert not [name for name in needed if name not in engine.settings]

    def test_ports_are_documented(self) -> None:
        """Each port says what it is."""
        spec = self.load().spec()
        for ports in (spec.inputs, spec.outputs):
            assert not [port for port, value in ports.items() if not value.help and port != 'metadata']

    def test_settings_are_checked_before_there_are_data(self, settings: Settings) -> None:
        """Right ones are taken; missing and misspelt ones are named in one sentence."""
        engine = self.load()
        assert engine.explain_settings(self.socket, settings, given_later=self.given_later) is None
        ports = engine.spec().inputs
        missing = [name for name in engine.settings if ports[name].required and not _has_default(ports[name])]
        for name in missing:
            without = {key: value for key, value in settings.items() if key != name}
            if name not in self.given_later:
                message = engine.explain_settings(self.socket, without, given_later=self.given_later)
                assert message is not None and message.startswith(f'Input `{self.socket}.{name}` is missing')
        wrong = {**settings, 'parameters': orm.Dict({'colour': 'red'})}
        message = engine.explain_settings(self.socket, wrong)
        assert message is not None
        assert f'`{self.socket}.parameters`' in message
        assert 'colour' in message


class PotentialFixtures:
    """A trained potential and its training set, for engines that use them."""

    @pytest.fixture
    def potential(self) -> PotentialData:
        """Return a potential of neon and argon with an active set."""
        return PotentialData.from_mtp(world.trained()[0]).store()

    @pytest.fixture
    def training(self) -> dict[str, FramesData]:
        """Return its training set in two nodes."""
        frames = world.trained()[1]
        return {'one': FramesData(frames[:5]).store(), 'two': FramesData(frames[5:]).store()}


def _has_default(port: Any) -> bool:
    return bool(port.has_default()) if isinstance(port, InputPort) else True
