"""Builders of `AtlasWorkChain` from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida.plugins import WorkflowFactory

from aiida_seimlip.options.crystal.atlas import ATLAS
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.workflows.protocols import merge
from aiida_seimlip.workflows.protocols.crystal import CrystalProtocolMixin
from aiida_seimlip.workflows.protocols.model_inputs import MODEL_SOCKETS


class AtlasProtocolMixin(CrystalProtocolMixin):
    """Builders filled from protocols, for `AtlasWorkChain`.

    The section of a property replaces values of the options of its own protocol, or is null to leave it out. Without
    structures and crystals all phases of the package are taken.
    """

    protocol_folder: ClassVar[str] = 'atlas'
    protocol_sections: ClassVar[tuple[str, ...]] = ('protocol', *ATLAS, *MODEL_SOCKETS)

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data: the options of each property, and the engine of each job."""
        given = dict(overrides or {})
        left_out = [name for name in ATLAS if name in given and given[name] is None]
        inputs = super().get_protocol_inputs(
            protocol, {key: value for key, value in given.items() if value is not None}
        )
        inner = inputs.pop('protocol')['name']
        for name in ATLAS:
            own = {'options': inputs.pop(name, None) or {}}
            if name not in left_out:
                process: Any = WorkflowFactory(f'seimlip.{name}')
                inputs[name] = process.get_protocol_inputs(inner, own)['options']
        return inputs

    @classmethod
    def _set_options(cls, builder: Any, inputs: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Give a builder the options of each property; where no crystals are named at all, all phases are taken."""
        everything = {} if builder.structures else {'crystals': list(CRYSTALS)}
        for name in ATLAS:
            if name in inputs:
                process: Any = WorkflowFactory(f'seimlip.{name}')
                options = merge(inputs[name], {**everything, **given})
                setattr(builder, name, process.options_class.serializer(options))
