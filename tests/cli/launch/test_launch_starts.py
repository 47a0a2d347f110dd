"""``aiida-seimlip launch starts``: what is submitted, refused and said beforehand."""

from __future__ import annotations

import json

import pytest
from ase import Atoms

from tests.cli.launch.test_launch import count_nodes, submitted
from tests.workflows.starts.conftest import toy

__all__ = ('submitted', 'toy')

TOY = '{"engines": {"condensation": "toy"}, "condensation": {"parameters": {"force": 0.1}}}'


@pytest.fixture
def recipe(tmp_path):
    """Return the file of a recipe."""
    path = tmp_path / 'recipe.yaml'
    lines = ['compositions:', '  salt: {Li2CO3: 4}', '  wet: {Li2CO3: 1, water: 2}', 'molecules: {water: {}}']
    path.write_text('\n'.join(lines))
    return path


@pytest.fixture
def water(tmp_path):
    path = tmp_path / 'water.xyz'
    Atoms('OHH', positions=[[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]]).write(path)
    return path


def test_recipe_from_a_file(run_command, submitted, toy, recipe, water):
    run_command('launch', 'starts', '--recipe', recipe, '--molecule', f'water={water}', '--overrides', TOY)
    builder = submitted[0]
    assert builder.recipe['compositions']['salt'] == {'Li2CO3': 4}
    assert builder.recipe['seed'] == 0
    assert builder.molecules['water'].n_frames == 1
    assert builder.engines['condensation'] == 'toy'


def test_seed_is_that_of_all(run_command, submitted, toy):
    """It goes to the packing, and to the condensation if that has a place for one."""
    overrides = json.loads(TOY) | {'recipe': {'copies': 2}}
    overrides['condensation'] = {'parameters': {'condense': {'seed': 1}}}
    run_command('launch', 'starts', '--recipe', 'sei', '--seed', 7, '--overrides', json.dumps(overrides))
    builder = submitted[0]
    assert (builder.recipe['seed'], builder.recipe['copies']) == (7, 2)
    assert builder.condensation['parameters']['condense']['seed'] == 7


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--recipe', 'soup'], '`soup` is neither a file nor a recipe that comes with the package (`paper`, `sei`)'),
        (['--recipe', '{"compositions": {"a": {"Soup": 1}}}', '--overrides', TOY], '`Soup` is neither built in'),
        (['--recipe', 'sei', '--protocol', 'demo'], 'There is no protocol `demo`; there are `laptop`'),
        (['--recipe', 'sei', '--overrides', '{"engines": {"condensation": "glue"}}'], 'There is no engine `glue`'),
    ],
)
def test_refused(run_command, submitted, toy, arguments, message):
    before = count_nodes()
    result = run_command('launch', 'starts', *arguments, fails=True)
    assert message in ' '.join(result.output.split())
    assert (count_nodes(), submitted) == (before, [])


def test_molecule_needs_a_name(run_command, submitted, toy, water):
    result = run_command('launch', 'starts', '--recipe', 'sei', '--molecule', water, '--overrides', TOY, fails=True)
    assert 'Each molecule needs the name that the recipe has for it' in ' '.join(result.output.split())


def test_dry_run(run_command, submitted, toy):
    """Calls of the model times atoms, and what is likely to go wrong."""
    stages = [{'kind': 'relax', 'max_steps': 30}, {'kind': 'relax_cell', 'max_steps': 70}]
    parameters = {'calculator': {'name': 'sevennet'}, 'condense': {'stages': stages, 'seed': 1}}
    overrides = {'engines': {'condensation': 'toy'}, 'condensation': {'parameters': parameters}}
    recipe = '{"compositions": {"salt": {"Li2CO3": 10}, "other": {"Li2CO3": 5}}, "packing": {"density": 0.8}}'
    output = run_command(
        'launch', 'starts', '--recipe', recipe, '--overrides', json.dumps(overrides), '--dry-run'
    ).output  # fmt: skip
    row = next(line for line in output.splitlines() if line.startswith('condensation of 2 cells'))
    assert row.split()[4:6] == ['100', '9e+03']  # 90 atoms
    assert '2 starts of 45 atoms on average, each at most 100 calls of the model' in output
    assert 'these are 0.03 core-hours' in output
    assert 'times as large as their molecules are together' in output
    assert submitted == []


def test_recipe_that_says_what_it_is_for(run_command, submitted, toy, tmp_path):
    """A copy of a recipe of the package is a recipe."""
    path = tmp_path / 'mine.yaml'
    path.write_text('description: Mine.\ncompositions: {salt: {Li2CO3: 4}}')
    run_command('launch', 'starts', '--recipe', path, '--overrides', TOY)
    assert submitted[0].recipe['compositions'] == {'salt': {'Li2CO3': 4}}


def test_file_that_is_no_text(run_command, tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_bytes(bytes(range(256)))
    assert 'is no text' in run_command('launch', 'starts', '--recipe', path, fails=True).output
