"""Charges of groups, made neutral."""

import numpy as np
import pytest

from aiida_seimlip.science.charges.equilibration import QeqCharges
from aiida_seimlip.science.charges.groups import average_charges, neutralise
from aiida_seimlip.science.charges.parameters import REAXFF_LI_C_O, QeqError

COUNTS = {'metal': 4, 'Li': 4, 'C': 2, 'O': 6}
GROUPS = [name for name, count in COUNTS.items() for _ in range(count)]


@pytest.fixture
def found():
    """Return charges of six frames with known means and scatter, neutral in each frame."""
    random = np.random.default_rng(0)
    means = np.repeat([0.1, 0.6, 0.8, -4.4 / 6.0], list(COUNTS.values()))
    noise = random.normal(0.0, 0.05, (6, 16))
    charges = means + noise - noise.mean(axis=1, keepdims=True)
    return QeqCharges(('Li',) * 8 + ('C',) * 2 + ('O',) * 6, charges, np.ones(6), np.zeros(6), REAXFF_LI_C_O)


def test_means(found):
    averaged = average_charges(found, GROUPS)
    for group in averaged.groups:
        members = found.charges_e[:, np.array(GROUPS) == group.name]
        assert group.n_atoms == COUNTS[group.name]
        assert group.charge_e == pytest.approx(members.mean(), abs=1e-12)
        assert group.scatter_atoms_e == pytest.approx(members.mean(axis=0).std(ddof=1))
        assert group.scatter_frames_e == pytest.approx(np.sqrt(members.var(axis=0, ddof=1).mean()))
        assert (group.lowest_e, group.highest_e) == (members.min(), members.max())
    assert averaged.excess_e == pytest.approx(0.0, abs=1e-12)
    assert averaged.sum_e == pytest.approx(0.0, abs=1e-12)
    assert averaged.label == 'do not respond to the field'
    assert 'public force-field file' in averaged.source


@pytest.mark.parametrize('spreading', ['proportional', 'even'])
def test_neutral_metal(found, spreading):
    averaged = average_charges(found, GROUPS, given_e={'metal': 0.0}, spreading=spreading)
    assert averaged.by_group['metal'] == 0.0
    assert averaged.sum_e == pytest.approx(0.0, abs=1e-12)
    assert averaged.per_atom(GROUPS).sum() == pytest.approx(0.0, abs=1e-12)
    metal = found.charges_e[:, :4].mean()
    assert averaged.excess_e == pytest.approx(-4.0 * metal, abs=1e-12)
    assert next(group for group in averaged.groups if group.name == 'metal').mean_e is None


def test_proportional_keeps_ratios():
    charges = neutralise({'metal': 0.0, 'Li': 1.0, 'C': 1.0, 'O': -0.8}, COUNTS)
    assert charges['metal'] == 0.0
    assert charges['Li'] / charges['C'] == pytest.approx(1.0)
    assert 1.0 - charges['Li'] == pytest.approx((charges['O'] + 0.8) / -0.8)
    assert sum(COUNTS[name] * charge for name, charge in charges.items()) == pytest.approx(0.0, abs=1e-12)


def test_even_keeps_differences():
    charges = neutralise({'metal': 0.0, 'Li': 1.0, 'C': 1.0, 'O': -0.8}, COUNTS, spreading='even')
    assert charges['Li'] - charges['O'] == pytest.approx(1.8)
    assert charges['metal'] == pytest.approx(-1.2 / 16.0)


def test_nothing_can_take_the_excess():
    with pytest.raises(QeqError, match='add up to 2 e, and there is no group'):
        neutralise({'Li': 0.5}, {'Li': 4}, kept=('Li',))


def test_all_charges_of_one_sign():
    with pytest.raises(QeqError, match='as much as there is'):
        neutralise({'Li': 0.5, 'C': 0.1}, {'Li': 4, 'C': 1})


def test_neutral_charges_stay():
    assert neutralise({'Li': 0.0, 'O': 0.0}, {'Li': 2, 'O': 1}) == {'Li': 0.0, 'O': 0.0}


def test_wrong_groups(found):
    with pytest.raises(QeqError, match='3 names of groups for 16 atoms'):
        average_charges(found, ['a', 'b', 'c'])
    with pytest.raises(QeqError, match="'anode' has no atoms"):
        average_charges(found, GROUPS, given_e={'anode': 0.0})


def test_single_frame(found):
    single = QeqCharges(found.symbols, found.charges_e[:1], np.ones(1), np.zeros(1), REAXFF_LI_C_O)
    assert np.isnan(average_charges(single, GROUPS).groups[0].scatter_frames_e)
