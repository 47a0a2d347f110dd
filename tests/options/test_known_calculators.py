"""The calculators that can be named."""

import pytest

from aiida_seimlip.options.calculator import CalculatorOptions

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
    ({'name': 'mace', 'trust_model': True, 'kwargs': {'model_paths': '/models/mp-0b3.model'}}, 'MACE mp-0b3.model'),
    ({'name': 'mace', 'trust_model': True}, 'mace'),
    ({'name': 'emt', 'method_label': 'embedded atoms'}, 'embedded atoms'),
]


@pytest.mark.parametrize(('options', 'expected'), LABELS)
def test_method(options, expected):
    assert CalculatorOptions(**options).method == expected
