"""Builders of conductivities from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.transport.conductivity import ConductivityOptions
from aiida_seimlip.workflows.protocols import ProtocolMixin
from aiida_seimlip.workflows.protocols.diffusivity import DiffusivityProtocolMixin, fill_diffusivity

DIFFUSIVITY = 'seimlip.diffusivity'


class ConductivityProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `ConductivityWorkChain`.

    The section `diffusivity` replaces values of the protocol of the same name for diffusivities.
    """

    protocol_folder: ClassVar[str] = 'conductivity'
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', 'diffusivity')

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data, those of the diffusivity in the section of that name.

        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol, in the same sections (`protocol_sections`). Lists
            are replaced as a whole.
        :raises ValueError: if there is no such protocol or section.
        """
        inputs = super().get_protocol_inputs(protocol, overrides)
        inputs['diffusivity'] = DiffusivityProtocolMixin.get_protocol_inputs(protocol, inputs.get('diffusivity', {}))
        return inputs

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str] | None = None,
        structure: orm.StructureData | FramesData | None = None,
        potential: PotentialData | None = None,
        *,
        diffusivity: orm.WorkChainNode | int | str | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol, upon a diffusivity that has ended or one to be run.

        :param codes: the code for the socket ``dynamics``, or its label; not needed with `diffusivity`.
        :param structure: the start; not needed with `diffusivity`.
        :param potential: the potential; not needed with `diffusivity`.
        :param diffusivity: a `DiffusivityWorkChain` that has ended, or its identifier.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs.
        :raises ValueError: if there is neither a start nor a diffusivity, or both, or what was named is no diffusivity.
        """
        if (diffusivity is None) == (structure is None):
            raise ValueError('Give either a `diffusivity` that has ended, or a `structure` to find it for.')
        inputs = cls.get_protocol_inputs(protocol, overrides)
        builder: ProcessBuilder = cls.get_builder()  # type: ignore[attr-defined]
        builder.options = ConductivityOptions.serializer(inputs['options'])
        if diffusivity is not None:
            builder.finished = outputs_of_diffusivity(diffusivity)
        else:
            fill_diffusivity(
                builder['diffusivity'], inputs['diffusivity'], codes or {}, structure, potential,
                scheduler_options=scheduler_options,
            )  # fmt: skip
        return builder


def outputs_of_diffusivity(node: orm.WorkChainNode | int | str) -> dict[str, Any]:
    """Return the outputs of a diffusivity that its conductivity needs, as inputs of `ConductivityWorkChain`.

    :param node: a `DiffusivityWorkChain` that has ended, or its identifier.
    :raises ValueError: if it is none, or has left no diffusivity.
    """
    process: Any = orm.load_node(node) if isinstance(node, int | str) else node
    if not str(getattr(process, 'process_type', '')).endswith(DIFFUSIVITY):
        raise ValueError(f'Node {process.pk} is no `{DIFFUSIVITY}`, but {process.node_type}.')
    if 'diffusivity' not in process.outputs:
        raise ValueError(f'Process {process.pk} has left no output `diffusivity`.')
    names = [name for name in ('diffusivity', 'posterior') if name in process.outputs]
    found: dict[str, Any] = {name: process.outputs[name] for name in names}
    if 'tracks' in process.outputs:
        found['tracks'] = dict(process.outputs.tracks)
    return found
