"""Every protocol gives a builder whose inputs pass all checks."""

from importlib.resources import files

import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.vasp import VaspLabelOptions
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from aiida_seimlip.workflows.protocols import PACKAGE, merge, read_protocol, resolve_codes, socket_inputs

PROTOCOLS = sorted(ActiveLearningWorkChain.get_available_protocols())
FOLDERS = sorted(path.name for path in files(PACKAGE).iterdir() if path.is_dir() and not path.name.startswith('_'))
WITH_A_TEACHER = ('sei', 'starts')
"""A universal potential condenses and labels here: there is nothing as small as the demo."""


@pytest.fixture
def make_codes(code):
    """Return a function that gives the codes for a protocol, and the potentials that it needs."""

    def make(protocol):
        engines = ActiveLearningWorkChain.get_protocol_inputs(protocol)['engines']
        known = {
            'ase': 'seimlip.ase', 'vasp': 'vasp.vasp', 'mlip3': 'seimlip.mlip3.train', 'mace': 'seimlip.mace.train',
            'lammps': 'seimlip.lammps',
        }  # fmt: skip
        plugins = {socket: known[engines[socket]] for socket in ('reference', 'training', 'exploration')}
        return {socket: code(plugin) for socket, plugin in plugins.items()}

    return make


@pytest.fixture
def codes(make_codes):
    return make_codes('demo')


@pytest.fixture
def family(potcar_family):
    """Have made-up potentials under the name that the protocol `paper` asks for."""
    from aiida_vasp.data.potcar import PotcarGroup

    group, is_new = PotcarGroup.collection.get_or_create('PBE.54')
    if is_new:
        group.add_nodes(list(PotcarGroup.collection.get(label=potcar_family).nodes))
    yield 'PBE.54'
    PotcarGroup.collection.delete(group.pk)


def test_another_engine_has_settings_of_its_own():
    overrides = {'engines': {'reference': 'vasp'}, 'reference': {'parameters': {'potential_family': 'PBE.54'}}}
    inputs = ActiveLearningWorkChain.get_protocol_inputs('demo', overrides)
    assert inputs['reference'] == overrides['reference']
    assert inputs['engines']['training'] == 'mlip3'
    same = ActiveLearningWorkChain.get_protocol_inputs('demo', {'engines': {'reference': 'ase'}})
    assert same == ActiveLearningWorkChain.get_protocol_inputs('demo')


def test_there_are_four_protocols():
    protocols = ActiveLearningWorkChain.get_available_protocols()
    assert set(protocols) == {'balanced', 'demo', 'mace', 'paper'}
    assert all(protocols.values())
    assert ActiveLearningWorkChain.get_default_protocol() in protocols


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_builder_is_valid(protocol, make_codes, structure_li2co3, family):
    codes = make_codes(protocol)
    builder = ActiveLearningWorkChain.get_builder_from_protocol(codes, structure_li2co3, protocol=protocol)
    assert builder.species.get_list() == ['Li', 'C', 'O']
    if builder.engines['selection'] == 'committee':
        assert 'code' not in builder.selection  # it runs no program
    else:
        assert builder.selection['code'].uuid == codes['training'].uuid
    instantiate_process(get_manager().get_runner(), builder)


def test_paper_has_the_settings_of_the_paper():
    inputs = ActiveLearningWorkChain.get_protocol_inputs('paper')
    options = ActiveLearningOptions(**inputs['options'])
    assert options.untrained.level == 16
    assert (options.exploration.threshold_save, options.exploration.threshold_break) == (2.0, 10.0)
    conditions = options.exploration.conditions
    assert {condition.timestep * condition.n_steps for condition in conditions} == {50_000.0}
    assert {condition.timestep for condition in conditions} == {0.5}
    assert max(condition.temperature for condition in conditions) < 1000.0
    assert {condition.pressure for condition in conditions} == {None, 1.0, 100_000.0}
    assert {condition.thermostat_damping for condition in conditions} == {100.0}
    assert {condition.barostat_damping for condition in conditions if condition.is_npt} == {500.0}
    training = inputs['training']['parameters']
    assert [training[f'{name}_weight'] for name in ('energy', 'force', 'stress')] == [1.0, 0.01, 0.001]
    assert (training['iteration_limit'], training['tolerance']) == (1500, 1e-3)
    assert inputs['engines']['reference'] == 'vasp'
    labels = VaspLabelOptions(**inputs['reference']['parameters'])
    assert (labels.functional, labels.dispersion, labels.encut, labels.kspacing) == ('PBE', 'd3', 520.0, 0.35)
    assert options.bootstrap.dynamics.n_steps // options.bootstrap.dynamics.sample_every >= 10


def test_paper_asks_for_its_potentials(make_codes, structure_li2co3, family):
    """A family that is not there, or that lacks an element of the campaign, is named at submission."""
    for changes, message in (
        (
            {'potential_family': 'PBE.64'},
            r'`reference.parameters` names the potential family `PBE.64`, but this profile has .*`PBE.54`',
        ),
        ({'potential_mapping': {'Li': 'Li_x'}}, r'family `PBE.54` lacks `Li_x` for Li; it has `Li`, `Li_sv`'),
    ):
        builder = ActiveLearningWorkChain.get_builder_from_protocol(
            make_codes('paper'), structure_li2co3, protocol='paper', overrides={'reference': {'parameters': changes}}
        )
        with pytest.raises(ValueError, match=message):
            instantiate_process(get_manager().get_runner(), builder)


