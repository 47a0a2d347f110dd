"""The calculators that can be named."""

import json
import re

import pytest

from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.known_calculators import CALCULATORS

LABELS = [
    ({'name': 'tblite'}, 'GFN1-xTB'),
    ({'name': 'tblite', 'kwargs': {'method': 'GFN2-xTB'}}, 'GFN2-xTB'),
    ({'name': 'gpaw', 'kwargs': {'xc': 'PBE'}}, 'PBE'),
    ({'name': 'gpaw', 'kwargs': {'xc': 'pbe'}}, 'PBE'),
    ({'name': 'gpaw'}, 'LDA'),
    ({'name': 'gpaw', 'kwargs': {'xc': {'name': 'BEEF-vdW'}}}, 'gpaw'),
    ({'name': 'vasp', 'kwargs': {'xc': 'optB88-vdW'}}, 'optB88-vdW'),
    ({'name': 'vasp'}, 'vasp'),
    ({'name': 'lj'}, 'lj'),
    ({'name': 'chgnet'}, 'CHGNet-0.3.0'),
    ({'name': 'sevennet'}, '7net-0'),
    ({'name': 'my_package.potentials:Best'}, 'my_package.potentials:Best'),
    ({'name': 'mace', 'trust_model': True, 'kwargs': {'model_paths': '/models/mp-0b3.model'}}, 'MACE mp-0b3.model'),
    ({'name': 'mace', 'trust_model': True}, 'mace'),
    ({'name': 'emt', 'method_label': 'embedded atoms'}, 'embedded atoms'),
]


@pytest.mark.parametrize(('options', 'expected'), LABELS)
def test_method(options, expected):
    assert CalculatorOptions(**options).method == expected


def test_dispersion_belongs_to_the_method():
    options = {'name': 'sevennet', 'dispersion': {'method': 'PBE'}}
    assert CalculatorOptions(**options).method == '7net-0+D3(BJ)'
    assert CalculatorOptions(**options, method_label='PBE+D3').method == 'PBE+D3'


@pytest.mark.parametrize(
    ('name', 'expected'), [('tblite', False), ('vasp', False), ('chgnet', False), ('gpaw', False), ('emt', True)]
)
def test_partial_periodicity(name, expected):
    assert CALCULATORS[name].partial_periodicity is expected


@pytest.mark.parametrize('name', sorted(CALCULATORS))
def test_table_is_complete(name):
    known = CALCULATORS[name]
    assert re.fullmatch(r'[\w.]+:\w+', known.target)
    assert known.licence
    assert known.install or known.package == 'ase'
    assert set(known.periodic_axes) <= {0, 1, 2, 3}
    assert 3 in known.periodic_axes
    options = CalculatorOptions(name=name, trust_model=True)
    assert options.method
    json.dumps(options.to_remote())
