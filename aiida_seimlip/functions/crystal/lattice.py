"""Calcfunctions that lay out relaxations of crystals and compare their lattices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.models import describe_model, find_grades
from aiida_seimlip.options.crystal.lattice import EXPERIMENT, LatticeOptions
from aiida_seimlip.options.crystal.property import ModelOptions
from aiida_seimlip.options.crystal.results import DeviationRecord, LatticeComparison, LatticeRecord, PhaseRecord
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import CRYSTALS, Cellpar, Crystal, conventional_cellpar
from aiida_seimlip.science.structures.space_group import find_space_group


@calcfunction
def make_crystals(options: orm.Dict) -> FramesData:
    """Return the primitive cells of the crystals to be relaxed, one frame each, in the order of the options.

    :param options: as `LatticeOptions`.
    """
    names = LatticeOptions.from_node(options).crystals
    return FramesData.from_atoms([CRYSTALS[name].primitive() for name in names])


@calcfunction
def relaxation_parameters(options: orm.Dict, model: orm.Dict) -> orm.Dict:
    """Return the parameters of the job that relaxes the crystals with a model.

    :param options: as `LatticeOptions`.
    :param model: as `ModelOptions`.
    """
    calculator = ModelOptions.from_node(model).calculator
    return orm.Dict(LatticeOptions.from_node(options).relaxation(calculator))


@calcfunction
def compare_lattices(options: orm.Dict, crystals: FramesData, **models: Any) -> orm.Dict:
    """Compare the lattices of the crystals at the minima of several models, as a `LatticeComparison`.

    :param options: as `LatticeOptions`.
    :param crystals: that were relaxed.
    :param models: by name what came of the relaxations: ``labelled``, ``failures`` and ``results`` of the job as far as
        there are, ``potential`` of a model that is one, ``problem`` (Str) of one that did not run.
    """
    settings = LatticeOptions.from_node(options)
    phases = [
        PhaseRecord(
            name=name, formula=str(CRYSTALS[name].conventional().symbols.formula.reduce()[0]),
            source=CRYSTALS[name].source,
            learned_by=[model for model, learned in settings.learned.items() if name in learned],
            experiment=None if CRYSTALS[name].experiment is None else list(CRYSTALS[name].experiment or ()),
        )
        for name in settings.crystals
    ]  # fmt: skip
    comparison = LatticeComparison(
        teacher=settings.teacher if settings.teacher in models else None,
        methods={name: describe_model(found) for name, found in models.items()}, phases=phases,
        problems={name: found['problem'].value for name, found in models.items() if 'problem' in found},
    )  # fmt: skip
    for name, found in models.items():
        for phase, record in zip(phases, read_minima(settings, found), strict=True):
            phase.models[name] = record
    for phase in phases:
        phase.deviations = find_deviations(phase, comparison.teacher)
    return orm.Dict(comparison.model_dump(mode='json'))


def read_minima(settings: LatticeOptions, found: Mapping[str, Any]) -> list[LatticeRecord]:
    """Return what came of each crystal with one model, in the order of the options.

    :param settings: what was asked for.
    :param found: as one of the models of `compare_lattices`.
    """
    failures = found['failures'].get_dict() if 'failures' in found else {}
    problem = found['problem'].value if 'problem' in found else 'the job did not come to it'
    records = [
        LatticeRecord(failure=failures.get(str(index), problem)) for index in range(len(settings.crystals))
    ]  # fmt: skip
    if 'labelled' not in found:
        return records
    frames, results = found['labelled'].get_frames(trace=True), found['results'].get_dict()
    grades = find_grades(found.get('potential'), frames)
    for number, index in enumerate(results['indices']):
        phase = CRYSTALS[settings.crystals[index]]
        record = read_minimum(settings, phase, frames[number])
        is_converged = str(index) not in results['notes']
        records[index] = record.model_copy(update={'is_converged': is_converged, 'grade': grades[number]})
    return records


def read_minimum(settings: LatticeOptions, phase: Crystal, frame: Frames) -> LatticeRecord:
    """Return the lattice at a minimum.

    :param settings: how near to symmetric is symmetric.
    :param phase: that was relaxed from its primitive cell.
    :param frame: the primitive cell at the end, with its energy.
    """
    (atoms,) = frame.to_atoms()
    try:
        number = find_space_group(atoms, settings.symprec)
        keeps: bool | None = number == phase.space_group
    except ModuleNotFoundError:
        number, keeps = None, None
    steps = frame.origin_steps
    assert frame.energies is not None
    return LatticeRecord(
        cellpar=list(conventional_cellpar(frame.cells[0], phase.lattice)), volume=atoms.get_volume() / len(atoms),
        energy_per_atom=float(frame.energies[0]) / len(atoms), n_steps=None if steps is None else int(steps[0]),
        space_group=number, keeps_symmetry=keeps,
    )  # fmt: skip


def find_deviations(phase: PhaseRecord, teacher: str | None) -> dict[str, dict[str, DeviationRecord]]:
    """Return how far each model is from the teacher and from the experiment.

    :param phase: with its lattices.
    :param teacher: name of a model, None if there is none.
    """
    references: dict[str, Any] = {EXPERIMENT: phase.experiment}
    if teacher is not None:
        references[teacher] = phase.models[teacher].cellpar
    found: dict[str, dict[str, DeviationRecord]] = {}
    for name, record in phase.models.items():
        if record.cellpar is not None:
            found[name] = {
                other: deviation(record.cellpar, cellpar)
                for other, cellpar in references.items() if cellpar is not None and other != name
            }  # fmt: skip
    return found


def deviation(cellpar: list[float] | Cellpar, reference: list[float] | Cellpar) -> DeviationRecord:
    """Return how far a lattice is from another one.

    :param cellpar: lengths in Å and angles in degrees.
    :param reference: the same of the other.
    """
    from ase.geometry import cellpar_to_cell

    volumes = [abs(float(np.linalg.det(cellpar_to_cell(list(values))))) for values in (cellpar, reference)]
    a, b, c = (100.0 * (one / other - 1.0) for one, other in zip(cellpar[:3], reference[:3], strict=True))
    return DeviationRecord(a=a, b=b, c=c, beta=cellpar[4] - reference[4], volume=100.0 * (volumes[0] / volumes[1] - 1))
