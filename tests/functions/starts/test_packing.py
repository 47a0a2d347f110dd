"""The calcfunction that packs recipes."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.starts.packing import explain_recipe, find_doubts, pack_recipe
from aiida_seimlip.options.starts.packed import PackedTable
from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.science.structures.molecules import MOLECULES, MoleculeError
from aiida_seimlip.science.structures.packing import units
from aiida_seimlip.science.structures.packing.units import shortest_contact

THIN = {'method': 'random', 'volume_factor': 2.0}
WATER = Atoms('OH2', [(0, 0, 0), (0.96, 0, 0), (-0.24, 0.93, 0)])


@pytest.fixture
def once(monkeypatch):
    """Try each tolerance once."""
    monkeypatch.setattr(units, 'MISFITS', 1)


def recipe(**changes):
    return orm.Dict(RecipeOptions.model_validate({'packing': THIN, **changes}).to_dict())


def pack(parameters, **molecules):
    outputs = pack_recipe(parameters, **molecules)
    return outputs.get('packed'), PackedTable.model_validate(outputs['table'].get_dict())


def test_named_compositions():
    packed, table = pack(recipe(compositions={'two': {'Li2CO3': 2, 'Li': 3}, 'one': {'Li2EDC': 1, 'EC': 0}}))
    assert table.names == ['one', 'two']
    assert [start.counts for start in table.starts] == [{'Li2EDC': 1}, {'Li': 3, 'Li2CO3': 2}]
    frames = packed.get_frames()
    assert [frames.features_of(index)['start'] for index in (0, 1)] == ['one', 'two']
    assert frames.formulas == ['C4H4Li2O6', 'C2Li7O6']
    for index, start in enumerate(table.packed):
        atoms = frames[index].to_atoms()[0]
        volume = 2.0 * sum(MOLECULES[name].volume * count for name, count in start.counts.items())
        assert atoms.get_volume() == pytest.approx(volume)
        assert start.density == pytest.approx(1.66054 * atoms.get_masses().sum() / volume, rel=1e-5)
        assert start.n_atoms == len(atoms)
        assert start.shortest == pytest.approx(shortest_contact(atoms, table.owners_of(start)))
        assert (start.method, start.charge, start.tolerance) == ('random', 0, 1.8)


def test_the_table_says_which_atoms_are_a_molecule():
    packed, table = pack(recipe(compositions={'mix': {'LiPF6': 2, 'Li': 3, 'Li2CO3': 1}}))
    (start,), atoms = table.starts, packed.get_atoms(0)
    assert table.molecules_of(start) == ['Li', 'Li', 'Li', 'Li2CO3', 'LiPF6', 'LiPF6']
    formulas = [atoms[table.owners_of(start) == number].get_chemical_formula() for number in range(6)]
    assert formulas == ['Li', 'Li', 'Li', 'CLi2O3', 'F6LiP', 'F6LiP']


def test_the_same_recipe_gives_the_same_cells_in_any_order_of_its_keys():
    one, _ = pack(recipe(compositions={'a': {'Li2CO3': 2, 'Li': 3}, 'b': {'Li': 4}}, seed=5))
    other, _ = pack(recipe(compositions={'b': {'Li': 4}, 'a': {'Li': 3, 'Li2CO3': 2}}, seed=5))
    assert one.hashes == other.hashes
    assert one.hashes != pack(recipe(compositions={'a': {'Li2CO3': 2, 'Li': 3}, 'b': {'Li': 4}}, seed=6))[0].hashes


def test_another_composition_changes_no_cell():
    alone, _ = pack(recipe(compositions={'b': {'Li': 4}}))
    both, _ = pack(recipe(compositions={'a': {'Li': 4}, 'b': {'Li': 4}}))
    assert both.hashes[1] == alone.hashes[0] != both.hashes[0]


def test_copies_are_different():
    packed, table = pack(recipe(compositions={'a': {'Li2CO3': 2}}, copies=3))
    assert table.names == ['a_0', 'a_1', 'a_2']
    assert len(set(packed.hashes)) == 3


def test_random_compositions():
    ranges = {'Li2EDC': [0, 2], 'Li2CO3': [0, 3], 'Li': [0, 9]}
    packed, table = pack(recipe(random={'number': 6, 'ranges': ranges, 'min_atoms': 20, 'max_atoms': 40}))
    assert table.names == [f'r{index:03d}' for index in range(6)]
    assert len({tuple(start.counts.items()) for start in table.starts}) == 6
    sizes = packed.get_frames().sizes
    assert sizes.min() >= 20 and sizes.max() <= 40


def test_a_molecule_from_a_node():
    molecules = {'water': {'volume': 40.0}}
    nodes = {'water': FramesData.from_atoms([WATER])}
    packed, table = pack(recipe(compositions={'a': {'water': 3}}, molecules=molecules), **nodes)
    assert packed.formulas == {'H6O3': 1}
    assert table.molecules['water'].source == f'geometry: node {nodes["water"].uuid}'
    assert table.molecules['water'].volume == 40.0
    boxed = WATER.copy()
    boxed.set_cell([8.0, 8.0, 8.0])
    boxed.pbc = True
    structure = orm.StructureData(ase=boxed)
    other, _ = pack(recipe(compositions={'a': {'water': 3}}, molecules=molecules), water=structure)
    np.testing.assert_allclose(other.get_frames().positions, packed.get_frames().positions, atol=1e-6)


def test_a_molecule_from_smiles():
    pytest.importorskip('rdkit', reason='RDKit (extra `smiles`) is not installed')
    packed, table = pack(recipe(compositions={'a': {'DMC': 2}}, molecules={'DMC': {'smiles': 'COC(=O)OC'}}))
    assert packed.formulas == {'C6H12O6': 1}
    assert 'RDKit' in table.molecules['DMC'].source


def test_a_start_that_does_not_fit_is_in_the_table_with_the_reason(once):
    """Spheres of 2.5 Å in 18 Å³ each fill 45 %; one after the other they jam at 38 %."""
    parameters = recipe(
        compositions={'fits': {'Li': 1}, 'jammed': {'Li': 40}}, packing={'method': 'random', 'tolerances': [2.5]}
    )
    packed, table = pack(parameters)
    assert packed.n_frames == 1
    reasons = {start.name: start.reason for start in table.starts}
    assert reasons['fits'] is None
    assert reasons['jammed'].startswith('Li found no place in 1000 attempts')
    assert table.names == ['fits']


def test_nothing_fits(once):
    packing = {'method': 'random', 'density': 20.0, 'tolerances': [2.0]}
    packed, table = pack(recipe(compositions={'a': {'Li2CO3': 1}}, packing=packing))
    assert packed is None
    assert table.starts[0].reason


def test_a_cell_that_keeps_a_length():
    packed, table = pack(recipe(compositions={'a': {'Li': 2}}, packing={**THIN, 'min_length': 9.0}))
    np.testing.assert_allclose(packed.get_frames().cells[0], np.diag([9.0, 9.0, 9.0]))
    assert table.starts[0].lengths == pytest.approx((9.0, 9.0, 9.0))


def test_a_density():
    _, table = pack(recipe(compositions={'a': {'Li2CO3': 3}}, packing={'method': 'random', 'density': 0.8}))
    assert table.starts[0].density == pytest.approx(0.8)


@pytest.mark.parametrize(
    ('changes', 'nodes', 'message'),
    [
        ({'compositions': {'a': {'m': 1}}, 'molecules': {'m': {}}}, {}, 'The geometry of the molecule `m` is missing'),
        ({'compositions': {'a': {'Li': 1}}}, {'m': [WATER]}, 'does not ask for the node of the molecule `m`'),
        ({'compositions': {'a': {'m': 1}}, 'molecules': {'m': {}}}, {'m': [WATER, WATER]}, 'There are 2 frames'),
        ({'random': {'number': 1, 'ranges': {'Li2CO3': [1, 2]}, 'max_atoms': 5}}, {}, 'No neutral composition of 1 to'),
    ],
)
def test_recipes_that_cannot_be_packed(changes, nodes, message):
    options = RecipeOptions.model_validate(changes)
    given = {name: FramesData.from_atoms(images) for name, images in nodes.items()}
    assert message in explain_recipe(options, given)
    with pytest.raises(ValueError, match=message.replace('`', '.')):
        pack_recipe(orm.Dict(options.to_dict()), **given)


def test_a_recipe_that_can_be_packed():
    assert explain_recipe(RecipeOptions.model_validate({'compositions': {'a': {'Li': 1}}}), {}) is None


def test_a_molecule_in_pieces_is_refused():
    pair = Atoms('Ar2', [(0, 0, 0), (0, 0, 9.0)])
    options = RecipeOptions.model_validate({'compositions': {'a': {'m': 1}}, 'molecules': {'m': {}}})
    with pytest.raises(MoleculeError, match='2 pieces'):
        pack_recipe(orm.Dict(options.to_dict()), m=FramesData.from_atoms([pair]))


def test_bare_anions_beside_lithium():
    options = RecipeOptions.model_validate({'compositions': {'a': {'EDC': 1, 'Li': 2}, 'b': {'Li2CO3': 1, 'Li': 1}}})
    (doubt,) = find_doubts(options)
    assert doubt.startswith('`EDC` is packed as a bare ion') and doubt.endswith('pack `Li2EDC`.')
    _, table = pack(orm.Dict({**options.to_dict(), 'packing': {**THIN, 'tolerances': [1.8]}}))
    assert table.warnings == [doubt]
    assert [start.charge for start in table.starts] == [0, 0]


def test_a_charged_cell_where_it_is_wanted():
    _, table = pack(recipe(compositions={'a': {'PF6': 2, 'Li': 1}}, neutral=False))
    assert table.starts[0].charge == -1


def test_the_outputs_have_a_creator():
    outputs, node = pack_recipe.run_get_node(recipe(compositions={'a': {'Li': 4}}))
    assert outputs['packed'].creator == node
    assert outputs['table'].creator == node
