"""Made-up results of transport, consistent in themselves: Arrhenius with known D0 and Ea, MSD that belong to them."""

from __future__ import annotations

import numpy as np
from aiida import orm

from aiida_seimlip.options.transport.results import (
    ArrheniusRecord,
    ConductivityExtrapolation,
    ConductivityPoint,
    ConductivityResults,
    DiffusionPoint,
    DiffusivityResults,
    ExtrapolationRecord,
    ReplicaRecord,
    UnitRecord,
    temperature_key,
)
from aiida_seimlip.report.transport.conductivity import BOLTZMANN, ELEMENTARY_CHARGE
from aiida_seimlip.report.transport.diffusivity import BOLTZMANN_EV
from tests.report.nodes import store_workchain

D0, EA = 2.4e-7, 0.42
TEMPERATURES = (450.0, 600.0, 700.0, 800.0, 900.0)
REASON = 'the ions hopped 3 times only'


def diffusion_coefficient(temperature):
    """Return D in m²/s of an Arrhenius law."""
    return D0 * np.exp(-EA / (BOLTZMANN_EV * temperature))


def make_point(temperature, rng, *, is_used=True):
    """Return the record of a temperature, 8 % off the law at most."""
    D = diffusion_coefficient(temperature) * rng.normal(1.0, 0.06)
    std = (0.08 if is_used else 0.7) * D
    axes = D * np.array([1.3, 0.9, 0.8])
    replicas = [
        ReplicaRecord(
            key=temperature_key(temperature, number), seed=int(rng.integers(1e6)), D=D * factor, D_std=1.4 * std,
            outcome='completed', n_steps=400_000, n_steps_asked=400_000, n_jobs=1,
            mean_temperature=temperature + 1.3, mean_pressure=210.0, volume=1935.4, duration_ps=200.0, n_hops=160,
            n_graded=80, share_above_threshold=0.0125 if temperature > 850 else 0.0,
            highest_grade=2 + temperature / 200,
        ) for number, factor in enumerate((0.96, 1.04))
    ]  # fmt: skip
    return DiffusionPoint(
        temperature=temperature, mean_temperature=temperature + 1.3, D=D, D_std=std,
        D_interval=(max(D - 1.96 * std, 0.02 * D), D + 1.96 * std), D_per_axis=tuple(axes),
        D_per_axis_std=tuple(1.7 * std * axes / D), replicas=replicas, replica_scatter=0.06 * D, scatter_factor=1.0,
        is_diffusive=is_used, used_in_fit=is_used, flags=[] if is_used else [REASON],
        n_hops=320 if is_used else 3, n_moving=48 if is_used else 2, log_slope=0.98 if is_used else 0.41,
        log_slope_std=0.04, duration_ps=400.0, n_ions=63, n_atoms=191,
        volume=1935.4, cell_height=9.2, n_graded=160, share_above_threshold=replicas[0].share_above_threshold,
        highest_grade=replicas[0].highest_grade,
    )  # fmt: skip


def make_results(temperatures=TEMPERATURES):
    """Return results whose lowest temperature is not diffusive."""
    rng = np.random.default_rng(3)
    points = [make_point(t, rng, is_used=number > 0) for number, t in enumerate(temperatures)]
    aim = diffusion_coefficient(300.0)
    return DiffusivityResults(
        mobile=['Li'], ensemble='nvt', seed=1, engine='lammps', threshold=10.0, max_share_above=0.02, points=points,
        arrhenius=ArrheniusRecord(
            D0=D0, D0_interval=(1.1e-7, 5.2e-7), Ea=EA, Ea_std=0.021, Ea_interval=(0.379, 0.461),
            n_points=len(points) - 1, p_value=0.41, left_out=[temperatures[0]],
        ),
        extrapolation=ExtrapolationRecord(
            temperature=300.0, D=aim, interval=(aim / 2.4, aim * 2.6), is_extrapolated=True
        ),
        decomposition={
            point.key: {'CO3': UnitRecord(n_start=32, n_lowest=31 if point.temperature > 850 else 32, mean=31.98,
                                          n_frames=160, share_complete=0.98)}
            for point in points
        },
        warnings=['The potential was trained up to 900 K.'],
    )  # fmt: skip