def test_demo_keeps_what_it_promises():
    options = ActiveLearningOptions(**ActiveLearningWorkChain.get_protocol_inputs('demo')['options'])
    conditions = options.exploration.conditions
    assert sorted(condition.temperature for condition in conditions) == [300.0, 600.0, 900.0]
    assert all(condition.timestep * condition.n_steps >= 3000.0 for condition in conditions)
    assert all(condition.timestep == 0.5 and condition.thermostat_damping == 100.0 for condition in conditions)
    assert (options.exploration.threshold_save, options.exploration.threshold_break) == (2.0, 10.0)
    assert options.max_labels <= 250
    assert options.held_out.n_frames == 30
    assert {condition.temperature for condition in options.held_out.conditions} == {300.0, 600.0}


def test_overrides_have_precedence(make_codes, structure_li2co3, family):
    overrides = {
        'options': {'seed': 99, 'untrained': {'level': 10}},
        'reference': {'parameters': {'encut': 600.0}, 'max_concurrent': 4},
        'exploration': {'parameters': {'dialect': 'mtp'}},
    }
    builder = ActiveLearningWorkChain.get_builder_from_protocol(
        make_codes('paper'), {'crystal': structure_li2co3}, protocol='paper', overrides=overrides,
        species=['O', 'C', 'Li'], scheduler_options={'max_wallclock_seconds': 3600},
    )  # fmt: skip
    assert (builder.options['seed'], builder.options['untrained']['level']) == (99, 10)
    assert builder.options['untrained']['max_dist'] == 5.0
    assert builder.species.get_list() == ['O', 'C', 'Li']
    assert (builder.reference['parameters']['encut'], builder.reference['parameters']['kspacing']) == (600.0, 0.35)
    assert builder.reference['max_concurrent'] == 4
    assert builder.exploration['parameters'].get_dict() == {'dialect': 'mtp'}
    assert builder.training['options'].get_dict() == {'max_wallclock_seconds': 3600}
    instantiate_process(get_manager().get_runner(), builder)


def test_merge_replaces_lists_and_named_sections():
    one = {'a': [1, 2], 'b': {'name': 'x', 'kwargs': {'k': 1}}, 'c': {'d': 1, 'e': 2}}
    other = {'a': [3], 'b': {'name': 'y'}, 'c': {'e': 3}}
    assert merge(one, other) == {'a': [3], 'b': {'name': 'y'}, 'c': {'d': 1, 'e': 3}}
    assert merge(one, {'b': {'name': 'x', 'kwargs': {'j': 2}}})['b'] == {'name': 'x', 'kwargs': {'k': 1, 'j': 2}}


@pytest.mark.parametrize('folder', FOLDERS)
def test_each_workflow_has_the_same_protocols(folder):
    """`--protocol demo` means the same for each workflow; each protocol says what it is for."""
    found = [path.name for path in files(PACKAGE).joinpath(folder).iterdir()]
    names = {name.removesuffix('.yaml') for name in found if name.endswith('.yaml')}
    if folder in WITH_A_TEACHER:
        assert names >= {'laptop', 'paper'}
    else:
        assert names >= {'balanced', 'demo', 'paper'}
    assert all(read_protocol(folder, name)['description'].endswith('.') for name in names)


def test_codes_that_may_be_left_out(codes):
    sockets = ('reference', 'training')
    given = {'training': codes['training']}
    assert resolve_codes(given, sockets, optional=['reference']) == given
    assert resolve_codes(given, sockets, stand_in={'reference': 'training'})['reference'] is codes['training']


def test_label_of_no_code():
    with pytest.raises(ValueError, match='The code `nothing@nowhere` for `training` cannot be loaded'):
        resolve_codes({'training': 'nothing@nowhere'}, ['training'])


def test_inputs_of_a_socket(codes):
    everywhere = {'queue_name': 'all', 'qos': 'x'}
    inputs = socket_inputs({'parameters': {'a': 1}, 'options': {'queue_name': 'q'}}, None, everywhere)
    assert {name: node.get_dict() for name, node in inputs.items()} == {
        'parameters': {'a': 1}, 'options': {'queue_name': 'q', 'qos': 'x'}
    }  # fmt: skip
    assert socket_inputs({'n': 3}, codes['training']) == {'code': codes['training'], 'n': 3}


def test_unknown_protocol():
    with pytest.raises(ValueError, match='There is no protocol `fast`; there are `balanced`, `demo`, `mace`, `paper`'):
        ActiveLearningWorkChain.get_protocol_inputs('fast')


def test_unknown_section():
    with pytest.raises(ValueError, match=r'section.* `seed`'):
        ActiveLearningWorkChain.get_protocol_inputs('demo', {'seed': 1})


def test_unknown_option_in_overrides(codes, structure_li2co3):
    with pytest.raises(ValueError, match='`colour` is not a known option'):
        ActiveLearningWorkChain.get_builder_from_protocol(
            codes, structure_li2co3, overrides={'options': {'colour': 'red'}}
        )


def test_missing_and_superfluous_codes(codes, structure_li2co3):
    with pytest.raises(ValueError, match='code for `exploration` is missing'):
        ActiveLearningWorkChain.get_builder_from_protocol(
            {name: code for name, code in codes.items() if name != 'exploration'}, structure_li2co3
        )
    with pytest.raises(ValueError, match='no socket `vasp`'):
        ActiveLearningWorkChain.get_builder_from_protocol({**codes, 'vasp': codes['reference']}, structure_li2co3)


def test_codes_by_label(codes, structure_li2co3):
    labels = {socket: code.full_label for socket, code in codes.items()}
    builder = ActiveLearningWorkChain.get_builder_from_protocol(labels, structure_li2co3)
    assert isinstance(builder.training['code'], orm.InstalledCode)
