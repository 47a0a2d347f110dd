"""Builders of trainings from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.models.train import TrainEngines, TrainOptions
from aiida_seimlip.workflows.protocols import ProtocolMixin, merge, resolve_codes, socket_inputs


class TrainProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `TrainWorkChain`.

    The section `training` of a protocol holds settings for each engine, under its name, of which those of the engine
    that is asked for are taken.
    """

    protocol_folder: ClassVar[str] = 'train'
    protocol_sections: ClassVar[tuple[str, ...]] = ('engines', 'options', 'training', 'reference', 'evaluation')

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol for one engine as plain data.

        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol: `training` holds the settings of the engine that
            is asked for.
        :raises ValueError: if there is no such protocol or section.
        """
        given = dict(overrides or {})
        settings = given.pop('training', {})
        asked = dict(given.pop('engines', None) or {})
        inputs = super().get_protocol_inputs(protocol, given)
        inputs['engines'] = merge(inputs.get('engines', {}), asked)
        own = inputs.get('training', {}).get(inputs['engines'].get('training'), {})
        return {**inputs, 'training': merge(own, settings)}

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        frames: Mapping[str, FramesData] | None = None,
        *,
        start: PotentialData | None = None,
        held_out: Mapping[str, FramesData] | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code, or its label, for ``training``; for ``reference``, if isolated atoms are to be labelled;
            and for ``evaluation``, if another one than that of the training is to judge.
        :param frames: labelled frames to learn from, by name.
        :param start: potential to go on from.
        :param held_out: sets of labelled frames to judge the potential on, by name.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; those of the protocol have precedence.
        :raises ValueError: if there is no such protocol or section, no frames, or a code is missing.
        """
        if not frames:
            raise ValueError('A training takes labelled `frames`.')
        inputs = cls.get_protocol_inputs(protocol, overrides)
        found = resolve_codes(codes, ('training', 'reference', 'evaluation'), optional=('reference', 'evaluation'))
        builder: Any = cls.get_builder()  # type: ignore[attr-defined]
        builder.frames = dict(frames)
        if held_out:
            builder.held_out = dict(held_out)
        if start is not None:
            builder.start = start
        builder.engines = TrainEngines.serializer(inputs['engines'])
        builder.options = TrainOptions.serializer(inputs.get('options', {}))
        for socket, code in found.items():
            builder[socket] = socket_inputs(inputs.get(socket, {}), code, scheduler_options)
        return builder
