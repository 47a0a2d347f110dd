"""Builders of comparisons of models from protocols: what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.models.comparison import ComparisonOptions
from aiida_seimlip.options.models.sampling import SamplingEngines
from aiida_seimlip.workflows.protocols import ProtocolMixin, merge, resolve_codes, socket_inputs
from aiida_seimlip.workflows.protocols.model_inputs import CALCULATORS, MODEL_SOCKETS, POTENTIALS, REFERENCE, models_of

DYNAMICS = 'dynamics'


class ComparisonProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for comparisons of models.

    The sections `potentials`, `calculators` and `reference` hold the settings of all models of a kind, `dynamics` those
    of the program that runs the dynamics.
    """

    options_class: ClassVar[type[ComparisonOptions]]
    protocol_sections: ClassVar[tuple[str, ...]] = ('options', 'engines', DYNAMICS, *MODEL_SOCKETS, REFERENCE)

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data, with the engine of each job."""
        inputs = super().get_protocol_inputs(protocol, overrides)
        engines = {**inputs.get('engines', {}), **dict.fromkeys(MODEL_SOCKETS, 'ase')}
        return {**inputs, 'engines': engines}


def fill_comparison(
    builder: Any,
    inputs: Mapping[str, Any],
    codes: Mapping[str, orm.AbstractCode | str],
    *,
    frames: Mapping[str, FramesData],
    kinds: Mapping[str, Mapping[str, Any] | None],
    options_class: type[ComparisonOptions],
    reference: str,
    sampler: PotentialData | None,
    scheduler_options: Mapping[str, Any] | None,
) -> None:
    """Fill the ports that all comparisons have.

    :param builder: what has the ports.
    :param inputs: sections of the protocol.
    :param codes: the code, or its label, for ``dynamics``, ``potentials``, ``calculators`` and ``reference``.
    :param frames: sets of frames by name; without them, frames are drawn from dynamics.
    :param kinds: the models by name, as `models_of` takes them; None where there are none of a kind.
    :param options_class: model of the options.
    :param reference: name of the reference.
    :param sampler: the potential that runs the dynamics; the only one among `potentials` if it is left out.
    :param scheduler_options: settings of the scheduler for all jobs.
    """
    of_models = {socket: code for socket, code in codes.items() if socket != DYNAMICS}
    models = {kind: kinds.get(kind) or {} for kind in (POTENTIALS, CALCULATORS, REFERENCE)}
    builder.models = models_of(inputs, of_models, models, scheduler_options)
    options = merge(inputs['options'], {'reference': reference})
    if frames:
        builder.frames = dict(frames)
        builder.options = options_class.serializer({**options, 'sampling': None})
        return
    builder.options = options_class.serializer(options)
    fill_dynamics(builder, inputs, codes, sampler or only_one(models[POTENTIALS]), scheduler_options)


def fill_dynamics(
    builder: Any, inputs: Mapping[str, Any], codes: Mapping[str, orm.AbstractCode | str],
    potential: PotentialData | None, scheduler_options: Mapping[str, Any] | None,
) -> None:  # fmt: skip
    """Fill the ports of the dynamics.

    :param builder: what has the ports.
    :param inputs: sections of the protocol.
    :param codes: the code, or its label, for ``dynamics``.
    :param potential: that runs it, if there is one.
    :param scheduler_options: settings of the scheduler for all jobs.
    """
    engine = inputs['engines'].get(DYNAMICS, SamplingEngines().dynamics)
    code = resolve_codes({DYNAMICS: codes[DYNAMICS]} if DYNAMICS in codes else {}, (DYNAMICS,))[DYNAMICS]
    settings = inputs.get(DYNAMICS, {})
    if potential is not None:
        builder.potential = potential
        if engine == 'ase':
            settings = merge({'parameters': {'calculator': {'name': potential.family}}}, settings)
    builder.engines = SamplingEngines.serializer({DYNAMICS: engine})
    builder.dynamics = socket_inputs(settings, code, scheduler_options)


def only_one(potentials: Mapping[str, PotentialData]) -> PotentialData | None:
    """Return the only potential among several models, None if there is none or more than one."""
    return next(iter(potentials.values())) if len(potentials) == 1 else None
