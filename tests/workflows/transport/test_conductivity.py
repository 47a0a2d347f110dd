"""Conductivities: how carriers are counted, what a diffusivity must bring, and how the work can end."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.data.track import store_track
from aiida_seimlip.options.transport.results import (
    ArrheniusRecord,
    ConductivityResults,
    DiffusionPoint,
    DiffusivityResults,
    ExtrapolationRecord,
    ReplicaRecord,
)
from aiida_seimlip.science.analysis.conductivity import nernst_einstein
from aiida_seimlip.workflows.transport.conductivity import ConductivityWorkChain
from tests.workflows.transport.walks import KB, arrhenius, diffusivity_inputs, lattice_walk

VOLUME = 298.0
TEMPERATURES = (600.0, 1000.0)


def results(*, message=None, is_diffusive=True):
    """Return a diffusivity of eight ions."""
    points = [
        DiffusionPoint(
            temperature=temperature, D=arrhenius(temperature), D_interval=(0.0, 1.0), volume=VOLUME, n_ions=8,
            is_diffusive=is_diffusive, used_in_fit=is_diffusive, share_above_threshold=0.0, highest_grade=1.5,
            replicas=[ReplicaRecord(key=f'T{temperature:04.0f}_r0', seed=1, outcome='completed', D=1e-9)],
        )
        for temperature in TEMPERATURES
    ]  # fmt: skip
    fit = ArrheniusRecord(D0=1e-7, D0_interval=(0.9e-7, 1.1e-7), Ea=0.25, Ea_interval=(0.2, 0.3), n_points=2)
    guess = ExtrapolationRecord(temperature=300.0, D=arrhenius(300.0), interval=(0.0, 1.0), is_extrapolated=True)
    found = DiffusivityResults(
        mobile=['Ne'], ensemble='nvt', seed=1, points=points, arrhenius=fit, extrapolation=guess, message=message
    )
    return orm.Dict(found.model_dump(mode='json'))


def with_cell(volume, n_ions):
    """Return a diffusivity in a cell of another size."""
    content = results().get_dict()
    for point in content['points']:
        point.update(volume=volume, n_ions=n_ions)
    return orm.Dict(content)


def posterior():
    node = orm.ArrayData()
    for temperature in TEMPERATURES:
        rng = np.random.default_rng(int(temperature))
        node.set_array(f'T{temperature:04.0f}_D', arrhenius(temperature) * np.exp(rng.normal(scale=0.1, size=2000)))
    samples = np.column_stack([np.full(2000, np.log(1e-7)), np.random.default_rng(0).normal(0.25, 0.01, size=2000)])
    node.set_array('arrhenius', samples)
    return node


def tracks():
    walks = {f'T{t:04.0f}_r0': lattice_walk(arrhenius(t), seed=int(t), n_frames=1000) for t in TEMPERATURES}
    return {key: store_track(walk) for key, walk in walks.items()}


@pytest.fixture
def run():
    """Return a function that goes through the steps upon a finished diffusivity: ``run(options, **finished)``."""

    def go(options=None, **finished):
        inputs = {'diffusivity': results(), 'posterior': posterior(), **finished}
        process = instantiate_process(
            get_manager().get_runner(), ConductivityWorkChain, options=options or {}, finished=inputs
        )
        process.setup()
        assert not process.should_run_diffusivity()
        process.analyse()
        exit_code = process.results()
        return process, exit_code, ConductivityResults.model_validate(process.outputs['conductivity'].get_dict())

    return go


def test_independent_ions_conduct_as_nernst_and_einstein_say(run):
    process, exit_code, found = run(tracks=tracks())
    assert exit_code is None
    for point in found.points:
        density = 8 / (VOLUME * 1e-30)
        assert point.carrier_density == pytest.approx(density)
        expected = nernst_einstein(arrhenius(point.temperature), density, 1.0, point.temperature)
        assert point.sigma == pytest.approx(expected, rel=0.02)
        low, high = point.sigma_interval
        assert low < expected < high
        assert point.sigma_interval_s_per_cm == pytest.approx((0.01 * low, 0.01 * high))
        assert point.collective_sigma_s_per_cm == pytest.approx(0.01 * point.collective_sigma)
        low, high = point.haven_ratio_interval  # of ions that know nothing of one another
        assert low < 1.0 < high
        assert (point.share_above_threshold, point.highest_grade) == (0.0, 1.5)
    names = {'sigma', 'collective_sigma', 'haven_ratio'}
    assert {f'T0600_{name}' for name in names} <= set(process.outputs['posterior'].get_arraynames())


def test_extrapolation_is_labelled(run):
    _, _, found = run()
    guess = found.extrapolation
    expected = nernst_einstein(arrhenius(300.0), 8 / (VOLUME * 1e-30), 1.0, 300.0)
    assert guess.sigma == pytest.approx(expected, rel=0.05)
    width = 1.96 * 0.01 / (KB * 300.0)
    assert guess.interval == pytest.approx((expected * np.exp(-width), expected * np.exp(width)), rel=0.1)
    assert guess.is_extrapolated


@pytest.mark.parametrize(('n_cells', 'density'), [(60, 7.1e25), (144, 2.98e25)])
def test_densities_of_single_defects_in_the_paper(run, li2co3, n_cells, density):
    """One interstitial in 1440 and in 3456 atoms of Li2CO3, with the volume of the crystal as it is measured."""
    options = {'carriers': 'defects', 'n_defects': 1, 'collective': False}
    _, _, found = run(options, diffusivity=with_cell(n_cells * li2co3.get_volume(), 16 * n_cells))
    assert found.points[0].carrier_density == pytest.approx(density, rel=0.01)
    assert 'defect' in found.counted_as


def test_density_of_all_ions_in_the_paper(run):
    """In its cell of Li2EDC one carrier makes 3.50e25 and all 336 lithium ions 1.18e28 per m³."""
    _, _, found = run({'collective': False}, diffusivity=with_cell(1e30 / 3.50e25, 336))
    assert found.points[0].carrier_density == pytest.approx(1.18e28, rel=0.01)
    assert 'Every Ne in the cell is a carrier' in found.counted_as


def test_charge_counts_squared(run):
    one, two = (run({'charge': charge, 'collective': False})[2] for charge in (1.0, 2.0))
    assert two.points[0].sigma == pytest.approx(4.0 * one.points[0].sigma)


def test_still_ions_have_no_collective_conductivity(run):
    still = lattice_walk(0.0)
    still = type(still)(**{**vars(still), 'positions': np.zeros_like(still.positions)})
    _, exit_code, found = run(tracks={'T0600_r0': store_track(still)})
    assert exit_code is None
    assert found.points[0].collective_sigma is None
    assert any('no collective conductivity' in flag for flag in found.points[0].flags)


def test_error_diffusivity_doubtful(run):
    _, exit_code, found = run(diffusivity=results(message='In 1 of 2 runs the grade was too high.'))
    assert exit_code.status == ConductivityWorkChain.exit_codes.ERROR_DIFFUSIVITY_DOUBTFUL.status
    assert 'the grade was too high' in exit_code.message
    assert found.points[0].sigma is not None


def test_error_no_conductivity(run):
    _, exit_code, _ = run(posterior=orm.ArrayData())
    assert exit_code.status == ConductivityWorkChain.exit_codes.ERROR_NO_CONDUCTIVITY.status


@pytest.fixture
def inner(code, structure_li2co3, potential_trained):
    """Return the inputs of a diffusivity to be run."""
    dynamics = {'production_steps': 1000, 'track_every': 10, 'dump_every': 100}
    return {
        'structure': structure_li2co3, 'potential': potential_trained, 'dynamics': {'code': code('seimlip.lammps')},
        'options': {'seed': 1, 'temperatures': [600.0], 'dynamics': dynamics},
    }  # fmt: skip


def test_error_diffusivity_failed(inner, finished):
    process = instantiate_process(get_manager().get_runner(), ConductivityWorkChain, diffusivity=inner)
    process.setup()
    assert process.should_run_diffusivity()
    process.ctx.process = finished(320, 'No run gave a track')
    exit_code = process.inspect_diffusivity()
    assert exit_code.status == process.exit_codes.ERROR_DIFFUSIVITY_FAILED.status
    assert 'No run gave a track' in exit_code.message


def test_diffusivity_that_it_has_run_is_used_and_attached(inner, finished):
    process = instantiate_process(get_manager().get_runner(), ConductivityWorkChain, diffusivity=inner)
    process.setup()
    message = 'There is no activation energy.'
    ended = finished(421, message, diffusivity=results(message=message), posterior=posterior())
    process.ctx.process = ended
    assert process.inspect_diffusivity() is None
    process.analyse()
    assert process.results().status == process.exit_codes.ERROR_DIFFUSIVITY_DOUBTFUL.status
    assert process.outputs['diffusivity']['posterior'].uuid == ended.outputs.posterior.uuid


def test_one_diffusivity_is_needed(inner):
    given = {'diffusivity': results(), 'posterior': posterior()}
    for inputs, message in (
        ({}, 'neither is given'),
        ({'diffusivity': inner, 'finished': given}, 'both are given'),
        ({'finished': {'diffusivity': results()}}, r'`finished\.posterior` is missing'),
        ({'finished': {**given, 'diffusivity': orm.Dict({'colour': 'red'})}}, r'is not the output of'),
    ):
        with pytest.raises(ValueError, match=message):
            instantiate_process(get_manager().get_runner(), ConductivityWorkChain, **inputs)


def test_starts_that_cannot_move_are_refused(code, potential, unusable_start):
    start, words = unusable_start
    inputs = {**diffusivity_inputs(code('seimlip.lammps'), potential), 'structure': start}
    with pytest.raises(ValueError, match=words):
        instantiate_process(get_manager().get_runner(), ConductivityWorkChain, diffusivity=inputs, options={})
