"""What comparisons of models on the same frames find: the content of the output `properties`, and of the `plan`.

Numbers have their units in their names; those of an agreement have the unit in its name.
"""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.records import Record


class EstimateRecord(Record):
    """A number and the limits of its bootstrap interval; none where fewer than two frames contribute."""

    value: float
    low: float | None = None
    high: float | None = None


class AgreementRecord(Record):
    """How well a model agrees with the reference in one quantity, in the unit that its name tells."""

    n_frames: int = Field(description='Frames that contribute.')
    rmse: EstimateRecord
    mae: EstimateRecord
    r_squared: EstimateRecord | None = Field(
        default=None,
        description='1 − Σ(y − ŷ)² / Σ(y − ȳ)², no unit; none if all values of the reference are the same.',
    )
    largest: float = Field(description='Largest absolute difference.')


class QuantitiesRecord(Record):
    """Agreement of each quantity on the same frames; none where the reference does not know it."""

    n_frames: int
    energy_mev_per_atom: AgreementRecord | None = None
    force_ev_per_angstrom: AgreementRecord | None = Field(default=None, description='Of the Cartesian components.')
    stress_gpa: AgreementRecord | None = Field(default=None, description='Of the six components.')


class FrameRecord(Record):
    """A frame, and where it comes from."""

    index: int = Field(description='Among all frames that were evaluated.')
    origin: str = Field(description='Node in which it first appeared, and its index there: `UUID:index`.')
    step: int | None = Field(default=None, description='MD step; none if unknown.')
    source: str = Field(description='Name of the start, or of the set of frames, that it comes from.')
    run: str | None = Field(default=None, description='Name of the run that it was drawn from; none if it was given.')
    temperature_k: float | None = Field(default=None, description='Of the run; none if it was given.')
    formula: str
    n_atoms: int
    is_perfect: bool = Field(default=False, description='Whether it is a supercell without displacements.')


class WorstFrameRecord(FrameRecord):
    """A frame with large errors."""

    force_rms_ev_per_angstrom: float = Field(description='Root mean square error of the components in the frame.')
    energy_error_mev_per_atom: float | None = Field(default=None, description='The model less the reference.')
    grade: float | None = Field(default=None, description='None of models that know none.')


class FailedFrameRecord(FrameRecord):
    """A frame that a model has not evaluated."""

    reason: str


class LostRunRecord(Record):
    """A run that no frames were drawn from."""

    run: str
    reason: str


class RunRecord(Record):
    """A run that frames are drawn from."""

    key: str
    source: str = Field(description='Name of the start.')
    temperature_k: float
    replica: int
    seed: int


class SamplePlan(Record):
    """What each frame is and where it comes from."""

    runs: list[RunRecord] = Field(default_factory=list)
    lost: list[LostRunRecord] = Field(default_factory=list)
    sampled_by: str | None = Field(default=None, description='Who ran the dynamics; none if frames were given.')
    frames: list[FrameRecord] = Field(default_factory=list, description='In the order of the frames.')


class ModelEvaluation(Record):
    """What there is of one model; a subclass adds its errors."""

    failure: str | None = Field(default=None, description='Why there is nothing to compare.')
    n_frames: int = Field(default=0, description='Frames that both this model and the reference have evaluated.')
    highest_grade: float | None = Field(
        default=None, description='Extrapolation grade on the frames; none of models that know none.'
    )
    n_learned: int | None = Field(
        default=None, description='Frames among them that it has learned from; none if its training set is not known.'
    )
    failed_frames: list[FailedFrameRecord] = Field(
        default_factory=list, description='Frames that it has not evaluated, if it has evaluated any.'
    )
    doubts: list[str] = Field(default_factory=list, description='What to distrust, in sentences.')


class ModelsComparison(Record):
    """Several models and a reference on the same frames; a subclass names its ``models``."""

    reference: str = Field(description='Name of the model that the others are compared with, or `labels`.')
    methods: dict[str, str] = Field(default_factory=dict, description='Who is behind the name of a model.')
    problems: dict[str, str] = Field(default_factory=dict, description='Models that did not run, and why.')
    lost_runs: list[LostRunRecord] = Field(default_factory=list, description='Runs without frames, and why.')
    sampled_by: str | None = Field(
        default=None, description='Who ran the dynamics that the frames are from; none if they were given.'
    )
    n_frames: int = Field(description='Frames that were to be compared.')
    doubts: list[str] = Field(default_factory=list, description='What to distrust of all models, in sentences.')


