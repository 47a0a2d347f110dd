"""Builders of calibrations from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.learned import training_sets
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.models.calibration import CalibrationOptions
from aiida_seimlip.workflows.protocols import ProtocolMixin, resolve_codes


class CalibrationProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `CalibrationWorkChain`."""

    protocol_folder: ClassVar[str] = 'calibrate'
    protocol_sections: ClassVar[tuple[str, ...]] = ('options',)

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str] | None = None,
        potential: PotentialData | None = None,
        frames: FramesData | None = None,
        *,
        training: Mapping[str, FramesData] | None = None,
        other: PotentialData | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: there are no jobs, so none is taken.
        :param potential: to be calibrated.
        :param frames: labelled frames.
        :param training: what the potential, and the other one, have learned from, by name; by default what the jobs did
            that trained them.
        :param other: a second potential.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: there are no jobs, so none are taken.
        :raises ValueError: if there is no such protocol or section, no potential or no frames, or a code is given.
        """
        if potential is None or frames is None:
            raise ValueError('A calibration takes a `potential` and labelled `frames`.')
        resolve_codes(codes or {}, ())
        if scheduler_options:
            raise ValueError('A calibration runs no jobs, so there is nothing for a scheduler.')
        inputs = cls.get_protocol_inputs(protocol, overrides)
        builder: ProcessBuilder = cls.get_builder()  # type: ignore[attr-defined]
        builder.potential, builder.frames = potential, frames
        builder.options = CalibrationOptions.serializer(inputs['options'])
        if training is None:
            sets = [node for one in (potential, other) if one is not None for node in training_sets(one)]
            unique = {node.uuid: node for node in sets}
            training = {f'set_{number:03d}': node for number, node in enumerate(unique.values())}
        if training:
            builder.training = dict(training)
        if other is not None:
            builder.other = other
        return builder
