from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.options.structure.defects import (
    KNOWN_BY,
    FrenkelPairOptions,
    HopOptions,
    InterstitialOptions,
    SupercellOptions,
    VacancyOptions,
)


def test_supercell(li2co3):
    np.testing.assert_array_equal(SupercellOptions().matrix_for(li2co3), np.eye(3))
    np.testing.assert_array_equal(SupercellOptions(matrix=[1, 2, 2]).matrix_for(li2co3), np.diag([1, 2, 2]))
    np.testing.assert_array_equal(SupercellOptions(smallest_edge=9.0).matrix_for(li2co3), np.diag([2, 2, 2]))


@pytest.mark.parametrize(
    ('model', 'content', 'message'),
    [
        (SupercellOptions, {'matrix': [1, 2, 2], 'smallest_edge': 9.0}, 'either `matrix` or `smallest_edge`'),
        (SupercellOptions, {'matrix': [1, 2]}, 'matrix'),
        (VacancyOptions, {'site': -1}, '`site` is -1'),
        (VacancyOptions, {'position': [0, 0, 0]}, '`position` is not a known option'),
        (InterstitialOptions, {'position': [0, 0]}, 'position'),
        (FrenkelPairOptions, {'separation': 0.0}, '`separation` is 0.0'),
        (HopOptions, {}, '`mechanism` is missing'),
        (HopOptions, {'mechanism': 'vacancy', 'site': 0}, '`site` has no effect on the mechanism `vacancy`'),
        (HopOptions, {'mechanism': 'interstitial_direct', 'direction': [0, 1, 0]}, '`direction` has no effect'),
    ],
)
def test_wrong_options(model, content, message):
    assert message in model.explain(content, 'parameters')


@pytest.mark.parametrize('mechanism', list(KNOWN_BY))
def test_the_finders_know_the_settings(mechanism):
    import inspect

    from aiida_seimlip.science.structures import hops

    known = set(inspect.signature(getattr(hops, mechanism)).parameters)
    assert KNOWN_BY[mechanism] == known - {'atoms', 'symbol', 'symprec'}
