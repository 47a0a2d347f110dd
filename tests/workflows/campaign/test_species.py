"""Starts of different elements in one campaign: the order of the species is given once, and is that of all steps."""

import sys

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.planning import plan_bootstrap
from aiida_seimlip.options.campaign.history import CampaignHistory
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from tests.workflows.campaign.test_campaign import MD, OVERRIDES

SPECIES = ['Kr', 'Ne', 'Ar']
"""Neither that of the atomic numbers nor that of the alphabet, nor that in which the starts name them."""


def crystal(symbol):
    return bulk(symbol, 'fcc', a=5.3, cubic=True) * (2, 1, 1)


@pytest.fixture
def starts():
    mixed = crystal('Ar')
    mixed.symbols[:3] = 'Kr'
    return {'neon': FramesData.from_atoms([crystal('Ne')]), 'mixed': FramesData.from_atoms([mixed])}


def test_starts_may_hold_some_of_the_species_each(campaign_inputs, generate_campaign, starts):
    process = generate_campaign(structures=starts, species=orm.List(SPECIES))
    assert process.ctx.untrained.species == tuple(SPECIES)
    perturbed = plan_bootstrap(process.inputs.options, **process.ctx.starts)['perturbed'].get_frames()
    types = [set(perturbed[index].types(SPECIES)) for index in range(len(perturbed))]
    assert types == [{0, 2}] * 3 + [{1}] * 3


@pytest.mark.slow
def test_whole_campaign(code, starts):
    """Each start is labelled, learned and explored with the one potential, whose types are in the order given."""
    condition = {**MD, 'temperature': 10.0, 'n_steps': 40}
    options = {
        **OVERRIDES['options'], 'max_iterations': 3, 'held_out': None,
        'exploration': {'conditions': [condition]}, 'lone_atoms': 12.0,
        'bootstrap': {**OVERRIDES['options']['bootstrap'], 'n_perturbed': 12, 'max_labels': 12, 'dynamics': None},
        'selection': {'share': 'start', 'max_frames_per_start': 3},
    }  # fmt: skip
    codes = {
        'reference': code('seimlip.ase', sys.executable), 'training': code('seimlip.mlip3.train', 'seimlip-mlp'),
        'exploration': code('seimlip.lammps', 'seimlip-lmp'),
    }  # fmt: skip
    builder = ActiveLearningWorkChain.get_builder_from_protocol(
        codes, starts, species=SPECIES, protocol='demo', overrides={**OVERRIDES, 'options': options}
    )
    outputs, node = run_get_node(builder)
    assert node.exit_status in (0, 400, 410), node.exit_message  # all of which come after explorations
    assert outputs['potential'].species == tuple(SPECIES)
    history = CampaignHistory(**outputs['history'].get_dict())
    assert {run.start for run in history.iterations[1].explorations} == {'neon', 'mixed'}
    assert all(run.outcome in {'completed', 'broke'} for record in history.iterations for run in record.explorations)
    first = outputs['training']['iteration_000'].get_frames()
    assert 0 < (first.numbers == 10).sum() < first.numbers.size
    training = outputs['potential'].creator.inputs.parameters['atom_energies']
    assert training == pytest.approx(dict.fromkeys(SPECIES, 0.0), abs=1e-12), 'lone atoms have no neighbours'
    assert np.isfinite(outputs['potential'].get_mtp().parameters).all()
