"""Protocols of starts: what they say is what their ports take."""

from __future__ import annotations

import pytest

from aiida_seimlip.options.ase import AseCondenseOptions
from aiida_seimlip.options.starts.starts import StartsEngines, StartsOptions
from aiida_seimlip.workflows.starts.starts import StartsWorkChain


@pytest.mark.parametrize('protocol', sorted(StartsWorkChain.get_available_protocols()))
def test_content(protocol):
    """Every key is known, and the cost in calls of the model is what the documentation says."""
    inputs = StartsWorkChain.get_protocol_inputs(protocol)
    assert StartsOptions.explain(inputs.get('options', {}), 'options') is None
    assert StartsEngines.from_node(inputs['engines']).condensation == 'ase'
    parameters = AseCondenseOptions.from_node(inputs['condensation']['parameters'])
    calls = {'laptop': (150, 200), 'paper': (5500, 6500), 'melt_quench': (20000, 30000)}
    low, high = calls[protocol]
    assert low < parameters.condense.max_calls < high
    assert parameters.calculator.name == 'sevennet'


def test_packed_cells_alone_need_no_code():
    builder = StartsWorkChain.get_builder_from_protocol(
        codes={}, recipe='sei', overrides={'engines': {'condensation': None}}, seed=4
    )
    assert builder.recipe['seed'] == 4
    assert len(builder.recipe['compositions']) == 8


def test_stages_can_be_replaced():
    """Those of the overrides replace the whole list; the rest of the protocol stays."""
    stages = [{'kind': 'relax', 'max_steps': 5}]
    overrides = {'condensation': {'parameters': {'condense': {'stages': stages}}}}
    parameters = StartsWorkChain.get_protocol_inputs('laptop', overrides)['condensation']['parameters']
    assert parameters['condense']['stages'] == stages
    assert parameters['calculator'] == {'name': 'sevennet'}
