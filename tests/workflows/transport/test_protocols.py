"""Protocols of diffusivities and conductivities: every builder passes all checks; the paper has its own settings."""

import pytest
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.options.transport.conductivity import ConductivityOptions
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions
from aiida_seimlip.workflows.transport.conductivity import ConductivityWorkChain
from aiida_seimlip.workflows.transport.diffusivity import DiffusivityWorkChain

PROTOCOLS = ('balanced', 'demo', 'paper')


@pytest.fixture
def codes(code):
    return {'dynamics': code('seimlip.lammps')}


@pytest.mark.parametrize('workflow', [DiffusivityWorkChain, ConductivityWorkChain])
def test_there_are_three_protocols(workflow):
    protocols = workflow.get_available_protocols()
    assert tuple(sorted(protocols)) == PROTOCOLS
    assert all(protocols.values())


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('workflow', [DiffusivityWorkChain, ConductivityWorkChain])
def test_builder_is_valid(workflow, protocol, codes, structure_li2co3, potential_trained):
    builder = workflow.get_builder_from_protocol(
        codes, structure_li2co3, potential_trained, protocol=protocol, scheduler_options={'max_wallclock_seconds': 60}
    )
    inputs = builder if workflow is DiffusivityWorkChain else builder['diffusivity']
    assert inputs['dynamics']['options'].get_dict() == {'max_wallclock_seconds': 60}
    instantiate_process(get_manager().get_runner(), builder)


def test_paper_has_the_settings_of_the_paper():
    options = DiffusivityOptions(**DiffusivityWorkChain.get_protocol_inputs('paper')['options'])
    dynamics = options.dynamics
    assert (dynamics.ensemble, dynamics.pressure, dynamics.timestep) == ('npt_tri', 1.0, 0.5)
    assert dynamics.equilibration_steps * dynamics.timestep == 1e6  # 1 ns in fs
    assert dynamics.production_steps * dynamics.timestep == 20e6
    assert (min(options.temperatures), max(options.temperatures)) == (600.0, 900.0)
    assert (dynamics.thermostat_damping, dynamics.barostat_damping) == (100.0, 500.0)
    n_frames = dynamics.production_steps // dynamics.track_every
    assert n_frames * 480 * 3 * 4 < 200e6  # bytes of the track of 480 Li in a cell of 1440 atoms
    carriers = ConductivityOptions(**ConductivityWorkChain.get_protocol_inputs('paper')['options'])
    assert (carriers.carriers, carriers.n_defects, carriers.charge) == ('defects', 1, 1.0)


def test_demo_is_short():
    """Three runs of 47 atoms at 40 thousand atom-steps in a second of each of two cores: within two minutes."""
    options = DiffusivityOptions(**DiffusivityWorkChain.get_protocol_inputs('demo')['options'])
    steps = options.dynamics.equilibration_steps + options.dynamics.production_steps
    assert len(options.temperatures) == 3
    assert len(options.temperatures) * options.replicas * steps * 47 / (2 * 40e3) < 120.0


def test_overrides_reach_the_diffusivity(codes, structure_li2co3, potential_trained):
    builder = ConductivityWorkChain.get_builder_from_protocol(
        codes, structure_li2co3, potential_trained, protocol='demo',
        overrides={'diffusivity': {'options': {'temperatures': [500.0]}}, 'options': {'charge': 2.0}},
    )  # fmt: skip
    assert builder['diffusivity']['options']['temperatures'] == [500.0]
    assert builder['diffusivity']['options']['dynamics']['ensemble'] == 'nvt'
    assert builder.options['charge'] == 2.0


def test_missing_code_is_named(structure_li2co3, potential_trained):
    with pytest.raises(ValueError, match='The code for `dynamics` is missing'):
        DiffusivityWorkChain.get_builder_from_protocol({}, structure_li2co3, potential_trained)


def test_conductivity_needs_one_beginning(codes, structure_li2co3):
    with pytest.raises(ValueError, match='either a `diffusivity` that has ended, or a `structure`'):
        ConductivityWorkChain.get_builder_from_protocol(codes)


def test_conductivity_of_something_else_is_refused(structure_li2co3):
    with pytest.raises(ValueError, match=r'is no `seimlip\.diffusivity`'):
        ConductivityWorkChain.get_builder_from_protocol(diffusivity=structure_li2co3.store().pk)
