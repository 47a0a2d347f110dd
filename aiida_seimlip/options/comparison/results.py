"""What `ComparisonWorkChain` finds: the content of the output `comparison`.

The output `rdf` holds the radial distributions of each model, whose name comes first, and those of the frames of the
reference as ``reference``: ``MODEL_Li_O_r`` (Å), ``MODEL_Li_O_g``, ``MODEL_Li_O_g_error``, ``MODEL_Li_O_coordination``
and ``MODEL_Li_O_coordination_error``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aiida_seimlip.options.barrier.results import ComparisonRecord
from aiida_seimlip.options.records import Record

Part = Literal['errors', 'crystals', 'barriers', 'structure', 'speed']
Goal = Literal['lowest', 'highest', 'reference', 'none']


class ValueRecord(Record):
    """What a model has of a quantity; limits and error are none where they are not known."""

    value: float
    low: float | None = Field(default=None, description='Lower limit of the bootstrap interval.')
    high: float | None = Field(default=None, description='Upper limit.')
    error: float | None = Field(default=None, description='Standard error.')


class DifferenceRecord(Record):
    """How two models differ in a quantity, after what is wanted of it.

    Of what should be lowest or highest it is the value of the first less that of the second; of what should be as the
    reference, the distance of the first from that less the distance of the second.
    """

    one: str
    other: str
    difference: float
    low: float | None = Field(default=None, description='Lower limit of its interval; none if not known.')
    high: float | None = Field(default=None, description='Upper limit.')
    better: str | None = Field(
        default=None, description='Which is better: none where the interval holds 0, or there is no interval.'
    )


class QuantityRecord(Record):
    """One quantity by all models."""

    key: str = Field(description='Name without blanks, such as `force_rmse`.')
    name: str = Field(description='In words.')
    unit: str = Field(default='', description='Of all numbers.')
    part: Part
    of: str = Field(default='', description='Crystal, path, element or pair; empty if it is of everything.')
    goal: Goal = Field(description='What is wanted: the lowest or highest value, that of the reference, or nothing.')
    reference: ValueRecord | None = Field(default=None, description='What it is of the reference; none of errors.')
    values: dict[str, ValueRecord] = Field(default_factory=dict, description='By the name of the model.')
    differences: list[DifferenceRecord] = Field(default_factory=list, description='Of every two models.')
    best: str | None = Field(
        default=None, description='The model that is better than every other one; none if no model is.'
    )


class SpeedRecord(Record):
    """How fast a model runs."""

    engine: str = Field(description='Name of the engine of the socket `dynamics`.')
    computer: str = Field(default='', description='Label of the computer; empty if it is not known.')
    code: str = Field(default='', description='Label of the code.')
    n_atoms: int
    n_runs: int = Field(description='That came to their end.')
    seconds_per_step: float = Field(description='Of wall time, mean of the runs.')


class CostRecord(Record):
    """What the accuracy of a model costs."""

    model: str
    force_rmse_ev_per_angstrom: ValueRecord
    ns_per_day: ValueRecord
    beaten_by: list[str] = Field(
        default_factory=list, description='Models that are more accurate and faster, both beyond chance.'
    )


class CompareResults(Record):
    """Several models side by side."""

    methods: dict[str, str] = Field(default_factory=dict, description='Who is behind the name of a model.')
    reference: str | None = Field(default=None, description='What barriers and structure are compared with.')
    error_reference: str | None = Field(default=None, description='What errors are from: a model, or `labels`.')
    crystal_reference: str | None = Field(default=None, description='What crystals are compared with.')
    confidence: float = Field(description='Probability that the intervals aim at.')
    quantities: list[QuantityRecord] = Field(default_factory=list)
    speeds: dict[str, SpeedRecord] = Field(default_factory=dict, description='By the name of the model.')
    costs: list[CostRecord] = Field(default_factory=list, description='The fastest model first.')
    paths: dict[str, ComparisonRecord] = Field(default_factory=dict, description='Barriers by the name of the path.')
    missing: dict[str, str] = Field(default_factory=dict, description='What was asked for and is not there, and why.')
    doubts: list[str] = Field(default_factory=list, description='What to distrust, in sentences.')
