"""The figures, looked at as XML."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from aiida_seimlip.report.campaign import plots

NAN = float('nan')


def texts(svg):
    """Return all texts of a figure."""
    return [''.join(element.itertext()) for element in ET.fromstring(svg).iter('{http://www.w3.org/2000/svg}text')]


@pytest.fixture(scope='module')
def figures(campaign):
    """Return every kind of figure."""
    curve = plots.Curve('training', [10, 20], [3.0, 4.0], [0.1, 0.2], [NAN, NAN])
    tiles = [plots.Tile(e.name, e.iteration, e.outcome, e.survival, e.highest_grade) for e in campaign.explorations]
    clouds = [plots.Cloud(p.name, p.energies, p.forces, p.stresses) for p in campaign.parities]
    intervals = [(item.stage, item.start, item.stop) for item in campaign.intervals]
    return {
        'learning': plots.learning_curves([curve]),
        'survival': plots.survival_tiles(tiles),
        'grades': plots.grade_distribution(campaign.grades, campaign.thresholds),
        'parity': plots.parity(clouds),
        'time': plots.time_line(intervals, campaign.seconds_by_stage, campaign.wall_seconds),
    }


def test_figures_are_xml_without_links(figures):
    for svg in figures.values():
        ET.fromstring(svg)
        addresses = re.findall(r'(?:href|src)="([^"#][^"]{0,20})', svg)
        assert all(address.startswith('data:image/png') for address in addresses)


def test_ids_are_unique_on_a_page(figures):
    ids = [name for svg in figures.values() for name in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))


def test_references_point_to_something(figures):
    for svg in figures.values():
        ids = set(re.findall(r'\bid="([^"]+)"', svg))
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= ids


def test_figures_are_the_same_every_time(campaign):
    one, two = (plots.grade_distribution(campaign.grades, campaign.thresholds) for _ in range(2))
    assert one == two


def test_axes_have_units(figures):
    assert {'Energy (meV/atom)', 'Force (eV/Å)', 'Stress (GPa)'} <= set(texts(figures['learning']))
    assert {'reference (eV/atom)', 'reference (eV/Å)', 'reference (GPa)'} <= set(texts(figures['parity']))
    assert 'minutes since the beginning' in texts(figures['time'])
    assert 'extrapolation grade γ' in texts(figures['grades'])


def test_tiles_tell_grade_and_survivors(figures):
    found = texts(figures['survival'])
    assert '× 8\u202f000' in found
    assert '6 of 6' in found
    assert 'strained · 900 K' in found


def test_learning_curve_of_one_point():
    assert '4.20' in texts(plots.learning_curves([plots.Curve('held-out', [10], [4.2], [0.1], [NAN])]))


def test_learning_curves_without_stresses():
    """What is unknown is not drawn, least of all as 0."""
    drawn = texts(plots.learning_curves([plots.Curve('training', [10, 20], [4.2, 3.1], [0.1, 0.2], [NAN, NAN])]))
    assert 'no values' in drawn
    some = texts(plots.learning_curves([plots.Curve('training', [10, 20], [4.2, 3.1], [0.1, 0.2], [NAN, 0.5])]))
    assert 'no values' not in some


def test_parity_without_stresses():
    cloud = plots.Cloud('training', np.ones((2, 1)), np.zeros((2, 3)), np.empty((2, 0)))
    assert 'no values' in texts(plots.parity([cloud]))


def test_large_clouds_are_pixels(campaign, figures):
    assert figures['parity'].count('<use') < 2000
    assert len(figures['parity']) < 600_000


def test_unknown_stage_is_drawn():
    assert 'other' in texts(plots.time_line([('other', 0, 5)], {'other': 5.0}, 10.0))


def test_survivor_that_saved_nothing_stayed_below_the_threshold():
    tile = plots.Tile('a', 1, 'completed', 1.0, NAN)
    assert '< 2' in texts(plots.survival_tiles([tile], 2.0))
    assert '< 2' not in texts(plots.survival_tiles([tile]))


def test_postponed_explorations_count_among_all():
    tiles = [plots.Tile('a', 1, 'completed', 1.0, 3.0), *(plots.Tile(row, 2, 'completed', 1.0, 3.0) for row in 'ab')]
    assert {'1 of 2', '2 of 2'} <= set(texts(plots.survival_tiles(tiles)))
