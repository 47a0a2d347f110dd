"""Reports on models side by side: what is in the nodes is on the page and in the tables."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.options.comparison.results import CompareResults
from aiida_seimlip.report.pages import page_of, tables_of
from aiida_seimlip.report.sections import render_page
from tests.report.nodes import store_workchain


def value(number, error=None, **limits):
    return {'value': number, 'error': error, **limits}


def difference(better, number=-0.2):
    return {'one': 'mtp', 'other': 'mace', 'difference': number, 'low': number - 0.1, 'high': number + 0.1,
            'better': better}  # fmt: skip


@pytest.fixture
def compared():
    """Return a `ComparisonWorkChain` of two made-up models."""
    profile = {'forward': 0.3, 'backward': 0.2, 'reaction_energy': 0.1, 'fmax': 0.4, 'n_images': 5, 'saddle_index': 2,
               'saddle_coordinate': 1.0, 'resolution_mev': 1.0}  # fmt: skip
    force = [value(0.0631, low=0.06, high=0.07), value(0.0412, low=0.04, high=0.05)]
    speed = [value(12.5, 0.5), value(1.25, 0.1)]
    quantities = [
        {'key': 'force_rmse', 'name': 'force RMSE', 'unit': 'eV/Å', 'part': 'errors', 'goal': 'lowest',
         'values': dict(zip(('mtp', 'mace'), force, strict=True)), 'differences': [difference('mace', 0.2)],
         'best': 'mace'},
        {'key': 'energy_rmse', 'name': 'energy RMSE', 'unit': 'meV/atom', 'part': 'errors', 'goal': 'lowest',
         'values': {'mtp': value(2.7), 'mace': value(2.71)}, 'differences': [difference(None, 0.01)]},
        {'key': 'a', 'name': 'a', 'unit': 'Å', 'part': 'crystals', 'of': 'Li2CO3', 'goal': 'reference',
         'reference': value(8.36), 'values': {'mtp': value(8.41)}},
        {'key': 'ns_per_day', 'name': 'simulated time', 'unit': 'ns/day', 'part': 'speed', 'goal': 'highest',
         'values': dict(zip(('mtp', 'mace'), speed, strict=True)), 'differences': [difference('mtp', 11.0)],
         'best': 'mtp'},
    ]  # fmt: skip
    results = CompareResults(
        methods={'mtp': 'MTP of level 10', 'mace': 'MACE'}, error_reference='labels', confidence=0.95,
        quantities=quantities,
        speeds={name: {'engine': 'ase', 'code': f'python-{name}@here', 'n_atoms': 48, 'n_runs': 3,
                       'seconds_per_step': seconds} for name, seconds in (('mtp', 0.004), ('mace', 0.04))},
        costs=[{'model': name, 'force_rmse_ev_per_angstrom': error, 'ns_per_day': rate}
               for name, error, rate in zip(('mtp', 'mace'), force, speed, strict=True)],
        paths={'hop': {'n_images': 5, 'potentials': {'mtp': profile, 'mace': profile}}},
        missing={'crystals': 'mace did not converge'}, doubts=['With fewer than 20 frames the intervals are narrow.'],
    )  # fmt: skip
    profiles = orm.ArrayData()
    profiles.set_array('coordinate', np.linspace(0.0, 2.0, 5))
    profiles.set_array('spline_coordinate', np.linspace(0.0, 2.0, 9))
    for name in ('mtp', 'mace'):
        profiles.set_array(f'{name}_energies', np.sin(np.linspace(0.0, np.pi, 5)))
        profiles.set_array(f'{name}_spline_energy', np.sin(np.linspace(0.0, np.pi, 9)))
    rdf, r = orm.ArrayData(), np.linspace(0.1, 6.0, 60)
    for name in ('mtp', 'mace', 'reference'):
        for quantity in ('r', 'g', 'g_error', 'coordination', 'coordination_error'):
            rdf.set_array(f'{name}_Li_O_{quantity}', r if quantity == 'r' else np.ones(60))
        rdf.base.attributes.set(name, {'pairs': [{'key': 'Li_O', 'centre': 'Li', 'neighbour': 'O', 'shell': None}]})
    outputs = {'comparison': orm.Dict(results.model_dump(mode='json')), 'profiles__hop': profiles, 'rdf': rdf}
    return store_workchain(
        'ComparisonWorkChain', 'seimlip.compare', {}, outputs, status=401, message='of the crystals not all'
    )


def rows_of(node, name):
    (table,) = [table for table in tables_of(node) if table.name == name]
    return list(csv.DictReader(io.StringIO(table.to_csv())))


def test_models_are_columns_and_quantities_rows(compared):
    rows = {row['quantity']: row for row in rows_of(compared, 'comparison')}
    assert len(rows) == 4
    assert (rows['force RMSE']['mtp'], rows['force RMSE']['mace'], rows['force RMSE']['best']) == (
        '0.0631', '0.0412', 'mace',
    )  # fmt: skip
    assert rows['energy RMSE']['best'] == '', 'nobody is best beyond chance'
    assert (rows['a']['of'], rows['a']['reference'], rows['a']['mace']) == ('Li2CO3', '8.36', '')
    assert rows['simulated time']['mtp_std'] == '0.5'
    differences = {row['quantity']: row for row in rows_of(compared, 'differences')}
    assert differences['force RMSE']['better'] == 'mace'
    assert float(differences['simulated time']['interval_low']) == pytest.approx(10.9)
    speeds = {row['model']: row for row in rows_of(compared, 'speeds')}
    assert float(speeds['mtp']['milliseconds_per_step']) == pytest.approx(4.0)
    assert r'\toprule' in next(table for table in tables_of(compared) if table.name == 'comparison').to_latex()


def test_page(compared):
    page = render_page(page_of([compared]))
    assert page.count('<strong>0.0412</strong>') == 1, 'the best stands out'
    assert '<strong>0.0631</strong>' not in page
    assert page.count('<svg') == 3, 'barriers, structure, cost'
    for text in (
        'Models side by side',
        'Li–O',
        'ns/day',
        'mace did not converge',
        'fewer than 20 frames',
        'MTP of level',
    ):
        assert text in page, text


def test_of_one_that_failed_there_is_what_there_is():
    node = store_workchain('ComparisonWorkChain', 'seimlip.compare', {}, {}, status=310, message='nothing was found')
    assert 'nothing was found' in render_page(page_of([node]))
    assert tables_of(node) == []
