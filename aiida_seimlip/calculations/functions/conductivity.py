"""Calcfunction that makes ionic conductivities of diffusion coefficients and tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.calculations.functions.diffusivity import Purpose, millikelvin
from aiida_seimlip.calculations.functions.transport_points import interval_of
from aiida_seimlip.data.track import load_track
from aiida_seimlip.options.conductivity import ConductivityOptions
from aiida_seimlip.options.transport_results import (
    ConductivityExtrapolation,
    ConductivityPoint,
    ConductivityResults,
    DiffusionPoint,
    DiffusivityResults,
)
from aiida_seimlip.science.analysis.replicas import combine_replicas
from aiida_seimlip.science.seeds import derive_seed

S_PER_M_TO_S_PER_CM = 0.01
ARRHENIUS = 'arrhenius'


@dataclass(eq=False)
class Samples:
    """Samples of the posterior at one temperature; None where there are none.

    :param sigma: Nernst–Einstein conductivity in S/m.
    :param collective: collective conductivity in S/m.
    :param haven: Haven ratio.
    """

    sigma: np.ndarray | None = None
    collective: np.ndarray | None = None
    haven: np.ndarray | None = None


@calcfunction
def analyse_conductivity(
    options: orm.Dict, diffusivity: orm.Dict, posterior: orm.ArrayData, **groups: Any
) -> dict[str, orm.Data]:
    """Return what diffusion coefficients and tracks say of the conductivity.

    :param options: `ConductivityOptions`.
    :param diffusivity: `DiffusivityResults`.
    :param posterior: samples that go with them.
    :param groups: if there are, ``tracks`` by the key of the run.
    :return: ``conductivity`` (`ConductivityResults`) and ``posterior``.
    """
    settings = ConductivityOptions.from_node(options)
    found = DiffusivityResults.model_validate(diffusivity.get_dict())
    node, points = orm.ArrayData(), []
    for point in found.points:
        samples = _sample(point, posterior, groups.get('tracks', {}), settings)
        points.append(_describe(point, samples, settings))
        arrays = {'sigma': samples.sigma, 'collective_sigma': samples.collective, 'haven_ratio': samples.haven}
        for name, array in arrays.items():
            if array is not None:
                node.set_array(f'{point.key}_{name}', array)
    results = ConductivityResults(
        mobile=found.mobile, charge=settings.charge, carriers=settings.carriers, counted_as=_explain(found, settings),
        points=points, extrapolation=_extrapolate(found, posterior, settings), diffusivity_uuid=diffusivity.uuid,
        warnings=found.warnings, message=found.message,
    )  # fmt: skip
    return {'conductivity': orm.Dict(results.model_dump(mode='json')), 'posterior': node}


# -- one temperature --------------------------------------------------------------------------------------------------


def _sample(
    point: DiffusionPoint, posterior: orm.ArrayData, tracks: Mapping[str, orm.ArrayData], settings: ConductivityOptions
) -> Samples:
    """Draw the conductivities at one temperature.

    :param point: the diffusion there.
    :param posterior: with the samples of the diffusion coefficient.
    :param tracks: of all runs.
    :param settings: what carries the charge.
    """
    from aiida_seimlip.science.analysis.conductivity import collective_conductivity

    name = f'{point.key}_D'
    if point.volume is None or name not in posterior.get_arraynames():
        return Samples()
    coefficients = posterior.get_array(name)
    samples = Samples(_nernst_einstein(coefficients, _count(point, settings), point, settings))
    used = [load_track(tracks[run.key]) for run in point.replicas if run.D is not None and run.key in tracks]
    if not (settings.collective and used):
        return samples
    seed = derive_seed(settings.seed, Purpose.ESTIMATE, millikelvin(point.temperature))
    single = [
        collective_conductivity(track, settings.charge, point.temperature, seed=seed + number)
        for number, track in enumerate(used)
    ]  # fmt: skip
    samples.collective = combine_replicas([one.samples for one in single], seed=seed).samples
    n_samples = min(coefficients.size, samples.collective.size)
    everyone = _nernst_einstein(coefficients, point.n_ions or used[0].n_ions, point, settings)
    shuffled = np.random.default_rng(seed).permutation(everyone)[:n_samples]
    samples.haven = shuffled / samples.collective[:n_samples]
    return samples


def _nernst_einstein(
    coefficients: np.ndarray, n_carriers: int, point: DiffusionPoint, settings: ConductivityOptions
) -> np.ndarray:
    """Return conductivities in S/m for samples of the diffusion coefficient in m²/s."""
    from aiida_seimlip.science.analysis.conductivity import carrier_density, nernst_einstein

    density = carrier_density(n_carriers, point.volume)
    return np.asarray(nernst_einstein(coefficients, density, settings.charge, point.temperature))


def _count(point: DiffusionPoint, settings: ConductivityOptions) -> int:
    """Return the number of carriers in the cell."""
    return settings.n_defects if settings.n_defects is not None else point.n_ions or 0


def _describe(point: DiffusionPoint, samples: Samples, settings: ConductivityOptions) -> ConductivityPoint:
    from aiida_seimlip.science.analysis.conductivity import carrier_density

    n_carriers = _count(point, settings)
    density = None if point.volume is None else float(carrier_density(n_carriers, point.volume))
    same = ('temperature', 'D', 'D_interval', 'volume', 'is_diffusive', 'used_in_fit', 'share_above_threshold',
            'highest_grade', 'flags')  # fmt: skip
    values: dict[str, Any] = {name: getattr(point, name) for name in same}
    values |= _in_both_units('sigma', samples.sigma) | _in_both_units('collective_sigma', samples.collective)
    if samples.haven is not None:
        values |= {'haven_ratio': float(np.median(samples.haven)), 'haven_ratio_interval': interval_of(samples.haven)}
    return ConductivityPoint(carrier_density=density, n_carriers=n_carriers or None, **values)


def _in_both_units(name: str, samples: np.ndarray | None) -> dict[str, Any]:
    """Return the mean and the interval in S/m and S/cm, by field."""
    if samples is None:
        return {}
    mean, (low, high) = float(samples.mean()), interval_of(samples)
    factor = S_PER_M_TO_S_PER_CM
    return {
        name: mean, f'{name}_interval': (low, high), f'{name}_s_per_cm': factor * mean,
        f'{name}_interval_s_per_cm': (factor * low, factor * high),
    }  # fmt: skip


# -- all temperatures -------------------------------------------------------------------------------------------------


def _extrapolate(
    found: DiffusivityResults, posterior: orm.ArrayData, settings: ConductivityOptions
) -> ConductivityExtrapolation | None:
    """Return the conductivity at the temperature that the diffusivity was asked for."""
    from aiida_seimlip.science.analysis.arrhenius import BOLTZMANN_EV
    from aiida_seimlip.science.analysis.conductivity import carrier_density, nernst_einstein

    used = [point for point in found.points if point.used_in_fit and point.volume is not None]
    if found.extrapolation is None or ARRHENIUS not in posterior.get_arraynames() or not used:
        return None
    temperature, coldest = found.extrapolation.temperature, used[0]
    logarithms, energies = posterior.get_array(ARRHENIUS).T
    coefficients = np.exp(logarithms - energies / (BOLTZMANN_EV * temperature))
    density = float(carrier_density(_count(coldest, settings), coldest.volume))
    samples = np.asarray(nernst_einstein(coefficients, density, settings.charge, temperature))
    median, (low, high) = float(np.median(samples)), interval_of(samples)
    factor = S_PER_M_TO_S_PER_CM
    return ConductivityExtrapolation(
        temperature=temperature, sigma=median, interval=(low, high), sigma_s_per_cm=factor * median,
        interval_s_per_cm=(factor * low, factor * high), carrier_density=density,
        is_extrapolated=found.extrapolation.is_extrapolated,
    )  # fmt: skip


def _explain(found: DiffusivityResults, settings: ConductivityOptions) -> str:
    """Say how the carriers were counted."""
    symbols: Sequence[str] = found.mobile
    if settings.n_defects is None:
        return f'Every {" and ".join(symbols)} in the cell is a carrier, with the mean volume of each temperature.'
    return (
        f'{settings.n_defects} defect(s) in the cell are the carriers, with the mean volume of each temperature; the '
        f'diffusion coefficient is the mean of all {" and ".join(symbols)}.'
    )
