"""The calcfunction that orders crystals."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import explain_sites, structure_from_sites
from aiida_seimlip.functions.structure.ordering import explain_ordering, order_crystal
from aiida_seimlip.options.structure.ordering import OrderingOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.levels import untrained


def options(**changes):
    return orm.Dict(OrderingOptions.model_validate({'supercell': {'matrix': [4, 1, 1]}, **changes}).to_dict())


@pytest.fixture
def chain():
    """Return a row of sites half filled with lithium, beside fluorine."""
    cell = np.diag([2.5, 4.0, 4.0])
    return structure_from_sites(cell, np.array([[0, 0, 0], [1.25, 2, 2]]), [{'Li': 0.5}, {'F': 1.0}])


def potential_of(*species):
    empty = untrained(6, species, min_dist=1.5, max_dist=5.0)
    parameters = np.random.default_rng(3).normal(0, 0.05, empty.n_parameters)
    return PotentialData.from_mtp(empty.with_parameters(parameters))


def test_ordered_cells(chain):
    made, node = order_crystal.run_get_node(chain, options(oxidation_states={'Li': 1, 'F': -0.5}))
    assert node.is_finished_ok
    assert sorted(made['ordered']) == ['n00', 'n01']
    for structure in made['ordered'].values():
        assert isinstance(structure, orm.StructureData)
        assert explain_sites(structure) is None
        assert structure.creator == node
    record = made['record'].get_dict()
    assert record['n_arrangements'] == 6
    assert [cell['degeneracy'] for cell in record['cells']] == [2, 4]
    assert record['cells'][0]['predicted_energy'] is None


def test_ranked_by_a_potential(chain):
    potential = potential_of('F', 'Li')
    made, _ = order_crystal.run_get_node(chain, options(), potential)
    images = [made['ordered'][name].get_ase() for name in sorted(made['ordered'])]
    energies = evaluate(potential.get_mtp(), Frames.from_atoms(images)).energies
    np.testing.assert_allclose([cell['predicted_energy'] for cell in made['record']['cells']], energies, atol=1e-9)
    assert energies[0] < energies[1]


def test_reasons(chain):
    small = OrderingOptions()
    assert '2 times as large' in explain_ordering(chain, small)
    _, node = order_crystal.run_get_node(chain, orm.Dict(small.to_dict()))
    assert node.exit_status == 300
    assert '2 times as large' in node.exit_message
    four = OrderingOptions.from_node(options())
    assert explain_ordering(chain, four) is None
    assert 'does not know F' in explain_ordering(chain, four, potential_of('Li', 'O'))
    empty = PotentialData.from_mtp(untrained(6, ('Li', 'F')))
    assert 'only that is trained' in explain_ordering(chain, four, empty)
