"""What several models have made of the same frames, side by side with a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.models import (
    KNOWN_GRADE,
    NOT_REACHED,
    Finished,
    describe_model,
    find_grades,
    if_known,
)
from aiida_seimlip.options.model import ModelOptions
from aiida_seimlip.options.models.comparison import LABELS, ComparisonOptions
from aiida_seimlip.options.models.comparison_results import (
    AgreementRecord,
    EstimateRecord,
    FailedFrameRecord,
    FrameRecord,
    QuantitiesRecord,
    SamplePlan,
    WorstFrameRecord,
)
from aiida_seimlip.science.analysis.parity import Agreement, Estimate, QuantityAgreements
from aiida_seimlip.science.analysis.size_transfer import force_errors
from aiida_seimlip.science.frames import Frames

EVALUATION = 'evaluation'
"""Name of the jobs, and of what is found in them."""
FEW_FRAMES = 20
"""With fewer frames, bootstrap intervals are much too narrow."""
NO_LABEL = 'the frame carries no energy and forces of a reference'
QUANTITIES = ('energies', 'forces', 'stresses')


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


@dataclass(frozen=True)
class Pair:
    """What a model and the reference have made of the same frames.

    :param records: what each frame is.
    :param reference: labelled by the reference.
    :param predicted: labelled by the model.
    :param grades: of the frames by the model, None for those that know none.
    :param n_learned: frames that the model has learned from, None if that is not known.
    """

    records: Sequence[FrameRecord]
    reference: Frames
    predicted: Frames
    grades: Sequence[float | None]
    n_learned: int | None = None

    @property
    def common(self) -> dict[str, Any]:
        """The fields of a `ModelEvaluation` that all models have."""
        highest = max((grade for grade in self.grades if grade is not None), default=None)
        doubts = []
        if highest is not None and highest > KNOWN_GRADE:
            n_beyond = sum(grade is not None and grade > KNOWN_GRADE for grade in self.grades)
            doubts.append(
                f'The potential extrapolates on {n_beyond} of {len(self.records)} frames; the highest grade is '
                f'{highest:.3g}.'
            )
        if self.n_learned:
            doubts.append(
                f'The potential has learned from {self.n_learned} of the {len(self.records)} frames, on which its '
                'errors are no test.'
            )
        return {
            'n_frames': len(self.records), 'highest_grade': highest, 'n_learned': self.n_learned, 'doubts': doubts,
        }  # fmt: skip

    def without_unknown(self) -> tuple[Pair, list[str]]:
        """Return the same without quantities that the model does not give, and a sentence on each of these.

        What the model gives of some frames only is missing of the others, which the comparison refuses.
        """
        reference, doubts = self.reference, []
        for name in QUANTITIES:
            known, given = (_is_known(getattr(frames, name)) for frames in (self.reference, self.predicted))
            if known and not given:
                reference = reference.replace(**{name: None})
                doubts.append(f'The model gives no {name}.')
        return replace(self, reference=reference), doubts

    @property
    def energy_bias(self) -> float | None:
        """Mean of the energy of the model less that of the reference in meV per atom, None if it is not known."""
        known = self._energy_errors()
        return 1000.0 * float(known.mean()) if known.size else None

    @property
    def energy_scatter(self) -> float | None:
        """Root mean square of the error of the energy about its mean in meV per atom, None of fewer than two frames."""
        known = self._energy_errors()
        return 1000.0 * float(known.std()) if known.size > 1 else None

    def _energy_errors(self) -> np.ndarray:
        """Return the known errors of the energies in eV per atom."""
        if self.reference.energies is None or self.predicted.energies is None:
            return np.empty(0)
        errors = (self.predicted.energies - self.reference.energies) / self.reference.sizes
        return errors[np.isfinite(errors)]

    def worst(self, n: int) -> list[WorstFrameRecord]:
        """Return the frames with the largest errors of the forces, the worst first.

        :param n: how many at most.
        """
        errors = force_errors(self.reference, self.predicted)
        order = [int(index) for index in np.argsort(-errors, kind='stable') if np.isfinite(errors[index])][:n]
        return [
            WorstFrameRecord(
                **self.records[index].model_dump(), force_rms_ev_per_angstrom=float(errors[index]),
                energy_error_mev_per_atom=self[index].energy_bias, grade=self.grades[index],
            )
            for index in order
        ]  # fmt: skip

    def __getitem__(self, index: int) -> Pair:
        """Return the pair of one frame."""
        one = slice(index, index + 1)
        return Pair(self.records[one], self.reference[one], self.predicted[one], self.grades[one])


def bias_doubts(bias: float | None, rmse: float | None) -> list[str]:
    """Return a sentence if the error of the energy is mostly the same for all frames.

    :param bias: in meV per atom.
    :param rmse: in meV per atom.
    """
    if bias is None or rmse is None or abs(bias) < 0.9 * rmse or rmse < 1.0:
        return []
    return [
        f'Most of the error of the energy is a shift of {bias:.3g} meV/atom that all frames share: the model and the '
        'reference may count energies from other zeros.'
    ]


def quantities_record(agreements: QuantityAgreements) -> QuantitiesRecord:
    """Return agreements as a record, energies in meV per atom.

    :param agreements: of the same frames.
    """
    parts = (agreements.energy_per_atom, agreements.force_component, agreements.stress_component)
    return QuantitiesRecord(
        n_frames=max(part.n_frames for part in parts),
        energy_mev_per_atom=agreement_record(agreements.energy_per_atom, 1000.0),
        force_ev_per_angstrom=agreement_record(agreements.force_component),
        stress_gpa=agreement_record(agreements.stress_component),
    )


def agreement_record(agreement: Agreement, factor: float = 1.0) -> AgreementRecord | None:
    """Return the agreement of one quantity as a record, None if there was nothing to compare.

    :param agreement: of the quantity.
    :param factor: from its unit to that of the record.
    """
    if not agreement.n_frames:
        return None
    r_squared = None if np.isnan(agreement.r_squared.value) else _estimate(agreement.r_squared, 1.0)
    return AgreementRecord(
        n_frames=agreement.n_frames, rmse=_estimate(agreement.rmse, factor), mae=_estimate(agreement.mae, factor),
        r_squared=r_squared, largest=factor * agreement.largest,
    )  # fmt: skip


def _estimate(estimate: Estimate, factor: float) -> EstimateRecord:
    low, high = (if_known(factor * limit) for limit in (estimate.low, estimate.high))
    return EstimateRecord(value=factor * estimate.value, low=low, high=high)


def _labels_of(sample: FramesData) -> Finished:
    """Return the labels that frames carry in the place of what a job has made of them."""
    frames = sample.get_frames(trace=True)
    labelled = np.flatnonzero(frames.labelled)
    failures = {index: NO_LABEL for index in range(len(frames)) if index not in set(labelled.tolist())}
    return Finished(frames[labelled], labelled.tolist(), failures, {})


def _who(found: Mapping[str, Any]) -> str:
    """Return who is behind a model."""
    return describe_model({**found.get(EVALUATION, {}), **{key: found[key] for key in ('potential',) if key in found}})


def _is_known(values: np.ndarray | None) -> bool:
    return values is not None and bool(np.isfinite(values).any())
