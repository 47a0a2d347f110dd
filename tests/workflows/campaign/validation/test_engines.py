"""Engines that cannot do what the options ask for."""

from aiida import orm

from aiida_seimlip.engines.reference.contract import ReferenceWorkChain
from aiida_seimlip.workflows.campaign.validation.engines import faults_of_engines


def test_dynamics_of_an_engine_that_runs_none(campaign_inputs, campaign_options, monkeypatch):
    """The campaign is refused at submission, not when its bootstrap begins."""
    dynamics = {'temperatures': [300.0], 'n_steps': 100, 'sample_every': 10}
    options = {**campaign_options, 'bootstrap': {**campaign_options['bootstrap'], 'dynamics': dynamics}}
    inputs = {**campaign_inputs, 'options': orm.Dict(options)}
    assert list(faults_of_engines(inputs, ['Ne', 'Ar'])) == []
    monkeypatch.setattr(ReferenceWorkChain, 'supports_dynamics', False)
    (fault,) = faults_of_engines(inputs, ['Ne', 'Ar'])
    assert 'the reference engine `ase` runs none: set `bootstrap.dynamics` to null' in fault
    without = {**inputs, 'options': orm.Dict(campaign_options)}
    assert list(faults_of_engines(without, ['Ne', 'Ar'])) == []
