"""What is flagged at one temperature, and how faults are weighed against one another."""

import dataclasses

import numpy as np
import pytest
from ase.build import bulk, fcc111

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.run_verdict import EXIT_CODES
from aiida_seimlip.functions.transport.diffusivity import warn_about_vacuum
from aiida_seimlip.functions.transport.points import Run, combine_runs
from aiida_seimlip.functions.transport.verdict import judge
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions
from aiida_seimlip.options.transport.results import ArrheniusRecord, DiffusionPoint, DiffusivityResults, ReplicaRecord
from aiida_seimlip.workflows.transport.diffusivity import DiffusivityWorkChain
from tests.workflows.transport.walks import lattice_walk

OPTIONS = DiffusivityOptions(
    seed=1, temperatures=[600.0], dynamics={'production_steps': 1000, 'track_every': 10, 'dump_every': 100}
)


def replica(**changes):
    values = {'key': 'T0600_r0', 'seed': 1, 'outcome': 'completed', **changes}
    return ReplicaRecord(**values)


def point_of(track, units=None, **changes):
    return combine_runs(600.0, [Run(replica(**changes), track)], 8, OPTIONS, units or {}).point


def test_cell_that_grows_is_flagged():
    track = lattice_walk(1e-9, n_frames=60)
    assert not point_of(track).flags
    growing = track.cells * np.linspace(1.0, 1.02, 60)[:, None, None]
    point = point_of(dataclasses.replace(track, cells=growing))
    assert point.flags == ['not equilibrated: the volume of T0600_r0 changes by +4.1%']


def test_units_that_break_are_flagged():
    unit = {'n_start': 8, 'n_lowest': 7, 'mean': 7.9, 'n_frames': 10, 'share_complete': 0.9}
    point = point_of(None, {'T0600': {'CO3': unit}})
    assert point.flags == [
        'CO3 units break: 7 of 8 are intact in the worst frame, and fewer than at the start in 10 % of the frames'
    ]
    assert not point_of(None, {'T0600': {'CO3': {**unit, 'n_lowest': 8, 'share_complete': 1.0}}}).flags


def test_grades_of_all_runs_count():
    runs = [
        Run(replica(n_graded=10, share_above_threshold=0.2, highest_grade=12.0)),
        Run(replica(n_graded=30, share_above_threshold=0.0, highest_grade=2.0)), Run(replica()),
    ]  # fmt: skip
    point = combine_runs(600.0, runs, 8, OPTIONS, {}).point
    assert (point.n_graded, point.share_above_threshold, point.highest_grade) == (40, 0.05, 12.0)


def test_shares_out_of_domain_are_percentages():
    for share, words in ((1.0, 'all frames of T0600_r0 (100 %)'), (0.25, '25 % of the frames of T0600_r0')):
        flags = point_of(None, n_graded=10, share_above_threshold=share, highest_grade=540.0)
        assert flags.flags == [f'out of domain: {words} have a grade above 10']


FIT = ArrheniusRecord(D0=1e-7, D0_interval=(0.9e-7, 1.1e-7), Ea=0.25, Ea_interval=(0.2, 0.3), n_points=2)


@pytest.mark.parametrize(
    ('outside', 'crashed', 'still', 'fit', 'label'),
    [
        (True, True, True, None, 'ERROR_OUT_OF_DOMAIN'),
        (False, True, True, None, 'ERROR_RUNS_FAILED'),
        (False, False, True, None, 'ERROR_NO_DIFFUSION'),
        (False, False, False, None, 'ERROR_TOO_FEW_TEMPERATURES'),
        (False, False, False, FIT, None),
    ],
)
def test_gravest_fault_is_told(outside, crashed, still, fit, label):
    share = 0.5 if outside else 0.0
    record = replica(outcome='crashed' if crashed else 'completed', share_above_threshold=share, highest_grade=20.0)
    results = DiffusivityResults(
        mobile=['Li'], ensemble='nvt', seed=1, threshold=10.0, max_share_above=0.01, arrhenius=fit,
        points=[DiffusionPoint(temperature=600.0, is_diffusive=not still, replicas=[record])],
    )  # fmt: skip
    verdict = judge(results)
    assert (None if verdict is None else verdict.label) == label
    if outside:
        assert 'more than 1 % of the frames' in verdict.message
        assert 'T0600_r0 (50 % of the frames, up to 20)' in verdict.message
    if verdict is not None:
        exit_code = DiffusivityWorkChain.exit_codes[verdict.label].format(**verdict.details)
        assert exit_code.message == verdict.message
        assert '{' not in verdict.message


def test_exit_codes_are_those_of_the_workflow():
    assert {label: DiffusivityWorkChain.exit_codes[label].status for label in EXIT_CODES} == {
        label: status for label, (status, _) in EXIT_CODES.items()
    }


def test_cell_that_went_far_is_flagged():
    cell = {
        'start_volume': 1000.0, 'start_angle': 90.0, 'start_height': 18.0, 'smallest_volume': 990.0,
        'largest_volume': 1010.0, 'sharpest_angle': 76.0, 'smallest_height': 9.5, 'cutoff': 5.0,
    }  # fmt: skip
    assert point_of(None, cell=cell).flags == [
        'the cell of T0600_r0 tilted to an angle of 76°, and became 9.50 Å thin, less than twice the cut-off of 5 Å'
    ]
    assert point_of(None, cell={**cell, 'sharpest_angle': 89.0, 'smallest_height': 17.0}).flags == []


@pytest.mark.parametrize(('ensemble', 'is_warned'), [('nvt', False), ('npt_iso', True), ('npt_tri', True)])
def test_vacuum_in_a_free_cell_is_warned_of(ensemble, is_warned):
    slab = fcc111('Cu', (2, 2, 3), vacuum=6.0, periodic=True)
    dynamics = {**OPTIONS.dynamics.to_dict(), 'ensemble': ensemble}
    settings = DiffusivityOptions(seed=1, temperatures=[600.0], dynamics=dynamics)
    found = warn_about_vacuum(FramesData.from_atoms([slab]), settings)
    assert bool(found) is is_warned
    assert not is_warned or 'a vacuum of 12.0 Å along c' in found[0]
    assert warn_about_vacuum(FramesData.from_atoms([bulk('Cu', cubic=True)]), settings) == []
