"""Builders of the errors by the size of the cell from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.workflows.protocols.comparison import ComparisonProtocolMixin, fill_comparison


class SizeTransferProtocolMixin(ComparisonProtocolMixin):
    """Builders filled from protocols, for `SizeTransferWorkChain`."""

    protocol_folder: ClassVar[str] = 'size_transfer'

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        structure: orm.StructureData | FramesData,
        potentials: Mapping[str, PotentialData] | None = None,
        *,
        reference: str,
        frames: Mapping[str, FramesData] | None = None,
        calculators: Mapping[str, Mapping[str, Any]] | None = None,
        engines: Mapping[str, str] | None = None,
        sampler: PotentialData | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol.

        :param codes: the code, or its label, for ``dynamics``, where frames are drawn from it, and for ``potentials``
            and ``calculators``, each a Python interpreter with ASE; one of these stands in for the other.
        :param structure: that supercells are made of.
        :param potentials: models that are potentials, by name.
        :param reference: name of the model that the others are compared with.
        :param frames: sets of frames of several sizes by name, instead of dynamics.
        :param calculators: models that are other calculators, as `CalculatorOptions`, by name.
        :param engines: models that are engines of the socket `reference`, such as ``vasp``, by name.
        :param sampler: the potential that runs the dynamics; if it is left out, the only one among `potentials`.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`. `repeats` replace its
            `lengths`.
        :param scheduler_options: settings of the scheduler for all jobs; those of the protocol have precedence.
        :raises ValueError: if there is no such protocol or section, a code is missing, or two models have one name.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        if (overrides or {}).get('options', {}).get('repeats'):
            inputs['options'] = {**inputs['options'], 'lengths': []}
        builder: Any = cls.get_builder()  # type: ignore[attr-defined]
        builder.structure = structure
        fill_comparison(
            builder, inputs, codes, frames=frames or {},
            kinds={'potentials': potentials, 'calculators': calculators, 'reference': engines},
            options_class=cls.options_class, reference=reference, sampler=sampler,
            scheduler_options=scheduler_options,
        )  # fmt: skip
        return builder