class ParityRecord(ModelEvaluation):
    """The errors of a model on the frames that it and the reference have evaluated."""

    energy_bias_mev_per_atom: float | None = Field(
        default=None, description='Mean of the model less the reference, which is part of the RMSE.'
    )
    energy_scatter_mev_per_atom: float | None = Field(
        default=None, description='What is left of the RMSE without the bias; none of fewer than two frames.'
    )
    total: QuantitiesRecord | None = Field(default=None, description='On all frames.')
    by_formula: dict[str, QuantitiesRecord] = Field(default_factory=dict)
    by_temperature_k: dict[str, QuantitiesRecord] = Field(
        default_factory=dict, description='Of frames drawn from dynamics.'
    )
    by_source: dict[str, QuantitiesRecord] = Field(
        default_factory=dict, description='By the name of the start, or of the set of frames.'
    )
    force_by_element_ev_per_angstrom: dict[str, AgreementRecord] = Field(default_factory=dict)
    worst: list[WorstFrameRecord] = Field(default_factory=list, description='Largest errors of the forces first.')


class EvaluationComparison(ModelsComparison):
    """The errors of models on a test set."""

    spread_energy_mev_per_atom: float | None = Field(
        default=None,
        description='Root mean square of the energies of the reference about the best sum of a constant for each '
        'element: what an error is to be compared with; none if nothing is left to explain.',
    )
    spread_force_ev_per_angstrom: float | None = Field(
        default=None, description='Root mean square of the force components of the reference.'
    )
    confidence: float = Field(description='Probability that the intervals aim at.')
    models: dict[str, ParityRecord] = Field(default_factory=dict, description='By the name of the model.')


class CellRecord(Record):
    """A supercell without displacements."""

    name: str = Field(description='Repetitions along the vectors of the structure, such as `s2x2x1`.')
    n_atoms: int
    energies_ev_per_atom: dict[str, float] = Field(
        default_factory=dict, description='By the name of the model; models that have not evaluated it are left out.'
    )


class SizeRecord(Record):
    """The errors of a model on the frames of one size."""

    n_atoms: int
    n_frames: int
    errors: QuantitiesRecord
    energy_bias_mev_per_atom: float | None = Field(default=None, description='Mean of the model less the reference.')
    energy_bias_error_mev_per_atom: float | None = Field(
        default=None, description='Standard error of the bias, of frames that are independent; none of one frame.'
    )
    energy_scatter_mev_per_atom: float | None = Field(
        default=None, description='Standard deviation of the error among the frames; none of one frame.'
    )
    energy_scatter_mev_per_root_atom: float | None = Field(
        default=None,
        description='The same times the root of the number of atoms: the same for all sizes where the errors of the '
        'atoms are independent.',
    )
    force_scatter_ev_per_angstrom: float | None = Field(
        default=None, description='Standard deviation of the RMSE of the forces among the frames; none of one frame.'
    )


class SizeTransferRecord(ModelEvaluation):
    """The errors of a model by size."""

    cell_spread_mev_per_atom: float | None = Field(
        default=None, description='Largest less smallest energy of an atom in the supercells without displacements.'
    )
    sizes: list[SizeRecord] = Field(default_factory=list, description='The smallest first.')
    drift_mev_per_atom: float | None = Field(
        default=None, description='Bias of the energy in the largest size less that in the smallest.'
    )
    drift_error_mev_per_atom: float | None = Field(default=None, description='Standard error of the drift.')
    worst: list[WorstFrameRecord] = Field(default_factory=list, description='Largest errors of the forces first.')


class SizeTransferComparison(ModelsComparison):
    """The errors of models by the size of the cell, if the reference is size-consistent."""

    confidence: float = Field(description='Probability that the intervals aim at.')
    limit_mev_per_atom: float = Field(description='That the spread of the reference is held to.')
    reference_spread_mev_per_atom: float | None = Field(
        default=None,
        description='Largest less smallest energy of an atom by the reference in the supercells without '
        'displacements; none if it has not evaluated them.',
    )
    refusal: str | None = Field(default=None, description='Why nothing is compared; none if it is.')
    cells: list[CellRecord] = Field(default_factory=list, description='Supercells without displacements.')
    models: dict[str, SizeTransferRecord] = Field(default_factory=dict, description='By the name of the model.')
