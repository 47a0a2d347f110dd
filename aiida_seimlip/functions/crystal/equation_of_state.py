"""Calcfunctions of `EquationOfStateWorkChain`."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.models import CrystalFrames, deformed_frames, head_of, identify, read_model
from aiida_seimlip.functions.model_jobs import if_known
from aiida_seimlip.options.crystal.equation_of_state import EquationOfStateOptions
from aiida_seimlip.options.crystal.results import (
    EquationOfStateComparison,
    EquationOfStateCrystal,
    EquationOfStateDeviation,
    EquationOfStateRecord,
    FitRecord,
)
from aiida_seimlip.science.analysis.equation_of_state import (
    EquationOfState,
    EquationOfStateError,
    fit_equation_of_state,
    scaled_volumes,
)


@calcfunction
def scale_crystals(options: orm.Dict, minima: FramesData) -> FramesData:
    """Return the scaled cells of crystals, those of one after those of the other.

    :param options: as `EquationOfStateOptions`.
    :param minima: one frame for each crystal.
    """
    settings = EquationOfStateOptions.from_node(options)
    factors = np.cbrt(scaled_volumes(1.0, settings.extent, settings.n_points))
    return FramesData(deformed_frames(minima, lambda cell: [factor * cell for factor in factors]))


@calcfunction
def measure_equations_of_state(
    options: orm.Dict, names: orm.List, crystals: FramesData, **groups: Any
) -> dict[str, orm.Dict]:
    """Find the equations of state of each crystal by each model.

    :param options: as `EquationOfStateOptions`.
    :param names: of the crystals.
    :param crystals: as they were given, one frame each.
    :param groups: ``models``: by name what there is of each model; see `read_model`.
    :return: ``properties`` as an `EquationOfStateComparison`.
    """
    settings = EquationOfStateOptions.from_node(options)
    models = groups['models']
    found = [EquationOfStateCrystal(**identity) for identity in identify(names, crystals, settings.symprec)]
    for model, outputs in models.items():
        read = read_model(settings, outputs, len(found), lambda frame: settings.n_points)
        for crystal, frames in zip(found, read, strict=True):
            crystal.models[model] = equation_of_state_of(settings, frames)
    for crystal in found:
        crystal.deviations = find_deviations(crystal, settings.reference)
    comparison = EquationOfStateComparison(**head_of(settings, models), crystals=found)
    return {'properties': orm.Dict(comparison.model_dump(mode='json'))}


def equation_of_state_of(settings: EquationOfStateOptions, frames: CrystalFrames) -> EquationOfStateRecord:
    """Return what a model makes of a crystal.

    :param settings: what was asked for.
    :param frames: the minimum, and the scaled cells.
    """
    record = EquationOfStateRecord(**frames.common)
    evaluated = frames.frames.get(settings.ions)
    if evaluated is None:
        return record
    if evaluated.energies is None:
        record.failure = 'the model gives no energies'
        return record
    n_atoms = int(evaluated.sizes[0])
    record.volumes_per_atom_angstrom3 = (evaluated.volumes / n_atoms).tolist()
    record.energies_per_atom_ev = (evaluated.energies / n_atoms).tolist()
    doubts = list(record.doubts)
    for form in settings.forms:
        try:
            fit = fit_equation_of_state(record.volumes_per_atom_angstrom3, record.energies_per_atom_ev, form)
        except EquationOfStateError as exception:
            doubts.append(f'{form}: {exception}')
            continue
        record.fits[form] = _record(fit)
        doubts += fit.doubts
    record.doubts = list(dict.fromkeys(doubts))
    if not record.fits:
        record.failure = 'no form fits the energies'
    return record


def find_deviations(
    crystal: EquationOfStateCrystal, reference: str | None
) -> dict[str, dict[Any, EquationOfStateDeviation]]:  # fmt: skip
    """Return how far each model is from the reference, as far as both have a fit.

    :param crystal: with its models.
    :param reference: name of a model, None if there is none.
    """
    if reference is None or reference not in crystal.models:
        return {}
    of_reference = crystal.models[reference].fits
    return {
        name: {form: _deviation(fit, of_reference[form]) for form, fit in record.fits.items() if form in of_reference}
        for name, record in crystal.models.items() if name != reference
    }  # fmt: skip


def _record(fit: EquationOfState) -> FitRecord:
    return FitRecord(
        volume_per_atom_angstrom3=fit.volume, volume_per_atom_error_angstrom3=if_known(fit.volume_error),
        energy_per_atom_ev=fit.energy, bulk_modulus_gpa=fit.bulk_modulus,
        bulk_modulus_error_gpa=if_known(fit.bulk_modulus_error), derivative=fit.derivative,
        derivative_error=if_known(fit.derivative_error), residual_mev_per_atom=1000.0 * fit.residual,
    )  # fmt: skip


def _deviation(one: FitRecord, other: FitRecord) -> EquationOfStateDeviation:
    return EquationOfStateDeviation(
        volume_percent=100.0 * (one.volume_per_atom_angstrom3 / other.volume_per_atom_angstrom3 - 1.0),
        bulk_modulus_percent=100.0 * (one.bulk_modulus_gpa / other.bulk_modulus_gpa - 1.0),
    )
