"""What the reports on comparisons of models have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.models.comparison import LABELS
from aiida_seimlip.options.models.comparison_results import (
    AgreementRecord,
    EstimateRecord,
    ModelEvaluation,
    ModelsComparison,
    QuantitiesRecord,
    SamplePlan,
    WorstFrameRecord,
)
from aiida_seimlip.report.property import PropertyFacts
from aiida_seimlip.report.sections import NumberTile, Section
from aiida_seimlip.report.tables import Cell, Column, Table
from aiida_seimlip.science.frames import Frames

FRAMES = 'frames__'
"""How the link labels begin of the frames that models have evaluated."""
MODEL = Column('model', 'model', is_number=False)
ERRORS = (
    Column('n_frames', 'frames'),
    Column('energy_rmse_mev_per_atom', 'energy RMSE', 'meV/atom'),
    Column('energy_rmse_interval_mev_per_atom', 'interval', 'meV/atom'),
    Column('energy_mae_mev_per_atom', 'energy MAE', 'meV/atom', in_paper=False),
    Column('energy_r_squared', 'energy R²', decimals=4),
    Column('force_rmse_ev_per_angstrom', 'force RMSE', 'eV/Å'),
    Column('force_rmse_interval_ev_per_angstrom', 'interval', 'eV/Å'),
    Column('force_mae_ev_per_angstrom', 'force MAE', 'eV/Å', in_paper=False),
    Column('force_r_squared', 'force R²', decimals=4),
    Column('stress_rmse_gpa', 'stress RMSE', 'GPa'),
    Column('stress_rmse_interval_gpa', 'interval', 'GPa', in_paper=False),
)
"""Columns of errors, after those that say of what."""


def chapter_of(facts: PropertyFacts, title: str, found: ModelsComparison | None) -> Section:
    """Return the section that opens the chapter: what was compared with what, on which frames.

    :param facts: on the process.
    :param title: of the chapter.
    :param found: what was found, None if nothing was.
    """
    said, tiles = ' '.join(facts.doubts()), [facts.time_tile()]
    if found is not None:
        models = '; '.join(f'{name}: {method}' for name, method in found.methods.items() if method)
        who = 'the labels that the frames carry' if found.reference == LABELS else found.reference
        by = '' if found.sampled_by is None else f' The frames are from dynamics with {found.sampled_by}.'
        said = f'{said} Errors are from {who}. Models: {models}.{by}'.strip()
        tiles = [NumberTile(str(found.n_frames), '', 'frames'), *tiles]
    return Section(facts.anchor('chapter'), title, said, is_chapter=True, tiles=tuple(tiles))


def error_cells(quantities: QuantitiesRecord) -> list[Cell]:
    """Return the cells of `ERRORS`.

    :param quantities: errors on some frames.
    """
    energy, force = quantities.energy_mev_per_atom, quantities.force_ev_per_angstrom
    stress = quantities.stress_gpa
    return [
        Cell(quantities.n_frames),
        *_cells(energy), _r_squared(energy), *_cells(force), _r_squared(force), *_cells(stress)[:2],
    ]  # fmt: skip


def _cells(agreement: AgreementRecord | None) -> list[Cell]:
    if agreement is None:
        return [Cell(), Cell(), Cell()]
    return [Cell(agreement.rmse.value), Cell(limits(agreement.rmse)), Cell(agreement.mae.value)]


def _r_squared(agreement: AgreementRecord | None) -> Cell:
    return Cell(None if agreement is None or agreement.r_squared is None else agreement.r_squared.value)


def limits(estimate: EstimateRecord) -> tuple[float, float] | None:
    """Return the interval of a number, None if there is none.

    :param estimate: the number.
    """
    return None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)


def worst_table(worst: Mapping[str, Sequence[WorstFrameRecord]]) -> Table:
    """Return the worst frames of each model with their origin.

    :param worst: by the name of the model.
    """
    rows = [
        [
            Cell(name), Cell(frame.force_rms_ev_per_angstrom), Cell(frame.energy_error_mev_per_atom),
            Cell(frame.grade), Cell(frame.formula), Cell(frame.source), Cell(frame.temperature_k), Cell(frame.step),
            Cell(frame.index), Cell(frame.origin),
        ]
        for name, frames in worst.items() for frame in frames
    ]  # fmt: skip
    columns = (
        MODEL, Column('force_rms_ev_per_angstrom', 'force RMSE', 'eV/Å'),
        Column('energy_error_mev_per_atom', 'energy error', 'meV/atom'), Column('grade', 'grade', digits=2),
        Column('formula', 'formula', is_number=False), Column('source', 'from', is_number=False),
        Column('temperature_k', 'temperature', 'K', is_exact=True), Column('step', 'step'),
        Column('index', 'frame', in_paper=False),
        Column('origin', 'origin (node and index)', is_number=False, in_paper=False),
    )  # fmt: skip
    return Table('worst_frames', 'Worst frames, by the error of their forces', columns, rows)


def doubts_of(found: ModelsComparison, models: Mapping[str, ModelEvaluation]) -> Iterator[str]:
    """Yield what is missing, and what to distrust.

    :param found: what was found.
    :param models: by name.
    """
    yield from found.doubts
    for lost in found.lost_runs:
        yield f'{lost.run}: {lost.reason}'
    for name, record in models.items():
        if record.failure is not None:
            yield f'{name}: {record.failure}'
        for doubt in record.doubts:
            yield f'{name}: {doubt}'


def end_sections(facts: PropertyFacts, tables: Sequence[Table], points: Sequence[str]) -> list[Section]:
    """Return a section for each table that has rows, one on doubts, and those on what was run.

    :param facts: on the process.
    :param tables: whose captions become titles.
    :param points: what to distrust.
    """
    sections = [
        Section(facts.anchor(table.name), table.caption.split(',')[0], tables=(table,))
        for table in tables
        if table.rows
    ]
    if points:
        sections.append(Section(facts.anchor('doubts'), 'What to distrust', points=tuple(points)))
    return [*sections, *facts.runs()]


def frames_of(facts: PropertyFacts, name: str, among: Sequence[int], plan: SamplePlan) -> dict[int, Frames]:
    """Return what a model has made of frames, by their number in the plan.

    They are recognised by their origin, which each frame has but once.

    :param facts: on the process.
    :param name: of the model.
    :param among: numbers of the frames that are wanted.
    :param plan: what each frame is.
    """
    node = facts.outputs.get(f'{FRAMES}{name}')
    if not isinstance(node, FramesData) or node.is_left_out:
        return {}
    frames = node.get_frames()
    if frames.origin_uuids is None or frames.origin_indices is None:
        return {}
    numbers = {plan.frames[index].origin: index for index in among}
    origins = [f'{uuid}:{index}' for uuid, index in zip(frames.origin_uuids, frames.origin_indices, strict=True)]
    return {numbers[origin]: frames[place] for place, origin in enumerate(origins) if origin in numbers}


def paired(facts: PropertyFacts, found: ModelsComparison, plan: SamplePlan, name: str) -> tuple[Frames, Frames] | None:
    """Return what the reference and a model have made of the same frames, None if that is not there.

    :param facts: on the process.
    :param found: what was found.
    :param plan: what each frame is.
    :param name: of the model.
    """
    wanted = [frame.index for frame in plan.frames if not frame.is_perfect]
    model = frames_of(facts, name, wanted, plan)
    reference = _labels(facts, plan) if found.reference == LABELS else frames_of(facts, found.reference, wanted, plan)
    both = sorted(set(model) & set(reference))
    if not both:
        return None
    return Frames.concatenate(reference[index] for index in both), Frames.concatenate(model[index] for index in both)


def _labels(facts: PropertyFacts, plan: SamplePlan) -> dict[int, Frames]:
    """Return the frames that were given with labels, by their number in the plan."""
    inputs = facts.inputs_of(facts.node)
    found: dict[int, Frames] = {}
    numbers = {frame.origin: frame.index for frame in plan.frames}
    for label, node in inputs.items():
        if label.startswith(FRAMES) and isinstance(node, FramesData) and not node.is_left_out:
            frames = node.get_frames(trace=True)
            assert frames.origin_uuids is not None and frames.origin_indices is not None
            for place in np.flatnonzero(frames.labelled):
                origin = f'{frames.origin_uuids[place]}:{frames.origin_indices[place]}'
                if origin in numbers:
                    found[numbers[origin]] = frames[int(place)]
    return found


def plan_of(facts: PropertyFacts) -> SamplePlan:
    """Return what each frame is, without any if that is not known.

    :param facts: on the process.
    """
    return facts.model('plan', SamplePlan) or SamplePlan()
