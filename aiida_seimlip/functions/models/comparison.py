"""What several models have made of the same frames, side by side with a reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.model_jobs import NOT_REACHED, Finished, describe_model, find_grades
from aiida_seimlip.functions.models.agreement import Pair
from aiida_seimlip.options.model import ModelOptions
from aiida_seimlip.options.models.comparison import LABELS, ComparisonOptions
from aiida_seimlip.options.models.comparison_results import (
    FailedFrameRecord,
    FrameRecord,
    ModelEvaluation,
    SamplePlan,
)

EvaluationT = TypeVar('EvaluationT', bound=ModelEvaluation)

EVALUATION = 'evaluation'
"""Name of the jobs, and of what is found in them."""
FEW_FRAMES = 20
"""With fewer frames, bootstrap intervals are much too narrow."""
NO_LABEL = 'the frame carries no energy and forces of a reference'


@calcfunction
def evaluation_parameters(options: orm.Dict, model: orm.Dict) -> orm.Dict:
    """Return the parameters of the job of a model, as `AseOptions`.

    :param options: of a comparison (`ComparisonOptions`).
    :param model: as `ModelOptions`.
    """
    content = {name: options[name] for name in ComparisonOptions.model_fields if name in options.get_dict()}
    return orm.Dict(ComparisonOptions.from_node(content).evaluation(ModelOptions.from_node(model).calculator))


@dataclass(frozen=True)
class Evaluated:
    """All that models have made of the frames.

    :param plan: what each frame is.
    :param models: what each model has finished, by its name.
    :param reference: what the reference has finished.
    :param found: the nodes that there are of each model.
    :param hashes: content hashes of all frames.
    :param training: what potentials have learned from, as far as that is known.
    :param is_common: whether models are compared on frames that all have evaluated which have evaluated any.
    """

    plan: SamplePlan
    models: Mapping[str, Finished]
    reference: Finished
    found: Mapping[str, Any]
    hashes: Sequence[str] = ()
    training: Mapping[str, Mapping[str, FramesData]] = field(default_factory=dict)
    is_common: bool = True

    @classmethod
    def of(
        cls, settings: ComparisonOptions, plan: orm.Dict, sample: FramesData, groups: Mapping[str, Any]
    ) -> Evaluated:
        """Read what jobs have left.

        :param settings: what was asked for.
        :param plan: a `SamplePlan`.
        :param sample: the frames.
        :param groups: ``models``: of each, by its name, as far as there are: `EVALUATION`, ``potential``, ``problem``
            (Str); ``training``: of each that is a potential, the sets that it has learned from, where they are known.
        """
        found = groups['models']
        models = {
            name: Finished.of(
                node.get(EVALUATION, {}), sample.n_frames, node['problem'].value if 'problem' in node else NOT_REACHED
            )
            for name, node in found.items()
        }  # fmt: skip
        reference = _labels_of(sample) if settings.reference == LABELS else models[settings.reference]
        return cls(
            SamplePlan.model_validate(plan.get_dict()), models, reference, found, sample.hashes,
            groups.get('training', {}), settings.common_frames,
        )  # fmt: skip

    @property
    def compared(self) -> list[FrameRecord]:
        """The frames that models are compared on: supercells without displacements are not among them."""
        return [record for record in self.plan.frames if not record.is_perfect]

    def shared(self, name: str) -> list[FrameRecord]:
        """Return the frames that a model is compared on, which it and the reference have evaluated.

        :param name: of the model.
        """
        both = set(self.models[name].indices) & set(self.reference.indices)
        if self.is_common:
            both = both.intersection(*(model.indices for model in self.models.values() if model.indices))
        return [record for record in self.compared if record.index in both]

    def failure(self, name: str) -> str | None:
        """Return why a model cannot be compared with the reference at all, None if it can.

        :param name: of the model.
        """
        model = self.models[name]
        if not model.indices:
            return next(iter(model.failures.values()), NOT_REACHED)
        return None if self.shared(name) else 'there is no frame that all that are compared have evaluated'

    def pair(self, name: str) -> Pair:
        """Return what a model and the reference have made of the frames that both have evaluated.

        :param name: of the model.
        """
        records = self.shared(name)
        indices = [record.index for record in records]
        predicted = self.models[name].among(indices)
        grades = find_grades(self.found[name].get('potential'), predicted)
        return Pair(records, self.reference.among(indices), predicted, grades, self._count_learned(name, indices))

    def _count_learned(self, name: str, indices: Sequence[int]) -> int | None:
        """Return how many of some frames a model has learned from, None if that is not known."""
        if name not in self.training:
            return None
        known = {value for node in self.training[name].values() for value in node.hashes}
        return sum(self.hashes[index] in known for index in indices)

    def failed(self, name: str) -> list[FailedFrameRecord]:
        """Return the frames that a model has not evaluated; none if it has evaluated nothing.

        :param name: of the model.
        """
        model = self.models[name]
        if not model.indices:
            return []
        return [
            FailedFrameRecord(**record.model_dump(), reason=model.failures[record.index])
            for record in self.plan.frames if record.index in model.failures
        ]  # fmt: skip

    def head(self, settings: ComparisonOptions) -> dict[str, Any]:
        """Return the fields of a `ModelsComparison`.

        :param settings: what was asked for.
        """
        return {
            'reference': settings.reference, 'lost_runs': self.plan.lost, 'sampled_by': self.plan.sampled_by,
            'n_frames': len(self.compared), 'doubts': list(self._doubts()), 'confidence': settings.confidence,
            'methods': {name: _who(node) for name, node in self.found.items()},
            'problems': {name: node['problem'].value for name, node in self.found.items() if 'problem' in node},
        }  # fmt: skip

    def _doubts(self) -> Iterator[str]:
        missing = [record for record in self.compared if record.index in self.reference.failures]
        if missing:
            yield (
                f'The reference has not evaluated {len(missing)} of {len(self.compared)} frames, which are often the '
                f'hard ones; the first: {self.reference.failures[missing[0].index]}'
            )
        elsewhere = {
            record.index for model in self.models.values() if model.indices for record in self.compared
            if record.index in model.failures and record.index not in self.reference.failures
        }  # fmt: skip
        if self.is_common and elsewhere:
            yield (
                f'{len(elsewhere)} frames that a model has not evaluated are left out for all models (`common_frames`).'
            )
        if len(self.compared) - len(missing) < FEW_FRAMES:
            yield f'With fewer than {FEW_FRAMES} frames the intervals are too narrow.'


def compare_with_reference(
    evaluated: Evaluated, name: str, kind: type[EvaluationT], fill: Callable[[EvaluationT, Pair], None]
) -> EvaluationT:
    """Return the record of a model beside the reference, or why there is nothing to compare.

    :param evaluated: what there is of all models.
    :param name: of the model.
    :param kind: class of the record.
    :param fill: enters the errors; a ValueError says why there are none.
    """
    failed, failure = evaluated.failed(name), evaluated.failure(name)
    if failure is not None:
        return kind(failure=failure, failed_frames=failed)
    pair, doubts = evaluated.pair(name).without_unknown()
    record = kind(**pair.common, failed_frames=failed)
    record.doubts += doubts
    if failed:
        record.doubts.append(f'{len(failed)} frames failed; the first: {failed[0].reason}')
    try:
        fill(record, pair)
    except ValueError as exception:
        record.failure = str(exception)
    return record


def _labels_of(sample: FramesData) -> Finished:
    """Return the labels that frames carry in the place of what a job has made of them."""
    frames = sample.get_frames(trace=True)
    labelled = np.flatnonzero(frames.labelled)
    failures = {index: NO_LABEL for index in range(len(frames)) if index not in set(labelled.tolist())}
    return Finished(frames[labelled], labelled.tolist(), failures, {})


def _who(found: Mapping[str, Any]) -> str:
    """Return who is behind a model."""
    return describe_model({**found.get(EVALUATION, {}), **{key: found[key] for key in ('potential',) if key in found}})
