"""Starts with a universal potential, from a recipe to a page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from aiida.engine import run_get_node

from aiida_seimlip.options.starts.table import StartsTable
from aiida_seimlip.report.pages import page_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.workflows.starts.starts import StartsWorkChain

PYTHON = os.environ.get('SEIMLIP_CALCULATORS_PYTHON')

pytestmark = pytest.mark.skipif(
    not PYTHON, reason='SEIMLIP_CALCULATORS_PYTHON names no Python with CHGNet: nothing was condensed with a model'
)


@pytest.mark.slow
def test_chgnet(code):
    """Two small salts become denser, their units stay whole, and the page shows the way."""
    recipe = {
        'compositions': {'carbonate': {'Li2CO3': 3}, 'hexafluoride': {'LiPF6': 2, 'LiF': 1}},
        'packing': {'method': 'random', 'volume_factor': 1.6, 'tolerances': [1.8, 1.6]}, 'seed': 2,
    }  # fmt: skip
    stages = [
        {'kind': 'relax', 'fmax': 1.0, 'max_steps': 8},
        {'kind': 'relax_cell', 'pressure': 5.0, 'max_steps': 20},
        {'kind': 'relax_cell', 'max_steps': 8},
    ]
    parameters = {'calculator': {'name': 'chgnet'}, 'condense': {'stages': stages, 'record_every': 2}}
    builder = StartsWorkChain.get_builder_from_protocol(
        codes={'condensation': code('seimlip.ase', PYTHON)}, recipe=recipe,
        overrides={'condensation': {'parameters': {**parameters, 'processes': 1}}},
    )  # fmt: skip
    outputs, node = run_get_node(builder)
    assert node.is_finished_ok, node.exit_message
    table = StartsTable.model_validate(outputs['table'].get_dict())
    assert table.names == ['carbonate', 'hexafluoride']
    for start in table.starts:
        assert start.density > 1.1 * start.packed_density
        assert start.n_broken == 0
        assert start.method == 'CHGNet-0.3.0'
    assert outputs['trace'].is_labelled
    text = render_page(page_of([node]))
    assert 'calls of the model' in text
    if os.environ.get('SEIMLIP_LOOK'):
        Path(os.environ['SEIMLIP_LOOK']).write_text(text, encoding='utf-8')
