"""How well a model agrees with the reference on the same frames, as records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aiida_seimlip.functions.model_jobs import KNOWN_GRADE, if_known
from aiida_seimlip.options.models.comparison_results import (
    AgreementRecord,
    EstimateRecord,
    FrameRecord,
    QuantitiesRecord,
    WorstFrameRecord,
)
from aiida_seimlip.science.analysis.parity import Agreement, Estimate, QuantityAgreements
from aiida_seimlip.science.analysis.size_transfer import force_errors
from aiida_seimlip.science.frames import Frames

QUANTITIES = ('energies', 'forces', 'stresses')


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


def _is_known(values: np.ndarray | None) -> bool:
    return values is not None and bool(np.isfinite(values).any())
