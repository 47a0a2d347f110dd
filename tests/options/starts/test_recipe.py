from __future__ import annotations

import pytest

from aiida_seimlip.options.starts.recipe import RecipeOptions
from aiida_seimlip.options.starts.recipes import get_available_recipes, get_recipe
from aiida_seimlip.science.structures.molecules import MOLECULES


@pytest.mark.parametrize('name', ['paper', 'sei'])
def test_recipes_that_are_built_in(name):
    assert name in get_available_recipes()
    assert RecipeOptions.explain(get_recipe(name), 'recipe') is None


def test_the_recipe_sei_has_every_unit_and_sizes_that_two_cores_can_do():
    recipe = RecipeOptions.from_node(get_recipe('sei'))
    assert recipe.n_starts == 8
    assert recipe.used == {'Li2EDC', 'Li2CO3', 'LiPF6', 'Li'}
    for counts in recipe.compositions.values():
        assert 60 <= sum(len(MOLECULES[name].atoms) * count for name, count in counts.items()) <= 110


def test_no_such_recipe():
    with pytest.raises(ValueError, match=r'^There is no recipe `seis`; there are `paper`, `sei`\.$'):
        get_recipe('seis')


@pytest.mark.parametrize(
    ('recipe', 'message'),
    [
        ({}, 'a recipe needs `compositions` or `random`'),
        ({'compositions': {'a': {'Li2EDD': 1}}}, '`Li2EDD` is neither built in (Li2EDC, EDC'),
        ({'compositions': {'a': {'EDC': 1}}}, '`a` has the charge -2 e: balance it, or set `neutral` to false'),
        ({'compositions': {'a': {'Li': 0}}}, '`a` does not hold numbers ≥ 0'),
        ({'compositions': {'a': {'Li': -1}}}, '`a` does not hold numbers ≥ 0'),
        ({'compositions': {'1a': {'Li': 1}}}, 'the name `1a` is not made of letters'),
        ({'compositions': {'a': {'EC': 1}}, 'molecules': {'EC': {}}}, '`EC` is the name of a molecule that is built'),
        ({'random': {'number': 2, 'ranges': {'Li': (4, 2)}}}, 'the range of `Li` does not go from'),
        ({'random': {'number': 2, 'ranges': {'Li': (1, 2)}, 'min_atoms': 9, 'max_atoms': 8}}, '`min_atoms` (9) is'),
        ({'random': {'number': 10**9, 'ranges': {'Li': (1, 2)}}}, 'should be less than or equal to 100000'),
        ({'random': {'number': 2, 'ranges': {'Li': (1, 10**23)}}}, 'should be less than or equal to 100000'),
        ({'compositions': {'a': {'Li': 10**9}}}, 'should be less than or equal to 100000'),
        ({'compositions': {'a': {'Li': 1}}, 'packing': {'tolerances': [1.6, 1.8]}}, 'each tolerance must be above 0'),
        ({'compositions': {'a': {'Li': 1}}, 'packing': {'method': 'magic'}}, '`packing.method` is'),
        ({'compositions': {'a': {'m': 1}}, 'molecules': {'m': {'smiles': '[OH-]', 'charge': 0}}}, 'add up to -1'),
    ],
)  # fmt: skip
def test_wrong_recipes(recipe, message):
    assert message in RecipeOptions.explain(recipe, 'recipe')


@pytest.mark.parametrize(
    'recipe',
    [
        {'compositions': {'a': {'EDC': 1, 'Li': 2}}},
        {'compositions': {'a': {'EDC': 1}}, 'neutral': False},
        {'compositions': {'a': {'hydroxide': 1, 'Li': 1}}, 'molecules': {'hydroxide': {'smiles': '[OH-]'}}},
        {'compositions': {'a': {'mine': 1}}, 'molecules': {'mine': {}}},
    ],
)
def test_right_recipes(recipe):
    assert RecipeOptions.explain(recipe, 'recipe') is None


def test_number_of_starts():
    recipe = {'compositions': {'a': {'Li': 1}, 'b': {'Li': 2}}, 'copies': 3, 'random': {
        'number': 5, 'ranges': {'Li': (1, 9)}}}  # fmt: skip
    assert RecipeOptions.from_node(recipe).n_starts == 11
