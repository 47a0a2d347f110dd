"""What is found wrong at submission, and what is likely to go wrong."""

from __future__ import annotations

import re

import pytest
from aiida import orm
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.structures.packing import units
from aiida_seimlip.workflows.starts.starts import StartsWorkChain

WATER = Atoms('OHH', positions=[[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]])


def explain(inputs):
    """Return what the ports say of inputs."""
    spec = StartsWorkChain.spec().inputs
    error = spec.validate(spec.pre_process(spec.serialize(inputs)))
    return None if error is None else error.message


@pytest.mark.parametrize(
    ('recipe', 'message'),
    [
        ({'compositions': {'a': {'Li2SO4': 1}}}, '`Li2SO4` is neither built in'),
        ({'compositions': {'a': {'CO3': 1}}}, 'has the charge -2 e'),
        (
            {'compositions': {'a': {'Li2CO3': 8}}, 'packing': {'density': 6.0}},
            r'cells of 0\.\d+ times the volumes of their molecules',
        ),
        (
            {'random': {'number': 2, 'ranges': {'Li2CO3': [1, 2]}, 'min_atoms': 60, 'max_atoms': 90}},
            'No neutral composition of 60 to 90 atoms was found',
        ),
        (
            {'compositions': {'a': {'water': 2}}, 'molecules': {'water': {}}},
            'The geometry of the molecule `water` is missing',
        ),
    ],
)
def test_recipe(starts_inputs, recipe, message):
    assert re.search(message, explain(starts_inputs(recipe=recipe)))


def test_sound_inputs(starts_inputs):
    assert explain(starts_inputs()) is None


def test_own_molecule(starts_inputs):
    recipe = {'compositions': {'a': {'water': 2}}, 'molecules': {'water': {}}, 'packing': {'method': 'random'}}
    inputs = starts_inputs(recipe=recipe)
    assert explain({**inputs, 'molecules': {'water': FramesData.from_atoms([WATER])}}) is None
    assert 'does not ask for' in explain({**inputs, 'molecules': {'wine': FramesData.from_atoms([WATER])}})
    two = FramesData.from_atoms([WATER, WATER])
    assert 'Input `molecules` does not do' in explain({**inputs, 'molecules': {'water': two}})


def test_missing_packmol(starts_inputs, monkeypatch):
    """The sentence says how to install it."""
    monkeypatch.setattr(units, 'find_packmol', lambda: None)
    recipe = {'compositions': {'a': {'Li2CO3': 2}}, 'packing': {'method': 'packmol'}}
    assert 'packmol is not installed (pip install' in explain(starts_inputs(recipe=recipe))


def test_engine(starts_inputs):
    inputs = starts_inputs()
    assert 'There is no engine `glue`' in explain({**inputs, 'engines': {'condensation': 'glue'}})
    wrong = {**inputs, 'condensation': {'parameters': orm.Dict(), 'glue': orm.Int(1)}}
    assert 'Input `condensation.glue` is not known to the engine `ToyCondensationWorkChain`' in explain(wrong)
    assert 'names no engine' in explain({**inputs, 'engines': {'condensation': None}})


def test_unknown_elements(starts_inputs, potential_trained):
    """A potential for Li, C and O does not know the fluorine of the recipe."""
    assert 'F, P' in explain({**starts_inputs(), 'potential': potential_trained})


def test_options(starts_inputs):
    wrong = starts_inputs(options={'min_density': 3.0, 'max_density': 2.0})
    assert '`min_density` must be below `max_density`' in explain(wrong)


def warnings(inputs):
    spec = StartsWorkChain.spec().inputs
    return list(StartsWorkChain.find_warnings(spec.pre_process(spec.serialize(inputs))))


def test_warnings(starts_inputs):
    dense = {'compositions': {'a': {'Li2CO3': 4}}}
    assert warnings(starts_inputs(recipe=dense)) == []
    assert 'Nothing condenses' in warnings(starts_inputs(recipe=dense, condensation=None))[0]
    thin = {**dense, 'packing': {'density': 0.8}}
    assert 'times as large as their molecules are together' in warnings(starts_inputs(recipe=thin))[0]
    charged = {'compositions': {'a': {'EDC': 2}}, 'neutral': False}
    assert '1 of 1 starts are charged' in warnings(starts_inputs(recipe=charged))[0]
    bare = {'compositions': {'a': {'EDC': 2, 'Li': 4}}}
    assert '`EDC` is packed as a bare ion' in warnings(starts_inputs(recipe=bare))[0]
