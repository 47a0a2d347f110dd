"""Calcfunction that writes down what a distillation found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.options.campaign.distillation_results import AlignmentRecord, DistillationResults, RoundRecord


@calcfunction
def assemble_distillation(rounds: orm.List, facts: orm.Dict) -> orm.Dict:
    """Return the `DistillationResults`.

    :param rounds: `RoundRecord` of each round, in order.
    :param facts: `n_given`, `n_reference`, `accepted`, `converged` and `message`.
    """
    records = [RoundRecord(**record) for record in rounds.get_list()]
    alignments = [record.alignment for record in records if record.alignment is not None]
    alignment = alignments[-1] if alignments else None
    return orm.Dict(
        DistillationResults(
            rounds=records, alignment=alignment, n_teacher=records[-1].n_teacher if records else 0,
            doubts=list(find_doubts(records, alignment)), **facts.get_dict(),
        ).model_dump(mode='json')
    )  # fmt: skip


def find_doubts(records: Sequence[RoundRecord], alignment: AlignmentRecord | None) -> Iterator[str]:
    """Yield what to know before the potential is used, in sentences.

    :param records: in order.
    :param alignment: of the last teacher, None if there is none.
    """
    if alignment is not None:
        yield (
            f'The potential has learned from labels by two methods, {alignment.reference_method} and '
            f'{alignment.teacher_method}, whose energies were brought to the zero of {alignment.reference_method}.'
        )
    if alignment is not None and alignment.unknown:
        yield (
            f'The shift of {", ".join(alignment.unknown)} is not known: no labels of {alignment.reference_method} tell '
            'it, and the energies of the potential for these compositions are arbitrary.'
        )
    judged = [record for record in records if record.teacher is not None and record.student is not None]
    if judged:
        teacher, student = (getattr(judged[-1], name).force_ev_per_angstrom for name in ('teacher', 'student'))
        if teacher is not None and student is not None and student < teacher:
            yield (
                f'On the last new labels the student errs by {student:.3f} eV/Å, less than its teacher ({teacher:.3f} '
                'eV/Å): more of the labels of the teacher will not improve it.'
            )
