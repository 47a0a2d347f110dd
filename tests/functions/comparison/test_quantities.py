"""Who is better, and whether that is more than chance."""

import numpy as np
import pytest
from aiida import orm
from scipy import stats

from aiida_seimlip.functions.comparison.compare import put_side_by_side
from aiida_seimlip.functions.comparison.crystals import crystal_quantities
from aiida_seimlip.functions.comparison.dynamics import speed_quantities
from aiida_seimlip.functions.comparison.quantities import make_quantity, with_interval
from aiida_seimlip.options.comparison.results import CompareResults, ValueRecord

FACTS = {'key': 'x', 'name': 'x', 'part': 'crystals'}


def values_of(**numbers):
    return {name: ValueRecord(value=value, error=error) for name, (value, error) in numbers.items()}


def test_distances_from_the_reference_with_their_errors():
    """Both on one side: the error of the reference cancels. On both sides: it counts twice."""
    reference = ValueRecord(value=10.0, error=0.3)
    same = make_quantity(
        values_of(one=(11.0, 0.1), other=(12.0, 0.2)), 'reference', confidence=0.95, reference=reference, **FACTS
    )
    (difference,) = same.differences
    assert difference.difference == pytest.approx(-1.0)
    assert difference.high - difference.difference == pytest.approx(1.959964 * np.hypot(0.1, 0.2), rel=1e-6)
    assert (difference.better, same.best) == ('one', 'one')
    both = make_quantity(
        values_of(one=(9.0, 0.1), other=(12.0, 0.2)), 'reference', confidence=0.95, reference=reference, **FACTS
    )
    (difference,) = both.differences
    width = 1.959964 * np.sqrt(0.1**2 + 0.2**2 + 0.6**2)
    assert (difference.low, difference.high) == pytest.approx((-1.0 - width, -1.0 + width), rel=1e-6)
    assert (difference.better, both.best) == (None, None)


def test_how_often_equal_models_are_told_apart():
    """Two numbers with the same expectation and known normal errors differ beyond 95 % in 5 % of the cases."""
    rng = np.random.default_rng(1)
    n_cases, told = 2000, 0
    for one, other in rng.normal(5.0, (0.3, 0.7), size=(n_cases, 2)):
        values = values_of(one=(one, 0.3), other=(other, 0.7))
        told += make_quantity(values, 'lowest', confidence=0.95, **FACTS).best is not None
    assert told / n_cases == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / n_cases))


def test_the_best_is_better_than_every_other():
    numbers = values_of(a=(1.0, 0.1), b=(1.1, 0.1), c=(3.0, 0.1))
    assert make_quantity(numbers, 'lowest', confidence=0.95, **FACTS).best is None, 'a and b are not told apart'
    numbers['b'] = ValueRecord(value=2.0, error=0.1)
    assert make_quantity(numbers, 'lowest', confidence=0.95, **FACTS).best == 'a'
    assert make_quantity(numbers, 'highest', confidence=0.95, **FACTS).best == 'c'
    assert make_quantity({'a': numbers['a']}, 'lowest', confidence=0.95, **FACTS).best is None, 'there is no other'
    unknown = make_quantity({**numbers, 'd': ValueRecord(value=0.0)}, 'lowest', confidence=0.95, **FACTS)
    assert unknown.best is None, 'the error of d is not known'
    assert make_quantity(numbers, 'reference', confidence=0.95, **FACTS).differences == [], 'there is no reference'
    assert with_interval('a', 'b', (1.0, np.nan, np.nan), 'lowest').low is None


