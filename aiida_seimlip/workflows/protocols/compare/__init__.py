"""Builders of models side by side from protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessBuilder
from aiida.plugins import WorkflowFactory

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.comparison.compare import CompareOptions
from aiida_seimlip.options.models.comparison import LABELS
from aiida_seimlip.options.models.evaluate import EvaluateOptions
from aiida_seimlip.workflows.model_inputs import ENGINE
from aiida_seimlip.workflows.protocols import ProtocolMixin, merge, resolve_codes, socket_inputs
from aiida_seimlip.workflows.protocols.model_inputs import (
    CALCULATORS,
    MODEL_SOCKETS,
    POTENTIALS,
    REFERENCE,
    models_with_codes,
)

DYNAMICS, ERRORS, CRYSTALS = 'dynamics', 'errors', 'crystals'
ATLAS = 'seimlip.atlas'


class CompareProtocolMixin(ProtocolMixin):
    """Builders filled from protocols, for `ComparisonWorkChain`.

    The section `errors` holds options of `seimlip.evaluate`, `crystals` the sections of `seimlip.atlas` with the name
    of its protocol, `dynamics` what the engine of the dynamics is given besides; the others are those of all
    comparisons.
    """

    protocol_folder: ClassVar[str] = 'compare'
    protocol_sections: ClassVar[tuple[str, ...]] = (
        'options', ERRORS, CRYSTALS, 'engines', DYNAMICS, *MODEL_SOCKETS, REFERENCE
    )  # fmt: skip

    @classmethod
    def get_protocol_inputs(
        cls, protocol: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the inputs of a protocol as plain data, with the engine of each job."""
        inputs = super().get_protocol_inputs(protocol, overrides)
        engines = {DYNAMICS: 'ase', **inputs.get('engines', {}), **dict.fromkeys(MODEL_SOCKETS, 'ase')}
        return {**inputs, 'engines': engines}

    @classmethod
    def get_builder_from_protocol(
        cls,
        codes: Mapping[str, orm.AbstractCode | str],
        potentials: Mapping[str, PotentialData] | None = None,
        *,
        calculators: Mapping[str, Mapping[str, Any]] | None = None,
        engines: Mapping[str, str] | None = None,
        reference: str | None = None,
        frames: Mapping[str, FramesData] | None = None,
        structures: Mapping[str, orm.StructureData | FramesData] | None = None,
        crystals: list[str] | None = None,
        paths: Mapping[str, FramesData] | None = None,
        start: orm.StructureData | FramesData | None = None,
        trajectory: FramesData | None = None,
        programs: Mapping[str, str] | None = None,
        protocol: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        scheduler_options: Mapping[str, Any] | None = None,
    ) -> ProcessBuilder:
        """Return a builder with the inputs of a protocol; a part of the comparison is done if its data are given.

        :param codes: the code, or its label, for ``potentials``, ``calculators`` and ``reference``, as for crystals,
            for a single model by its name, and for ``dynamics``, of engines that are not ``ase``.
        :param potentials: models that are potentials, by name.
        :param calculators: models that are other calculators, as `CalculatorOptions`, by name.
        :param engines: models that are engines of the socket `reference`, such as ``vasp``, by name.
        :param reference: name of the model that the others are compared with; ``labels`` for those that frames and
            images of paths carry.
        :param frames: sets of frames that errors are found on, by name; they need a reference.
        :param structures: crystals by name.
        :param crystals: names of phases of the package (`CRYSTALS`).
        :param paths: images of migration paths, by name.
        :param start: of dynamics, for speeds and structure.
        :param trajectory: frames of dynamics by a reference, for the structure.
        :param programs: engine of the socket `dynamics` for each model that has another one than the protocol says.
        :param protocol: name of the protocol.
        :param overrides: values that replace those of the protocol; see `get_protocol_inputs`.
        :param scheduler_options: settings of the scheduler for all jobs; those of the protocol have precedence.
        :raises ValueError: if there is no such protocol or section, a code is missing, two models have one name, a
            program is given for no model, or there are frames without a reference.
        """
        inputs = cls.get_protocol_inputs(protocol, overrides)
        builder: Any = cls.get_builder()  # type: ignore[attr-defined]
        kinds = {POTENTIALS: potentials or {}, CALCULATORS: calculators or {}, REFERENCE: engines or {}}
        of_models = {name: code for name, code in codes.items() if name != DYNAMICS}
        builder.models = models_with_codes(inputs, of_models, kinds, scheduler_options)
        if frames:
            builder.errors.frames = dict(frames)
            builder.errors.options = EvaluateOptions.serializer(_error_options(inputs, reference))
        if structures or crystals:
            _fill_crystals(builder.crystals, inputs, structures or {}, crystals, reference)
        if paths:
            builder.paths = dict(paths)
        options = merge({'reference': _reference_of_paths(reference, paths or {})}, inputs['options'])
        if start is None:
            options = {**options, 'dynamics': None}
        else:
            builder.start = start
            names = [*kinds[POTENTIALS], *kinds[CALCULATORS]]
            unknown = sorted(set(programs or {}) - set(names))
            if unknown:
                raise ValueError(f'A program is given for `{unknown[0]}`, which is no model that runs dynamics.')
            models = {name: builder.models[name] for name in names}
            chosen = {name: (programs or {}).get(name, inputs['engines'][DYNAMICS]) for name in names}
            builder.dynamics = _programs(inputs, codes, models, chosen, scheduler_options)
        if trajectory is not None:
            builder.trajectory = trajectory
        builder.options = CompareOptions.serializer(options)
        return builder


