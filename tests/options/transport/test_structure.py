"""Options of the analysis of structure."""

import pytest

from aiida_seimlip.options.transport.structure import RdfOptions, UnitOptions


def test_defaults_are_complete():
    assert RdfOptions.from_node(None).kinds == 'role'
    assert UnitOptions.from_node(None).units == ('CO3', 'PF6', 'EDC')


def test_pairs_are_kept():
    assert RdfOptions.from_node({'pairs': [['Li', 'O_ether']]}).pairs == (('Li', 'O_ether'),)


@pytest.mark.parametrize('units', [['BF4'], []])
def test_unknown_units_are_refused(units):
    message = UnitOptions.explain({'units': units}, 'units')
    assert message == f'Input `units` is wrong: `units` is {units!r}, but units are known by the names CO3, PF6, EDC.'
