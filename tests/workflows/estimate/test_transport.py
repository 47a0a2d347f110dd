"""What a diffusivity is going to do, counted by hand; the tests of the examples compare it with a real run."""

import pytest
from aiida import orm

from aiida_seimlip.options.dynamics import DynamicsOptions
from aiida_seimlip.science.cost import track_bytes
from aiida_seimlip.workflows.estimate import PLANNERS
from aiida_seimlip.workflows.estimate.transport import model_of, plan_conductivity, plan_diffusivity, run_bytes
from aiida_seimlip.workflows.transport.diffusivity import DiffusivityWorkChain


@pytest.fixture
def inputs(structure_li2co3, potential_trained):
    """Return a function that gives the inputs of a diffusivity from the protocol `demo`, as far as needed."""
    dynamics = {'equilibration_steps': 2000, 'production_steps': 20_000}

    def make(**overrides):
        overrides = {'temperatures': [800.0, 1000.0, 1200.0], 'dynamics': dynamics, **overrides}
        options = DiffusivityWorkChain.get_protocol_inputs('demo', {'options': overrides})['options']
        return {'structure': structure_li2co3, 'potential': potential_trained, 'options': orm.Dict(options)}

    return make


def test_runs_of_all_replicas(inputs):
    found = plan_diffusivity(inputs(replicas=2))
    assert [work.name for work in found.works] == [
        'check of the start', *(f'{phase} {temperature} K' for temperature in (800, 1000, 1200)
        for phase in ('equilibration', 'production')),
    ]  # fmt: skip
    production = found.works[2]
    assert (production.n_jobs, production.steps, production.atom_steps) == (2, 20_000, 2 * 20_000 * 24)
    assert (production.level, production.with_grades) == (8, False)
    assert found.works[0].atom_steps == 0


def test_potential_without_check(inputs):
    assert plan_diffusivity(inputs(check_parity=False)).works[0].name == 'equilibration 800 K'


def test_track_of_the_ions_is_the_least_of_it(inputs):
    """Eight lithium ions, a position every 20 of 20,000 steps; whole frames every 200."""
    options = DynamicsOptions(
        temperature=300.0, n_steps=20_000, seed=1, mobile=['Li'], track_every=20, dump_every=200, thermo_every=100
    )
    without = options.model_copy(update={'mobile': []})
    assert run_bytes(options, 24, 8) - run_bytes(without, 24, 8) == track_bytes(1001, 8)


def test_speed_of_a_calculator_depends_on_no_level(inputs):
    with_calculator = {**inputs(), 'dynamics': {'parameters': orm.Dict({'calculator': {'name': 'mtp'}})}}
    assert model_of(with_calculator, 'dynamics') == {}
    assert model_of(inputs(), 'dynamics') == {'level': 8, 'with_grades': False}


def test_conductivity(inputs):
    assert plan_conductivity({'diffusivity': inputs()}).works == plan_diffusivity(inputs()).works
    finished = plan_conductivity({'finished': {}})
    assert finished.works == ()
    assert 'nothing to run but the analysis' in finished.notes[0]


def test_every_workflow_with_protocols_can_be_planned():
    from aiida.plugins import WorkflowFactory
    from aiida.plugins.entry_point import get_entry_point_names

    from aiida_seimlip.workflows.protocols import ProtocolMixin

    names = [name for name in get_entry_point_names('aiida.workflows') if name.startswith('seimlip.')]
    processes = [process for name in names if issubclass(process := WorkflowFactory(name), ProtocolMixin)]
    assert {process.__name__ for process in processes} == set(PLANNERS)