def make_arrays(results, pairs=(('Li', 'O_carbonate'), ('Li', 'Li'))):
    """Return the nodes `msd`, `posterior` and `rdf` that belong to results."""
    rng = np.random.default_rng(4)
    msd, posterior, rdf = orm.ArrayData(), orm.ArrayData(), orm.ArrayData()
    lag = np.linspace(0, 60, 121)
    r = np.arange(0.02, 8.0, 0.04)
    for point in results.points:
        slope = 6e8 * point.D
        cage = 0.35 * point.temperature / 600 * (1 - np.exp(-lag / 0.3))
        curve = cage + (slope * lag if point.used_in_fit else slope * lag**0.4)
        msd.set_array(f'{point.key}_lag_ps', lag)
        msd.set_array(f'{point.key}_msd', curve * (1 + 0.02 * np.sin(lag / 7)))
        msd.set_array(f'{point.key}_msd_std', 0.01 * curve + 0.02 * slope * lag)
        posterior.set_array(f'{point.key}_D', rng.normal(point.D, point.D_std, 200))
        for pair, first, second, number in zip(pairs, (1.96, 2.95), (4.2, 4.9), (4.0, 6.0), strict=True):
            width = 0.12 * np.sqrt(point.temperature / 450)
            g = 1 / (1 + np.exp(-(r - second) / 0.25)) + 7 * np.exp(-(((r - first) / width) ** 2) / 2)
            running = number / (1 + np.exp(-(r - first) / (0.55 * width))) + 0.05 * np.maximum(r - second, 0) ** 3
            name = f'{point.key}_{"_".join(pair)}'
            for part, values in (('r', r), ('g', g), ('coordination', running)):
                rdf.set_array(f'{name}_{part}', values)
            rdf.set_array(f'{name}_g_error', 0.02 * g)
            rdf.set_array(f'{name}_coordination_error', 0.01 * running)
        known = [{'key': '_'.join(pair), 'centre': pair[0], 'neighbour': pair[1], 'shell': None} for pair in pairs]
        rdf.base.attributes.set(point.key, {'pairs': known, 'n_frames': 101, 'n_blocks': 5})
    cross = np.array([[0.0025, 0.00012], [0.00012, 0.0000075]]) * 60
    posterior.set_array('arrhenius', rng.multivariate_normal([np.log(D0), EA], cross, 400))
    return {'msd': msd, 'posterior': posterior, 'rdf': rdf}


def results_node(results):
    """Return the output `diffusivity` of results."""
    return orm.Dict(results.model_dump(mode='json'))


def store_diffusivity(structure, results=None, **options):
    """Store a `DiffusivityWorkChain` with its outputs."""
    results = results or make_results()
    outputs = {'diffusivity': results_node(results), **make_arrays(results)}
    inputs = {'structure': structure}
    return store_workchain('DiffusivityWorkChain', 'seimlip.diffusivity', inputs, outputs, **options)


def make_conductivity(diffusivity, haven=0.62):
    """Return the conductivities that go with a diffusivity, all mobile ions counted.

    :param diffusivity: `DiffusivityResults`.
    :param haven: Haven ratio at all temperatures.
    """
    points = []
    for point in diffusivity.points:
        density = point.n_ions / (1e-30 * point.volume)
        factor = density * ELEMENTARY_CHARGE**2 / (BOLTZMANN * point.temperature)
        sigma, interval = factor * point.D, tuple(factor * end for end in point.D_interval)
        collective = tuple(end / haven for end in (sigma, 0.5 * interval[0], 1.4 * interval[1]))
        points.append(ConductivityPoint(
            temperature=point.temperature, D=point.D, D_interval=point.D_interval, sigma=sigma, sigma_interval=interval,
            sigma_s_per_cm=sigma / 100, sigma_interval_s_per_cm=tuple(end / 100 for end in interval),
            collective_sigma=collective[0], collective_sigma_interval=collective[1:],
            haven_ratio=haven, haven_ratio_interval=(0.5 * haven, 1.7 * haven), carrier_density=density,
            n_carriers=point.n_ions, volume=point.volume, is_diffusive=point.is_diffusive,
            used_in_fit=point.used_in_fit, share_above_threshold=point.share_above_threshold,
            highest_grade=point.highest_grade, flags=point.flags,
        ))  # fmt: skip
    aim = diffusivity.extrapolation
    factor = points[0].carrier_density * ELEMENTARY_CHARGE**2 / (BOLTZMANN * aim.temperature)
    sigma, interval = factor * aim.D, tuple(factor * end for end in aim.interval)
    return ConductivityResults(
        mobile=diffusivity.mobile, charge=1.0, carriers='all_mobile',
        counted_as='All 63 Li ions in the volume of the cell count as carriers', points=points,
        extrapolation=ConductivityExtrapolation(
            temperature=aim.temperature, sigma=sigma, interval=interval, sigma_s_per_cm=sigma / 100,
            interval_s_per_cm=tuple(end / 100 for end in interval), carrier_density=points[0].carrier_density,
            is_extrapolated=True,
        ),
    )  # fmt: skip


def store_conductivity(structure, results=None, **options):
    """Store a `ConductivityWorkChain` that rests on a `DiffusivityWorkChain` which has ended."""
    results = results or make_results()
    diffusivity = store_diffusivity(structure, results)
    inputs = {f'finished__{name}': diffusivity.outputs[name] for name in ('diffusivity', 'posterior')}
    inputs['options'] = orm.Dict({'charge': 1.0, 'carriers': 'all_mobile'})
    outputs = {'conductivity': orm.Dict(make_conductivity(results).model_dump(mode='json'))}
    return store_workchain('ConductivityWorkChain', 'seimlip.conductivity', inputs, outputs, **options)
