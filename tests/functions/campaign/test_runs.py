"""Jobs of one exploration are joined."""

import pytest
from aiida import orm

from aiida_seimlip.functions.campaign.runs import merge_runs

CELL = {
    'start_volume': 100.0, 'start_angle': 90.0, 'start_height': 4.6, 'smallest_volume': 98.0, 'largest_volume': 120.0,
    'sharpest_angle': 85.0, 'smallest_height': 4.5, 'cutoff': 5.0,
}  # fmt: skip


def job(velocities='keep', **cell):
    results = {'outcome': 'completed', 'n_steps': 10, 'highest_grade': None}
    results['cell'] = {**CELL, **cell} if cell else None
    parameters = {'temperature': 300.0, 'timestep': 1.0, 'n_steps': 20, 'velocities': velocities}
    return {'parameters': orm.Dict(parameters).store(), 'results': orm.Dict(results).store()}


def merge(*jobs):
    named = {f'job_{number:02d}': one for number, one in enumerate(jobs)}
    return merge_runs(orm.Dict({'temperature': 300.0, 'timestep': 1.0, 'n_steps': 20}), **named)['results']


@pytest.mark.usefixtures('aiida_profile')
def test_cell_of_all_jobs_since_the_last_start_counts():
    crashed = job('create', largest_volume=900.0)
    first = job('create', largest_volume=120.0)
    second = job(start_volume=118.0, largest_volume=150.0, sharpest_angle=76.0)
    expected = {**CELL, 'largest_volume': 150.0, 'sharpest_angle': 76.0}
    assert merge(crashed, first, second)['cell'] == expected


@pytest.mark.usefixtures('aiida_profile')
def test_cell_that_nobody_looked_at_stays_unknown():
    assert merge(job('create', largest_volume=120.0), job())['cell'] is None
