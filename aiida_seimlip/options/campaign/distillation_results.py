"""What a distillation found: content of the output `results` of `DistillationWorkChain`."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.records import ErrorsRecord, Record


class AlignmentRecord(Record):
    """The shift of the energies of a teacher to the zero of the reference."""

    per_element: dict[str, float] = Field(description='What is added to the energies of the teacher, in eV an atom.')
    is_determined: bool = Field(
        description='Whether the labels tell the shift of each element; if not, only sums over `compositions` count.'
    )
    compositions: list[dict[str, int]] = Field(description='Independent compositions that the reference has labelled.')
    residual_mev_per_atom: float = Field(description='Root mean square of what the shift leaves of the differences.')
    n_frames: int = Field(description='Frames that it was found from.')
    teacher_method: str = Field(description='Method of the labels of the teacher.')
    reference_method: str = Field(description='Method of the labels of the reference.')
    unknown: list[str] = Field(
        default_factory=list, description='Formulas of the teacher whose shift the labels of the reference do not tell.'
    )


class RoundRecord(Record):
    """A round: a campaign with the teacher, and labels of the reference."""

    round: int = Field(description='Its number, from 1.')
    converged: bool = Field(description='Whether the campaign of the round converged.')
    campaign_message: str | None = Field(default=None, description='Why the campaign did not converge.')
    n_teacher: int = Field(description='Labels of the teacher that the student has learned from.')
    n_fresh: int = Field(default=0, description='Labels of the reference of frames that were drawn from explorations.')
    n_chosen: int = Field(default=0, description='Labels of the reference of frames that MaxVol has chosen.')
    n_reference: int = Field(default=0, description='Labels of the reference so far.')
    n_failed: int = Field(default=0, description='Frames that the reference could not label.')
    teacher: ErrorsRecord | None = Field(default=None, description='Of the teacher on the new labels, aligned.')
    student: ErrorsRecord | None = Field(default=None, description='Of the student on the new labels, aligned.')
    alignment: AlignmentRecord | None = Field(default=None, description='Of the teacher of this round.')
    weight: int | None = Field(default=None, description='How often labels of the reference were repeated after it.')
    accepted: bool = Field(default=False, description='Whether the errors are within the bounds.')
    tuned: bool = Field(default=False, description='Whether the teacher was trained on the labels after that.')


class DistillationResults(Record):
    """All rounds, and what became of the student."""

    rounds: list[RoundRecord] = Field(description='One for each round, and one of the last campaign.')
    alignment: AlignmentRecord | None = Field(default=None, description='Of the last teacher.')
    n_reference: int = Field(description='Labels of the reference in all.')
    n_given: int = Field(description='Those of them that were given.')
    n_teacher: int = Field(description='Labels of the teacher that the last student has learned from.')
    accepted: bool = Field(description='Whether the errors came within the bounds.')
    converged: bool = Field(description='Whether all explorations with the last student came to their end.')
    message: str | None = Field(default=None, description='Why the distillation did not end well.')
    doubts: list[str] = Field(default_factory=list, description='What to know before the potential is used.')
