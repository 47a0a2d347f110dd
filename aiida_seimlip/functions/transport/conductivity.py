"""Calcfunction that makes ionic conductivities of diffusion coefficients and tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.track import load_track
from aiida_seimlip.functions.transport.diffusivity import Purpose, millikelvin
from aiida_seimlip.options.transport.conductivity import ConductivityOptions
from aiida_seimlip.options.transport.results import (
    ConductivityExtrapolation,
    ConductivityPoint,
    ConductivityResults,
    DiffusionPoint,
    DiffusivityResults,
)
from aiida_seimlip.science.seeds import derive_seed

if TYPE_CHECKING:
    from aiida_seimlip.science.analysis.posterior import Posterior
    from aiida_seimlip.science.analysis.track import Track

ARRHENIUS = 'arrhenius'


@dataclass(eq=False)
class Found:
    """What was found at one temperature; None where there is nothing.

    :param sigma: Nernst–Einstein conductivity in S/m.
    :param collective: collective conductivity in S/m.
    :param haven: Haven ratio.
    :param flags: what is missing, in words.
    """

    sigma: Posterior | None = None
    collective: Posterior | None = None
    haven: Posterior | None = None
    flags: list[str] = field(default_factory=list)


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
    results = DiffusivityResults.model_validate(diffusivity.get_dict())
    node, points = orm.ArrayData(), []
    for point in results.points:
        found = _find(point, posterior, groups.get('tracks', {}), settings)
        points.append(_describe(point, found, settings))
        quantities = {'sigma': found.sigma, 'collective_sigma': found.collective, 'haven_ratio': found.haven}
        for name, quantity in quantities.items():
            if quantity is not None:
                node.set_array(f'{point.key}_{name}', quantity.samples)
    conductivity = ConductivityResults(
        mobile=results.mobile, charge=settings.charge, carriers=settings.carriers,
        counted_as=_explain(results, settings), points=points,
        extrapolation=_extrapolate(results, posterior, settings), diffusivity_uuid=diffusivity.uuid,
        warnings=results.warnings, message=results.message,
    )  # fmt: skip
    return {'conductivity': orm.Dict(conductivity.model_dump(mode='json')), 'posterior': node}


# -- one temperature --------------------------------------------------------------------------------------------------


def _find(
    point: DiffusionPoint, posterior: orm.ArrayData, tracks: Mapping[str, orm.ArrayData], settings: ConductivityOptions
) -> Found:
    """Find the conductivities at one temperature.

    :param point: the diffusion there.
    :param posterior: with the samples of the diffusion coefficient.
    :param tracks: of all runs.
    :param settings: what carries the charge.
    """
    from aiida_seimlip.science.analysis.posterior import Posterior

    name = f'{point.key}_D'
    if point.volume is None or name not in posterior.get_arraynames():
        return Found()
    coefficients = posterior.get_array(name)
    found = Found(_nernst_einstein(coefficients, _count(point, settings), point, settings))
    keys = [run.key for run in point.replicas if run.D is not None and run.key in tracks]
    if not (settings.collective and keys):
        return found
    seed = derive_seed(settings.seed, Purpose.ESTIMATE, millikelvin(point.temperature))
    try:
        found.collective = _collective([load_track(tracks[key]) for key in keys], point.temperature, settings, seed)
    except ValueError as exception:  # nothing moves, or too short
        found.flags.append(f'no collective conductivity: {exception}')
        return found
    everyone = _nernst_einstein(coefficients, point.n_ions or 0, point, settings).samples
    n_samples = min(everyone.size, found.collective.samples.size)
    shuffled = np.random.default_rng(seed).permutation(everyone)[:n_samples]
    found.haven = Posterior(shuffled / found.collective.samples[:n_samples])
    return found


def _collective(tracks: list[Track], temperature: float, settings: ConductivityOptions, seed: int) -> Posterior:
    """Return the collective conductivity in S/m, all replicas together."""
    from aiida_seimlip.science.analysis.conductivity import collective_conductivity
    from aiida_seimlip.science.analysis.posterior import Posterior
    from aiida_seimlip.science.analysis.replicas import combine_replicas

    seeds = np.random.SeedSequence(seed).generate_state(len(tracks))
    single = [
        collective_conductivity(
            track, settings.charge, temperature, seed=int(one), fit_window=settings.collective_window
        )
        for track, one in zip(tracks, seeds, strict=True)
    ]
    return Posterior(combine_replicas([one.samples for one in single], seed=seed).samples)


def _nernst_einstein(
    coefficients: np.ndarray, n_carriers: int, point: DiffusionPoint, settings: ConductivityOptions
) -> Posterior:
    """Return the conductivity in S/m for samples of the diffusion coefficient in m²/s."""
    from aiida_seimlip.science.analysis.conductivity import carrier_density, nernst_einstein
    from aiida_seimlip.science.analysis.posterior import Posterior

    density = carrier_density(n_carriers, point.volume or 0.0)
    return Posterior(np.asarray(nernst_einstein(coefficients, density, settings.charge, point.temperature)))


def _count(point: DiffusionPoint, settings: ConductivityOptions) -> int:
    """Return the number of carriers in the cell."""
    return settings.n_defects if settings.n_defects is not None else point.n_ions or 0


def _describe(point: DiffusionPoint, found: Found, settings: ConductivityOptions) -> ConductivityPoint:
    from aiida_seimlip.science.analysis.conductivity import carrier_density

    n_carriers = _count(point, settings)
    same = ('temperature', 'D', 'D_interval', 'volume', 'is_diffusive', 'used_in_fit', 'share_above_threshold',
            'highest_grade', 'expected_force_error')  # fmt: skip
    values: dict[str, Any] = {name: getattr(point, name) for name in same}
    values |= _in_both_units('sigma', found.sigma) | _in_both_units('collective_sigma', found.collective)
    if found.haven is not None:
        values |= {'haven_ratio': found.haven.median, 'haven_ratio_interval': found.haven.interval}
    if point.volume is not None and n_carriers:
        values |= {'carrier_density': carrier_density(n_carriers, point.volume), 'n_carriers': n_carriers}
    return ConductivityPoint(flags=[*point.flags, *found.flags], **values)


def _in_both_units(name: str, quantity: Posterior | None) -> dict[str, Any]:
    """Return the mean and the interval in S/m and S/cm, by field."""
    if quantity is None:
        return {}
    from aiida_seimlip.science.analysis.conductivity import S_PER_M_TO_S_PER_CM

    converted = quantity * S_PER_M_TO_S_PER_CM
    return {
        name: quantity.mean, f'{name}_interval': quantity.interval, f'{name}_s_per_cm': converted.mean,
        f'{name}_interval_s_per_cm': converted.interval,
    }  # fmt: skip


# -- all temperatures -------------------------------------------------------------------------------------------------


def _extrapolate(
    results: DiffusivityResults, posterior: orm.ArrayData, settings: ConductivityOptions
) -> ConductivityExtrapolation | None:
    """Return the conductivity at the temperature that the diffusivity was asked for."""
    from aiida_seimlip.science.analysis.arrhenius import BOLTZMANN_EV
    from aiida_seimlip.science.analysis.conductivity import S_PER_M_TO_S_PER_CM, carrier_density, nernst_einstein
    from aiida_seimlip.science.analysis.posterior import Posterior

    used = [point for point in results.points if point.used_in_fit and point.volume is not None]
    if results.extrapolation is None or ARRHENIUS not in posterior.get_arraynames() or not used:
        return None
    temperature, coldest = results.extrapolation.temperature, used[0]
    logarithms, energies = posterior.get_array(ARRHENIUS).T
    coefficients = np.exp(logarithms - energies / (BOLTZMANN_EV * temperature))
    density = carrier_density(_count(coldest, settings), coldest.volume or 0.0)
    sigma = Posterior(np.asarray(nernst_einstein(coefficients, density, settings.charge, temperature)))
    converted = sigma * S_PER_M_TO_S_PER_CM
    return ConductivityExtrapolation(
        temperature=temperature, sigma=sigma.median, interval=sigma.interval, sigma_s_per_cm=converted.median,
        interval_s_per_cm=converted.interval, carrier_density=density,
        is_extrapolated=results.extrapolation.is_extrapolated,
    )  # fmt: skip


def _explain(results: DiffusivityResults, settings: ConductivityOptions) -> str:
    """Say how the carriers were counted."""
    ions = ' and '.join(results.mobile)
    if settings.n_defects is None:
        return f'Every {ions} in the cell is a carrier, with the mean volume of each temperature.'
    return (
        f'{settings.n_defects} defect(s) in the cell are the carriers, with the mean volume of each temperature; the '
        f'diffusion coefficient is the mean of all {ions}.'
    )
