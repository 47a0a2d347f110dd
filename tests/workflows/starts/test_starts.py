"""Starts from a recipe to a table: what passes, what is dropped and why, and each exit code."""

from __future__ import annotations

import pytest
from aiida.engine import run_get_node

from aiida_seimlip.options.starts.table import StartsTable
from aiida_seimlip.science.structures.molecules import MOLECULES
from aiida_seimlip.workflows.starts.starts import StartsWorkChain


def run(inputs):
    """Run the WorkChain and return its outputs, its table by name of the start, and its node."""
    outputs, node = run_get_node(StartsWorkChain, **inputs)
    table = StartsTable.model_validate(outputs['table'].get_dict())
    return outputs, {start.name: start for start in table.starts}, node


def test_all_pass(starts_inputs):
    """What was packed comes out in order, with what is known of each start."""
    outputs, table, node = run(starts_inputs())
    assert node.is_finished_ok, node.exit_message
    assert list(table) == ['alpha', 'beta', 'gamma']
    assert [start.verdict for start in table.values()] == ['passed'] * 3
    assert outputs['frames'].n_frames == outputs['packed'].n_frames == 3
    assert outputs['frames'].is_labelled
    one = table['alpha']
    assert (one.formula, one.n_atoms, one.counts) == ('C2FLi5O6', 14, {'Li2CO3': 2, 'LiF': 1})
    assert (one.method, one.energy_per_atom, one.temperature_range) == ('toy', pytest.approx(-2.0), (280.0, 280.0))
    assert one.density == pytest.approx(one.packed_density)
    assert {name: (unit.n_packed, unit.n_whole) for name, unit in one.units.items()} == {'CO3': (2, 2)}
    assert {name: (unit.n_packed, unit.n_whole) for name, unit in table['beta'].units.items()} == {'PF6': (2, 2)}
    assert table['gamma'].doubts == []
    assert outputs['trace'].n_frames == 3


def test_packed_cells_alone(starts_inputs):
    outputs, table, node = run(starts_inputs(condensation=None))
    assert node.is_finished_ok, node.exit_message
    assert outputs['frames'].hashes == outputs['packed'].hashes
    assert [(start.verdict, start.energy_per_atom) for start in table.values()] == [('passed', None)] * 3


def test_broken_unit_is_reported(starts_inputs):
    """A PF6 that lost a fluorine keeps its start, and the table says what the pieces are."""
    fluorine = MOLECULES['LiPF6'].atoms.numbers.tolist().index(9)
    told = {'moves': {'1': {str(fluorine): [2.6, 2.6, 2.6]}}}
    _, table, node = run(starts_inputs(**told, options={'min_distance': 0.3, 'new_bonds': 'report'}))
    assert node.is_finished_ok, node.exit_message
    two = table['beta']
    assert (two.units['PF6'].n_whole, two.units['PF6'].pieces) == (1, {'F': 1, 'F5P': 1})
    assert two.doubts[0].startswith('1 of 2 PF6 broke into 1 F, 1 F5P')
    _, table, node = run(
        starts_inputs(**told, options={'broken_units': 'drop', 'max_dropped': 0.5, 'min_distance': 0.3})
    )
    assert (node.exit_status, table['beta'].verdict) == (0, 'dropped')
    assert 'PF6 broke' in table['beta'].reason


def test_failed_start_within_the_budget(starts_inputs):
    """A start that did not come through is in the table, and the others keep their names."""
    outputs, table, node = run(starts_inputs(failures={'1': 'it flew apart'}, options={'max_dropped': 0.4}))
    assert node.is_finished_ok, node.exit_message
    assert table['beta'].verdict == 'failed'
    assert table['beta'].reason == 'It was not condensed: it flew apart'
    assert [start.index for start in table.values()] == [0, None, 1]
    assert outputs['frames'].formulas == {'C2FLi5O6': 1, 'CLi5O3': 1}


def test_too_many_dropped(starts_inputs):
    outputs, _, node = run(starts_inputs(failures={'1': 'it flew apart'}))
    assert node.exit_status == 400
    assert '33.3 % of the starts were dropped, where the input `options` allows 20 %' in node.exit_message
    assert '`beta`: It was not condensed: it flew apart' in node.exit_message
    assert outputs['frames'].n_frames == 2


def test_too_few_starts(starts_inputs):
    outputs, _, node = run(starts_inputs(options={'min_starts': 4}))
    assert node.exit_status == 410
    assert 'There are 3 starts of use, where the input `options` wants 4' in node.exit_message
    assert 'frames' in outputs


def test_condensation_failed(starts_inputs):
    """Without a condensed cell the table says so of each, and the packed cells are there."""
    outputs, table, node = run(starts_inputs(fails=True))
    assert node.exit_status == 320
    assert 'no model' in node.exit_message
    assert 'packed' in outputs
    assert 'frames' not in outputs
    assert {start.verdict for start in table.values()} == {'failed'}


def test_all_frames_failed(starts_inputs):
    _, _, node = run(starts_inputs(failures=dict.fromkeys('012', 'it flew apart')))
    assert node.exit_status == 320
    assert 'it flew apart' in node.exit_message


def test_no_start_passed(starts_inputs):
    outputs, table, node = run(starts_inputs(options={'min_density': 3.0}))
    assert node.exit_status == 330
    assert '`alpha`: Its density is' in node.exit_message
    assert {start.verdict for start in table.values()} == {'dropped'}
    assert 'frames' not in outputs


def test_packing_failed(starts_inputs, monkeypatch):
    """Molecules that find no place are a reason, not an exception."""
    recipe = {
        'compositions': {'alpha': {'Li2CO3': 4}},
        'packing': {'method': 'random', 'volume_factor': 0.7, 'tolerances': [3.5]},
    }
    outputs, table, node = run(starts_inputs(recipe=recipe))
    assert node.exit_status == 310
    assert 'found no place' in node.exit_message
    assert table['alpha'].verdict == 'failed'
    assert 'packed' not in outputs


def test_residuals_are_reported_or_refused(starts_inputs):
    _, table, node = run(starts_inputs(force=3.0, pressure=50.0))
    assert node.is_finished_ok
    assert table['alpha'].max_force == pytest.approx(3.0)
    assert table['alpha'].pressure == pytest.approx(80.1, abs=0.1)
    assert [doubt.split(' is left')[0] for doubt in table['alpha'].doubts] == [
        'A force of 3.00 eV/Å', 'A pressure of 80.11 GPa'
    ]  # fmt: skip
    _, _, node = run(starts_inputs(force=3.0, options={'residuals': 'drop'}))
    assert node.exit_status == 330


def test_duplicate_is_dropped(starts_inputs):
    """A copy that was shifted is the same structure, and has another hash."""
    recipe = {
        'compositions': {'alpha': {'Li2CO3': 2}, 'twin': {'Li2CO3': 2}},
        'packing': {'method': 'random', 'volume_factor': 3.0},
    }  # fmt: skip
    _, table, node = run(starts_inputs(recipe=recipe, copy={'1': 0}, options={'max_dropped': 0.5}))
    assert node.is_finished_ok, node.exit_message
    assert (table['twin'].verdict, table['twin'].same_as) == ('dropped', 'alpha')
    assert table['twin'].reason == 'It is the same structure as `alpha`.'
