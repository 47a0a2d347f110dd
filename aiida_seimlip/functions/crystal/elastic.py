"""Calcfunctions of `ElasticWorkChain`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.models import CrystalFrames, deformed_frames, head_of, identify, read_model
from aiida_seimlip.functions.model_jobs import if_known
from aiida_seimlip.options.crystal.elastic import ElasticOptions
from aiida_seimlip.options.crystal.results import (
    ElasticComparison,
    ElasticCrystal,
    ElasticDeviation,
    ElasticRecord,
    ModuliRecord,
    StiffnessRecord,
)
from aiida_seimlip.science.analysis.elasticity import (
    Moduli,
    Stiffness,
    cartesian_rotations,
    fit_stiffness,
    strain_states,
    strained,
    symmetrise,
)
from aiida_seimlip.science.structures.supercells import StructureError

LARGE_STRESS = 0.1
"""A larger stress of the unstrained cell in GPa is a doubt: the minimum is not one."""
DIGITS = 4
"""Behind the point of constants in GPa: less is rounding, where symmetry makes a constant zero."""
LARGE_VIOLATION = 0.05
"""A larger change by the average over the point group, as a share of the largest element, is a doubt."""


@calcfunction
def strain_crystals(options: orm.Dict, minima: FramesData) -> FramesData:
    """Return the strained cells of crystals, those of one after those of the other.

    :param options: as `ElasticOptions`.
    :param minima: one frame for each crystal.
    """
    states = strain_states(ElasticOptions.from_node(options).magnitudes)
    return FramesData(deformed_frames(minima, lambda cell: [strained(cell, state) for state in states]))


@calcfunction
def measure_elasticity(options: orm.Dict, names: orm.List, crystals: FramesData, **groups: Any) -> dict[str, orm.Dict]:
    """Find the stiffness of each crystal by each model.

    :param options: as `ElasticOptions`.
    :param names: of the crystals.
    :param crystals: as they were given, one frame each.
    :param groups: ``models``: by name what there is of each model; see `read_model`.
    :return: ``properties`` as an `ElasticComparison`.
    """
    settings = ElasticOptions.from_node(options)
    models = groups['models']
    states = strain_states(settings.magnitudes)
    found = [ElasticCrystal(**identity) for identity in identify(names, crystals, settings.symprec)]
    for model, outputs in models.items():
        read = read_model(settings, outputs, len(found), lambda frame: len(states))
        for crystal, frames in zip(found, read, strict=True):
            crystal.models[model] = elasticity_of(settings, frames, states)
    for crystal in found:
        crystal.deviations = find_deviations(crystal, settings.reference)
    comparison = ElasticComparison(**head_of(settings, models), crystals=found)
    return {'properties': orm.Dict(comparison.model_dump(mode='json'))}


def elasticity_of(settings: ElasticOptions, frames: CrystalFrames, states: np.ndarray) -> ElasticRecord:
    """Return what a model makes of a crystal.

    :param settings: what was asked for.
    :param frames: the minimum, and the strained cells.
    :param states: their strains; shape (n_states, 6).
    """
    record = ElasticRecord(**frames.common)
    for ions in settings.ions_of_frames:
        evaluated = frames.frames.get(ions)
        if evaluated is None or frames.minimum is None:
            continue
        if evaluated.stresses is None:
            record.failure = f'{ions}: the model gives no stresses'
            continue
        stiffness = fit_stiffness(states, evaluated.stresses)
        if settings.symmetrise:
            try:
                rotations = cartesian_rotations(frames.minimum.to_atoms()[0], settings.symprec)
                stiffness = symmetrise(stiffness, rotations)
            except StructureError as exception:
                record.doubts.append(f'{ions}: not symmetrised. {exception}')
        record.stiffness[ions] = _record(stiffness)
        record.doubts += [f'{ions}: {doubt}' for doubt in _find_doubts(stiffness)]
    return record


def find_deviations(crystal: ElasticCrystal, reference: str | None) -> dict[str, dict[Any, ElasticDeviation]]:
    """Return how far each model is from the reference, as far as both have a stiffness.

    :param crystal: with its models.
    :param reference: name of a model, None if there is none.
    """
    if reference is None or reference not in crystal.models:
        return {}
    others = {name: record for name, record in crystal.models.items() if name != reference}
    of_reference = crystal.models[reference].stiffness
    return {
        name: {
            ions: _deviation(stiffness, of_reference[ions])
            for ions, stiffness in record.stiffness.items() if ions in of_reference
        }
        for name, record in others.items()
    }  # fmt: skip


def _record(stiffness: Stiffness) -> StiffnessRecord:
    """Return a stiffness with what follows from it; of an unstable crystal there are no means."""
    moduli = errors = None
    if stiffness.is_stable:
        moduli, errors = _moduli(stiffness.moduli), _moduli(stiffness.moduli_errors)
    return StiffnessRecord(
        matrix_gpa=np.round(stiffness.matrix, DIGITS).tolist(),
        errors_gpa=[[if_known(value) for value in row] for row in stiffness.errors.tolist()],
        residual_gpa=if_known(stiffness.residual), asymmetry_gpa=stiffness.asymmetry,
        symmetry_violation_gpa=stiffness.symmetry_violation, stress_gpa=stiffness.stress.tolist(),
        eigenvalues_gpa=stiffness.eigenvalues.tolist(), is_stable=stiffness.is_stable, moduli=moduli,
        moduli_errors=errors,
    )  # fmt: skip


def _moduli(moduli: Moduli) -> ModuliRecord | None:
    """Return the record of means or errors, None if one is not known."""
    values = asdict(moduli)
    if not np.isfinite(list(values.values())).all():
        return None
    return ModuliRecord(
        **{name if name in ModuliRecord.model_fields else f'{name}_gpa': v for name, v in values.items()}
    )


def _find_doubts(stiffness: Stiffness) -> list[str]:
    """Return what speaks against a stiffness, in sentences."""
    doubts = []
    if not stiffness.is_stable:
        lowest = stiffness.eigenvalues[0]
        doubts.append(f'The crystal is not stable: an eigenvalue of the stiffness is {lowest:.3g} GPa.')
    stress = float(np.abs(stiffness.stress).max())
    if stress > LARGE_STRESS:
        doubts.append(f'The unstrained cell has a stress of {stress:.2g} GPa: it is no minimum of this model.')
    violation, largest = stiffness.symmetry_violation, float(np.abs(stiffness.matrix).max())
    if violation is not None and violation > LARGE_VIOLATION * largest:
        doubts.append(f'The tensor is not as symmetric as the crystal: its average changes it by {violation:.2g} GPa.')
    return doubts


def _deviation(one: StiffnessRecord, other: StiffnessRecord) -> ElasticDeviation:
    difference = np.array(one.matrix_gpa) - np.array(other.matrix_gpa)
    means: dict[str, float] = {}
    if one.moduli is not None and other.moduli is not None:
        for name in ('bulk_hill', 'shear_hill'):
            values = [getattr(moduli, f'{name}_gpa') for moduli in (one.moduli, other.moduli)]
            means[f'{name}_percent'] = 100.0 * (values[0] / values[1] - 1.0)
    return ElasticDeviation(rms_gpa=float(np.sqrt(np.mean(difference**2))), **means)
