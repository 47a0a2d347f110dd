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
    ({'name': 'chgnet', 'kwargs': {'model_name': 'r2scan'}}, 'CHGNet-r2scan'),
    ({'name': 'sevennet'}, '7net-0'),
    ({'name': 'sevennet', 'kwargs': {'model': '7net-l3i5'}}, '7net-l3i5'),
    ({'name': 'sevennet', 'kwargs': {'model': '7net-mf-0', 'modal': 'R2SCAN'}}, '7net-mf-0-R2SCAN'),
    ({'name': 'sevennet', 'kwargs': {'model': '7net-mf-0', 'modal': 'PBE'}}, '7net-mf-0-PBE'),
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


SEVENNET_BY_MODULE = 'sevenn.calculator:SevenNetCalculator'


@pytest.mark.parametrize(
    ('name', 'kwargs'),
    [
        ('sevennet', {'model': '7net-omni'}),
        ('sevennet', {'model': '7net-mf-ompa', 'modal': 'mpa'}),
        ('chgnet', {'model_name': '0.4.0'}),
        (SEVENNET_BY_MODULE, {'model': '7net-omat'}),
        ('mace.calculators:mace_mp', {}),
        ('mace.calculators:mace_mp', {'model': 'medium-mpa-0'}),
        ('mattersim.forcefield:MatterSimCalculator', {'load_path': 'MatterSim-v1.0.0-1M.pth'}),
    ],
)
def test_weights_that_would_be_downloaded_are_refused(name, kwargs):
    """Before a job is sent, and unless the user says that its computer has a network."""
    with pytest.raises(ValueError, match='would download the weights of a model') as raised:
        CalculatorOptions(name=name, kwargs=kwargs, trust_model=True)
    assert all(value in str(raised.value) for value in kwargs.values() if value != 'mpa')
    assert CalculatorOptions(name=name, kwargs=kwargs, trust_model=True, allow_download=True).method


@pytest.mark.parametrize(
    ('name', 'kwargs'),
    [
        ('sevennet', {}),
        ('sevennet', {'model': '7net-l3i5'}),
        ('sevennet', {'model': 'SevenNet-0'}),
        ('sevennet', {'model': '/models/checkpoint.pth'}),
        ('chgnet', {'model_name': 'r2scan'}),
        (SEVENNET_BY_MODULE, {'model': '7net-0'}),
        ('mace.calculators:mace_mp', {'model': '/models/mace.model'}),
    ],
)
def test_weights_that_are_there_are_taken(name, kwargs):
    assert CalculatorOptions(name=name, kwargs=kwargs, trust_model=True).allow_download is False


def test_downloads_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match='name the path of a file there, or one of those in the package') as raised:
        CalculatorOptions(name='sevennet', kwargs={'model': '7net-omni'})
    assert '(sevenn 0.13.0): `7net-0`, `7net-0_22May2024`, `7net-l3i5`, `7net-mf-0`' in str(raised.value)
    assert 'or add `allow_download: true`' in str(raised.value)


def test_precision_counts_more_for_smaller_steps():
    precision = CALCULATORS['sevennet'].precision
    assert precision.limits(0.01, 0.01) == (5e-3, 0.2)
    assert precision.limits(0.001, 0.001) == pytest.approx((0.025, 1.0))
