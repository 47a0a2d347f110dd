"""How far two models may be apart, by what is known of the errors of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.models.cross_examination import CrossExaminationOptions
from aiida_seimlip.options.models.cross_examination_results import WitnessRecord
from aiida_seimlip.science.analysis.calibration import Calibration
from aiida_seimlip.science.analysis.cross_examination import combine_errors, committee_deviations, norm_quantile
from aiida_seimlip.science.frames import Frames

SMALLEST = 1e-6
"""eV/Å; an error that is told to be smaller is not believed."""
FEW_MEMBERS = 4
"""With fewer members the deviation of a committee on a single atom says little."""


@dataclass(frozen=True, eq=False)
class Witness:
    """One of two models, and what it makes of the frames.

    :param name: of the model.
    :param method: who is behind the name.
    :param frames: with its forces.
    :param potential: that it is, None of another calculator.
    :param members: the same frames with the forces of each member of a committee; empty if it is none.
    """

    name: str
    method: str
    frames: Frames
    potential: PotentialData | None = None
    members: Sequence[Frames] = field(default_factory=list)

    @property
    def calibration(self) -> Calibration | None:
        """How large its errors are at a grade, None if that is not known."""
        return None if self.potential is None else self.potential.calibration

    @property
    def scale(self) -> float | None:
        """Ratio of its errors to the deviation of its members, None if that is not known."""
        return None if self.potential is None else self.potential.deviation_scale

    def grades(self) -> np.ndarray:
        """Return the grade of each atom; of a committee in eV/Å; shape (n_atoms,)."""
        if self.members:
            return (self.scale or 1.0) * committee_deviations(self.members)
        from aiida_seimlip.functions.models.calibration import grades_of_atoms

        assert self.potential is not None
        return grades_of_atoms(self.potential.get_mtp(), self.frames)


def find_allowed(
    settings: CrossExaminationOptions, witnesses: Sequence[Witness]
) -> tuple[np.ndarray | float, dict[str, WitnessRecord], list[str]]:
    """Return how far the forces on each atom may be apart in eV/Å, where that is from, and what is to be doubted.

    Where both models tell their errors, it is the root of the sum of the squares of their quantiles, and no less than
    `min_allowed`. Where one does, the other is taken to be as wrong; where none does, it is the threshold.

    :param settings: what was asked for.
    :param witnesses: both models.
    """
    records: dict[str, WitnessRecord] = {}
    errors: dict[str, np.ndarray] = {}
    doubts: list[str] = []
    for witness in witnesses:
        record = WitnessRecord(method=witness.method, source='threshold')
        found = _error_of(settings, witness, record)
        records[witness.name] = record
        if found is not None:
            errors[witness.name] = np.maximum(found, SMALLEST)
            record.error_ev_per_angstrom = float(np.median(errors[witness.name]))
        doubts += _doubts_of(witness, record)
    if not errors:
        doubts.append(
            f'Neither model tells its errors: what is called disagreement is further apart than {settings.threshold:g} '
            'eV/Å (`threshold`), and how much of it is to be expected is not known.'
        )
        return settings.threshold, records, doubts
    for name, record in records.items():
        if name not in errors:
            (known,) = errors.values()
            record.source, record.error_ev_per_angstrom = 'other', float(np.median(known))
            doubts.append(f'{name} tells no errors: it is taken to be as wrong as the other model.')
            errors = {**errors, name: known}
    allowed = combine_errors(*errors.values())
    return np.maximum(allowed, settings.min_allowed), records, doubts


def _error_of(settings: CrossExaminationOptions, witness: Witness, record: WitnessRecord) -> np.ndarray | None:
    """Return the quantile of the error of the force on each atom, None if it is not known; fill the record."""
    calibration = witness.calibration
    if calibration is not None:
        record.source = 'calibration'
        values = calibration.predict(witness.grades())[:, calibration.levels.index(settings.level)]
        beyond = ~np.isfinite(values)
        record.n_beyond = int(beyond.sum())
        return np.where(beyond, calibration.quantiles[calibration.levels.index(settings.level)][-1], values)
    if witness.members:
        record.source = 'committee'
        return norm_quantile(settings.level) * witness.grades()
    return None


def _doubts_of(witness: Witness, record: WitnessRecord) -> Iterator[str]:
    if record.source == 'committee' and len(witness.members) < FEW_MEMBERS:
        yield (
            f'The committee {witness.name} has {len(witness.members)} members, which are close to each other by chance '
            'on many atoms: there its error is larger than told.'
        )
    if record.n_beyond:
        yield (
            f'{record.n_beyond} atoms are beyond what {witness.name} is calibrated for: they are allowed the error at '
            'the largest grade that is, which is less than it may be.'
        )
    if record.source == 'committee' and witness.scale is None:
        yield (
            f'Nobody has measured how the errors of the committee {witness.name} go with its deviation: they are often '
            'several times as large as told here.'
        )
