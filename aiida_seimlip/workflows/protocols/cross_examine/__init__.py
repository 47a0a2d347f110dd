"""Builders of cross-examinations from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.models.cross_examination import CrossExaminationOptions
from aiida_seimlip.workflows.protocols import ProtocolMixin
from aiida_seimlip.workflows.protocols.model_inputs import (
    CALCULATORS,
    MODEL_SOCKETS,
    POTENTIALS,
    REFERENCE,
    models_with_codes,
)


class CrossExaminationProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `CrossExaminationWorkChain`."""

    protocol_folder: ClassVar[str] = 'cross_examine'
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', *MODEL_SOCKETS, REFERENCE)

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data, with the engine of each job."""
        inputs = super().get_protocol_inputs(protocol, overrides)
        return {**inputs, 'engines': dict.fromkeys(MODEL_SOCKETS, 'ase')}

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        frames: FramesData | None = None,
        potentials: Mapping[str, PotentialData] | None = None,
        *,
        calculators: Mapping[str, Mapping[str, Any]] | None = None,
        engines: Mapping[str, str] | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code, or its label, for ``potentials``, ``calculators`` and ``reference``, as for crystals, or
            for a single model by its name.
        :param frames: such as the `trajectory` of a run.
        :param potentials: models that are potentials, by name.
        :param calculators: models that are other calculators, as `CalculatorOptions`, by name.
        :param engines: models that are engines of the socket `reference`, such as ``vasp``, by name.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; those of the protocol have precedence.
        :raises ValueError: if there is no such protocol or section, a code is missing, or there are no frames.
        """
        if frames is None:
            raise ValueError('A cross-examination takes `frames`.')
        inputs = cls.get_protocol_inputs(protocol, overrides)
        builder: Any = cls.get_builder()  # type: ignore[attr-defined]
        kinds = {POTENTIALS: potentials or {}, CALCULATORS: calculators or {}, REFERENCE: engines or {}}
        builder.models = models_with_codes(inputs, codes, kinds, scheduler_options)
        builder.frames = frames
        builder.options = CrossExaminationOptions.serializer(inputs['options'])
        return builder
