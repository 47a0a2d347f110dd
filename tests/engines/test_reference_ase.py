"""The engine that labels with any ASE calculator: what it says before anything runs."""

import pytest
from aiida import orm

from aiida_seimlip.engines.contract import load_engine


@pytest.mark.parametrize(
    ('calculator', 'message'),
    [
        ({'name': 'ase.calculators.emt:EMT'}, None),
        ({'name': 'no_such_module:Calculator'}, None),
        ({'name': 'ase.calculators.emt:Emt'}, 'has no class or function `Emt`'),
        ({'name': 'ase.build:bulk', 'kwargs': {'no': 1}}, 'does not take these keyword arguments'),
        ({'name': 'mtp'}, 'is missing: the calculator `mtp` needs one'),
        ({'name': 'mace'}, 'is missing: the calculator `mace` needs one, or a model file'),
        ({'name': 'mace', 'kwargs': {'model_paths': 'best'}}, 'add `trust_model: true`'),
    ],
)
def test_calculator_is_looked_at_before_a_campaign(aiida_profile, code, calculator, message):
    settings = {'code': code('seimlip.ase'), 'parameters': orm.Dict({'calculator': calculator})}
    found = load_engine('reference', 'ase').explain_settings('reference', settings)
    assert (found is None) == (message is None)
    assert message is None or message in found