def test_speeds_are_told_apart_by_welch():
    """The interval holds 0 just where the p-value of Welch's test is above 5 %."""
    rng = np.random.default_rng(2)
    for scale in (1.0, 1.05, 1.1, 1.3, 2.0):
        seconds = {'a': rng.normal(10.0, 0.3, 3), 'b': scale * rng.normal(10.0, 0.8, 4)}
        runs = {
            name: [{'loop_seconds': value, 'n_steps': 100} for value in values] for name, values in seconds.items()
        }  # fmt: skip
        speed, atoms = speed_quantities(runs, timestep=2.0, n_atoms=50, confidence=0.95)
        rates = {name: 100.0 / values for name, values in seconds.items()}
        # 86400 s a day, 2e-6 ns a step
        assert speed.values['a'].value == pytest.approx(np.mean(rates['a']) * 86400 * 2e-6)
        assert atoms.values['b'].value == pytest.approx(50 * np.mean(rates['b']))
        p = stats.ttest_ind(rates['a'], rates['b'], equal_var=False).pvalue
        assert (speed.differences[0].better is not None) == (p < 0.05)
    single, _ = speed_quantities({name: found[:1] for name, found in runs.items()}, 2.0, 50, 0.95)
    assert single.values['a'].error is None
    assert single.best is None


def lattice(**models):
    """Return lattices of one crystal by several models, and by experiment."""
    return {'crystals': [{
        'name': 'salt', 'formula': 'LiF', 'experiment': [4.02, 4.02, 4.02, 90.0, 90.0, 90.0],
        'models': {name: {'cellpar': [a, a, a, 90.0, 90.0, 90.0]} for name, a in models.items()},
    }]}  # fmt: skip


def test_lattices_and_experiment():
    """Without a reference lattices are compared with experiment; angles of 90° are not shown."""
    found = list(crystal_quantities({'relax': lattice(near=4.03, far=4.1)}, 0.95))
    assert [one.key for one in found] == ['a', 'b', 'c']
    assert found[0].reference.value == 4.02
    (difference,) = found[0].differences
    assert difference.difference == pytest.approx(0.01 - 0.08)
    found = list(crystal_quantities({'relax': {**lattice(near=4.03, far=4.1), 'reference': 'far'}}, 0.95))
    assert found[0].reference.value == 4.1
    assert set(found[0].values) == {'near'}


def stiffness(c11, error):
    matrix, errors = np.zeros((6, 6)), np.full((6, 6), error)
    matrix[0, 0] = c11
    moduli = {
        name: 1.0 for name in ('bulk_voigt_gpa', 'bulk_reuss_gpa', 'shear_voigt_gpa', 'shear_reuss_gpa', 'young_gpa',
                               'poisson', 'anisotropy', 'shear_hill_gpa')
    }  # fmt: skip
    return {'stiffness': {'relaxed': {
        'matrix_gpa': matrix.tolist(), 'errors_gpa': errors.tolist(), 'residual_gpa': 0.1, 'asymmetry_gpa': 0.1,
        'stress_gpa': [0.0] * 6, 'eigenvalues_gpa': [1.0] * 6, 'is_stable': True,
        'moduli': {**moduli, 'bulk_hill_gpa': c11 / 2}, 'moduli_errors': {**moduli, 'bulk_hill_gpa': error},
    }}}  # fmt: skip


def test_stiffness_by_its_errors():
    models = {name: stiffness(c11, 1.0) for name, c11 in (('truth', 100.0), ('near', 102.0), ('far', 110.0))}
    content = {'reference': 'truth', 'crystals': [{'name': 'salt', 'formula': 'LiF', 'models': models}]}
    found = {one.key: one for one in crystal_quantities({'elastic': content}, 0.95)}
    assert found['C11'].best == 'near'
    assert (found['C11'].reference.value, found['C11'].reference.error) == (100.0, 1.0)
    assert found['C12'].best is None
    assert found['bulk_hill'].values['far'].value == 55.0


def test_nothing_but_crystals_and_what_is_missing():
    crystals = {'relax': orm.Dict(lattice(near=4.03))}
    notes = {'missing': orm.Dict({'errors': 'there was no time'}), 'methods': orm.Dict({'near': 'PBE'})}
    found = put_side_by_side(orm.Dict({'seed': 1}), crystals=crystals, notes=notes)
    results = CompareResults.model_validate(found.get_dict())
    assert results.missing == {'errors': 'there was no time'}
    assert (results.costs, results.speeds, results.doubts) == ([], {}, [])
