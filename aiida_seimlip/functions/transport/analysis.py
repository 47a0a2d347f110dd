"""Calcfunction that makes diffusion coefficients and their activation energy of the tracks of many runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.transport.diffusivity import Purpose, warn_about_vacuum
from aiida_seimlip.functions.transport.points import Temperature, combine_runs, read_run
from aiida_seimlip.functions.transport.verdict import judge
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions, TransportEngines
from aiida_seimlip.options.transport.results import (
    ArrheniusRecord,
    DiffusivityResults,
    ExtrapolationRecord,
)
from aiida_seimlip.science.seeds import derive_seed

if TYPE_CHECKING:
    from aiida_seimlip.science.analysis.arrhenius import ArrheniusFit

MIN_POINTS = 2


@calcfunction
def analyse_diffusion(
    options: orm.Dict, engines: orm.Dict, start: FramesData, plan: orm.Dict, ends: orm.Dict, **groups: Any
) -> dict[str, orm.Data]:
    """Return what the tracks of all runs say of diffusion.

    :param options: of the diffusivity (`DiffusivityOptions`).
    :param engines: the program (`TransportEngines`).
    :param start: the frame that all runs began with.
    :param plan: as `plan_diffusivity` returns it.
    :param ends: how each run ended: ``outcome``, ``phase``, ``message``, ``uuid``.
    :param groups: ``results`` and ``tracks`` of the productions by the key of the run; if there are, ``audit`` and
        ``units`` (each of one node, ``all``) and ``potential`` (of one node, ``used``).
    :return: ``diffusivity`` (a `DiffusivityResults`), ``msd`` and ``posterior``.
    """
    settings = DiffusivityOptions.from_node(options)
    audit = groups['audit']['all'].get_dict() if 'audit' in groups else {}
    units = groups['units']['all'].get_dict() if 'units' in groups else {}
    temperatures = []
    for temperature in settings.temperatures:
        planned = [run for run in plan['runs'] if run['temperature'] == temperature]
        runs = [read_run(run, ends.get_dict().get(run['key'], {}), groups, audit, settings) for run in planned]
        temperatures.append(combine_runs(temperature, runs, start.n_atoms, settings, units))
    fit = _fit(temperatures, settings)
    potential = groups.get('potential', {}).get('used')
    results = DiffusivityResults(
        mobile=settings.mobile, ensemble=settings.dynamics.ensemble, seed=settings.seed,
        engine=TransportEngines.from_node(engines).dynamics,
        potential_uuid=None if potential is None else potential.uuid,
        threshold=settings.domain.threshold if audit else None,
        max_share_above=settings.domain.max_share if audit else None,
        points=[one.point for one in temperatures], arrhenius=_describe_fit(fit, temperatures),
        extrapolation=_extrapolate(fit, temperatures, settings.extrapolate_to), decomposition=units,
        warnings=[*warn_about_vacuum(start, settings), *_warnings(start, temperatures, audit, potential)],
    )  # fmt: skip
    verdict = judge(results)
    results = results.model_copy(update={'message': None if verdict is None else verdict.message})
    return {
        'diffusivity': orm.Dict(results.model_dump(mode='json')), 'msd': _store_msd(temperatures),
        'posterior': _store_posterior(temperatures, fit),
    }  # fmt: skip


# -- the fit ----------------------------------------------------------------------------------------------------------


def _fit(temperatures: Sequence[Temperature], settings: DiffusivityOptions) -> ArrheniusFit | None:
    """Fit the temperatures that are diffusive; None if there are fewer than two."""
    from aiida_seimlip.science.analysis.arrhenius import fit_arrhenius

    used = [one for one in temperatures if one.point.used_in_fit and one.samples is not None]
    if len(used) < MIN_POINTS:
        return None
    is_free = settings.dynamics.ensemble == 'nve'
    kelvin = [(one.point.mean_temperature if is_free else None) or one.point.temperature for one in used]
    samples = [one.samples for one in used if one.samples is not None]
    return fit_arrhenius(kelvin, samples, seed=derive_seed(settings.seed, Purpose.FIT))


def _describe_fit(fit: ArrheniusFit | None, temperatures: Sequence[Temperature]) -> ArrheniusRecord | None:
    if fit is None:
        return None
    points = [one.point for one in temperatures]
    return ArrheniusRecord(
        D0=fit.D0.median, D0_interval=fit.D0.interval, Ea=fit.Ea.mean, Ea_std=fit.Ea.std, Ea_interval=fit.Ea.interval,
        n_points=sum(point.used_in_fit for point in points), p_value=fit.p_value,
        left_out=[point.temperature for point in points if not point.used_in_fit], flags=list(fit.flags),
    )  # fmt: skip


def _extrapolate(
    fit: ArrheniusFit | None, temperatures: Sequence[Temperature], wanted: float | None
) -> ExtrapolationRecord | None:
    if fit is None or wanted is None:
        return None
    median, low, high = (float(value) for value in fit.predict(wanted))
    used = [one.point.temperature for one in temperatures if one.point.used_in_fit]
    return ExtrapolationRecord(
        temperature=wanted, D=median, interval=(low, high), is_extrapolated=not min(used) <= wanted <= max(used)
    )


# -- arrays -----------------------------------------------------------------------------------------------------------


def _store_msd(temperatures: Sequence[Temperature]) -> orm.ArrayData:
    node = orm.ArrayData()
    for one in temperatures:
        if not one.estimates:
            continue
        curves = [estimate.curve for estimate in one.estimates]
        n_lags = min(curve.lags.size for curve in curves)
        msd = np.mean([curve.msd[:n_lags] for curve in curves], axis=0)
        variances = np.mean([curve.variances[:n_lags, 3] for curve in curves], axis=0) / len(curves)
        arrays = {
            'lag_ps': curves[0].lags[:n_lags], 'msd': msd[:, 3], 'msd_std': np.sqrt(variances), 'msd_axes': msd[:, :3],
        }  # fmt: skip
        for name, array in arrays.items():
            node.set_array(f'{one.point.key}_{name}', array)
        for run in one.runs if len(one.runs) > 1 else ():
            if run.estimate is not None:
                node.set_array(f'{run.record.key}_lag_ps', run.estimate.curve.lags)
                node.set_array(f'{run.record.key}_msd', run.estimate.curve.msd[:, 3])
    return node


def _store_posterior(temperatures: Sequence[Temperature], fit: ArrheniusFit | None) -> orm.ArrayData:
    node = orm.ArrayData()
    for one in temperatures:
        if one.samples is not None:
            node.set_array(f'{one.point.key}_D', one.samples)
    if fit is not None:
        node.set_array('arrhenius', fit.samples)
    return node


def _warnings(
    start: FramesData, temperatures: Sequence[Temperature], audit: Mapping[str, Any], potential: Any
) -> list[str]:
    """Say what a reader has to know of all temperatures."""
    warnings = []
    heights = [one.point.cell_height for one in temperatures if one.point.cell_height is not None]
    cutoff = None if potential is None else potential.cutoff
    if heights and cutoff and min(heights) < 2.0 * cutoff:
        warnings.append(
            f'The cell is {min(heights):.2f} Å thin, less than twice the cut-off of the potential of {cutoff:g} Å: '
            'atoms see their own images, and diffusion coefficients may depend on the size of the cell.'
        )
    if not audit:
        warnings.append(
            'The potential knows no extrapolation grades, so that nobody has asked whether it was in domain.'
        )
    unused = [one.point.temperature for one in temperatures if not one.point.used_in_fit]
    if unused:
        left_out = ', '.join(f'{value:g} K' for value in unused)
        warnings.append(f'Left out of the Arrhenius fit: {left_out}.')
    return warnings
