"""The history is gathered from nodes, as far as there are any."""

import datetime as dt

import pytest
from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.functions.campaign.history import build_history, record_iteration, union_seconds
from aiida_seimlip.functions.evaluation import read_errors
from aiida_seimlip.options.records import ErrorsRecord

OPTIONS = {'seed': 3, 'exploration': {'conditions': [{'temperature': 300.0, 'n_steps': 10}]}}
RUN = {
    'key': 'run_000', 'start': 'crystal', 'condition': 'nvt-300K', 'condition_index': 0, 'seed': 5,
    'temperature': 300.0, 'ensemble': 'nvt', 'pressure': None, 'n_steps_asked': 10,
}  # fmt: skip


def test_empty_campaign():
    history = build_history(orm.Dict(OPTIONS), orm.List(['Li']), {})
    assert (history.species, history.seed, history.converged, history.iterations) == (['Li'], 3, False, [])


def test_errors_of_mlp_become_root_mean_squares_per_component():
    report = {
        'energy_per_atom': {'count': 30, 'rms': 0.002}, 'force': {'count': 720, 'rms': 0.3},
        'stress_pressure': {'count': 30, 'rms': 0.6},
    }  # fmt: skip
    errors = read_errors(orm.Dict(report))
    assert errors.n_frames == 30
    assert errors.energy_mev_per_atom == pytest.approx(2.0)
    assert errors.force_ev_per_angstrom == pytest.approx(0.3 / 3**0.5)
    assert errors.stress_gpa == pytest.approx(0.2)


def test_unknown_errors_stay_unknown():
    errors = read_errors({'energy_per_atom': {'count': 3, 'rms': 0.002}, 'stress_pressure': {'count': 0, 'rms': None}})
    assert (errors.force_ev_per_angstrom, errors.stress_gpa) == (None, None)


def test_errors_of_nothing_are_unknown():
    """What nothing was compared for is no error of 0, which the nodes of earlier versions say."""
    found = read_errors({name: {'count': 0, 'rms': 0.0} for name in ('energy_per_atom', 'force', 'stress_pressure')})
    assert found.n_frames == 0
    assert (
        ErrorsRecord.model_validate({'n_frames': 5, 'energy_mev_per_atom': 2.0, 'stress_gpa': 0.0}).stress_gpa is None
    )
    assert (found.energy_mev_per_atom, found.force_ev_per_angstrom, found.stress_gpa) == (None, None, None)


def test_exploration_without_results_has_failed_and_others_are_postponed():
    plan = orm.Dict({'explorations': [RUN, {**RUN, 'key': 'run_001'}, {**RUN, 'key': 'run_002'}], 'warnings': []})
    results = {'run_000': orm.Dict({'outcome': 'broke', 'n_steps': 4, 'highest_grade': 12.0, 'n_candidates': 3})}
    found = {'plan': plan, 'results': results, 'failed': {'run_001': orm.Dict({})}}
    record = record_iteration('iteration_002', found, 30)
    assert (record.iteration, record.n_training) == (2, 30)
    assert [run.outcome for run in record.explorations] == ['broke', 'failed']
    assert (record.n_explorations, record.n_survivors, record.n_postponed) == (2, 0, 1)
    assert (record.highest_grade, record.n_candidates) == (12.0, 3)


def test_convergence_is_that_of_the_last_iteration():
    def iteration(outcome):
        results = orm.Dict({'outcome': outcome, 'n_steps': 10})
        return {'plan': orm.Dict({'explorations': [RUN]}), 'results': {'run_000': results}}

    nodes = {'iteration_001': iteration('completed'), 'iteration_002': iteration('broke')}
    nodes['review'] = orm.Dict({'warnings': ['small']})
    history = build_history(orm.Dict(OPTIONS), orm.List(['Li']), nodes)
    assert not history.converged
    assert history.warnings == ['small']
    nodes['iteration_003'] = iteration('completed')
    assert build_history(orm.Dict(OPTIONS), orm.List(['Li']), nodes).converged


def test_cells_that_went_far_in_the_last_explorations_are_told():
    cell = {
        'start_volume': 1000.0, 'start_angle': 90.0, 'start_height': 18.0, 'smallest_volume': 990.0,
        'largest_volume': 2100.0, 'sharpest_angle': 88.0, 'smallest_height': 18.0, 'cutoff': 5.0,
    }  # fmt: skip

    def iteration(**changes):
        results = orm.Dict({'outcome': 'completed', 'n_steps': 10, 'cell': {**cell, **changes}})
        return {'plan': orm.Dict({'explorations': [RUN]}), 'results': {'run_000': results}}

    nodes = {'iteration_001': iteration(sharpest_angle=60.0), 'iteration_002': iteration()}
    history = build_history(orm.Dict(OPTIONS), orm.List(['Li']), nodes)
    assert history.warnings == ['The cell of `crystal` at nvt-300K swelled to 2.10 times its volume.']
    assert history.iterations[0].explorations[0].cell.sharpest_angle == 60.0


@pytest.mark.parametrize(
    ('intervals', 'expected'),
    [([], 0.0), ([(0, 2), (1, 3)], 3.0), ([(0, 1), (5, 6)], 2.0), ([(0, 9), (2, 3)], 9.0), ([(4, 2)], 0.0)],
)
def test_jobs_side_by_side_count_once(intervals, expected):
    assert union_seconds(intervals) == expected


def test_seconds_are_those_of_the_jobs_behind_a_node(aiida_localhost):
    begin = dt.datetime(2025, 1, 1, 12, tzinfo=dt.UTC)
    job = orm.CalcJobNode(computer=aiida_localhost)
    job.store()
    failures = orm.Dict({})
    failures.base.links.add_incoming(job, LinkType.CREATE, 'failures')
    failures.store()
    record = record_iteration('iteration_000', {'failures': {'perturbed': failures}}, 0)
    assert record.seconds.keys() == {'label'}
    assert 0.0 <= record.seconds['label'] < (dt.datetime.now(tz=dt.UTC) - begin).total_seconds()