def _error_options(inputs: Mapping[str, Any], reference: str | None) -> dict[str, Any]:
    if reference is None:
        raise ValueError('Errors on frames take a `reference`: a model, or `labels` for those that the frames carry.')
    shared = {key: inputs['options'][key] for key in ('seed', 'n_resamples', 'confidence') if key in inputs['options']}
    return {**shared, **inputs.get(ERRORS, {}), 'reference': reference}


def _fill_crystals(
    builder: Any, inputs: Mapping[str, Any], structures: Mapping[str, orm.StructureData | FramesData],
    crystals: list[str] | None, reference: str | None,
) -> None:  # fmt: skip
    """Fill the ports of the atlas by its own protocol."""
    process: Any = WorkflowFactory(ATLAS)
    section = dict(inputs.get(CRYSTALS, {}))
    name = section.pop('protocol', {}).get('name')
    if structures:
        builder.structures = dict(structures)
    given = {'crystals': crystals, 'reference': None if reference == LABELS else reference}
    known = {key: value for key, value in given.items() if value is not None}
    process._set_options(builder, process.get_protocol_inputs(name, section), known)


def _reference_of_paths(reference: str | None, paths: Mapping[str, FramesData]) -> str | None:
    """Return the reference of barriers and structure: labels only where all images carry them."""
    if reference != LABELS:
        return reference
    return LABELS if paths and all(node.n_labelled == node.n_frames for node in paths.values()) else None


def _programs(
    inputs: Mapping[str, Any], codes: Mapping[str, orm.AbstractCode | str], models: Mapping[str, Mapping[str, Any]],
    engines: Mapping[str, str], scheduler_options: Mapping[str, Any] | None,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Return the program that runs the dynamics of each model.

    :raises ValueError: if a code is missing.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, model in models.items():
        settings, code = inputs.get(DYNAMICS, {}), model['code']
        if engines[name] == 'ase':
            calculator = model['parameters']['calculator']
            settings = merge({'parameters': {'calculator': calculator}}, settings)
        else:
            given = {DYNAMICS: codes[DYNAMICS]} if DYNAMICS in codes else {}
            code = resolve_codes(given, (DYNAMICS,))[DYNAMICS]
        found[name] = {**socket_inputs(settings, code, scheduler_options), ENGINE: orm.Str(engines[name])}
    return found
