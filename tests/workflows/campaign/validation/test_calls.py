"""What the jobs would refuse after the first labels is refused before."""

import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from tests.engines.test_dialect import store_probe
from tests.workflows.conftest import crystal

RANKS = {'withmpi': True, 'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 4}}


@pytest.fixture
def explore_with(campaign_inputs):
    """Return a function that returns the inputs with other parameters or settings of the exploration."""

    def factory(parameters=None, **settings):
        given = {**campaign_inputs['exploration'], **settings}
        return {**campaign_inputs, 'exploration': {**given, 'parameters': orm.Dict(parameters or {})}}

    return factory


# -- dialects ---------------------------------------------------------------------------------------------------------


def test_code_known_to_speak_another_dialect(complaint, explore_with, campaign_inputs):
    """A probe, be it that of `check`, has found what the code has."""
    code = campaign_inputs['exploration']['code'].store()
    probe = store_probe(code, dialects=['mtp'], pair_styles=['mtp', 'mtp/extrapolation'], version='4 Feb 2025')
    expected = (
        f'Input `exploration.parameters` leads to the dialect `mlip`, but the LAMMPS of input `exploration.code` '
        f'({code.full_label}), as job {probe.pk} has found, speaks `mtp`: set `dialect` to `mtp`, or to `auto`.'
    )
    assert complaint(campaign_inputs) == expected
    assert complaint(explore_with({'dialect': 'mlip'})) == expected
    for dialect in ('mtp', 'auto'):
        assert complaint(explore_with({'dialect': dialect})) is None


def test_code_known_to_have_none_of_the_pair_styles(complaint, campaign_inputs):
    store_probe(campaign_inputs['exploration']['code'].store(), dialects=[], pair_styles=['snap'], version='x')
    assert 'has none of the pair styles for moment tensor potentials' in complaint(campaign_inputs)


def test_newest_probe_counts(complaint, campaign_inputs):
    """The program behind a code may have been built again."""
    code = campaign_inputs['exploration']['code'].store()
    store_probe(code, dialects=['mtp'], pair_styles=['mtp'], version='x')
    store_probe(code, dialects=['mlip', 'mtp'], pair_styles=['mlip', 'mtp'], version='x')
    assert complaint(campaign_inputs) is None


# -- exploration ------------------------------------------------------------------------------------------------------


def test_exploration_without_grades_would_survive_anything(complaint, explore_with):
    message = complaint(explore_with({'with_grades': False}))
    assert message.startswith('Input `exploration.parameters` switches `with_grades` off')


def test_velocities_that_no_start_has(complaint, explore_with):
    message = complaint(explore_with({'velocities': 'keep'}))
    assert message.startswith('Input `structures.crystal` has no velocities, which `velocities: keep` of input `explo')


def test_masses_of_elements_that_occur_nowhere(complaint, explore_with):
    message = complaint(explore_with({'masses': {'Kr': 80.0}}))
    assert message == 'Input `exploration.parameters` gives masses of Kr, which occur nowhere.'


def test_mobile_ions_that_are_not_there(complaint, explore_with):
    message = complaint(explore_with({'mobile': ['Li'], 'track_every': 100}))
    assert message.startswith('Input `exploration.parameters` names Li as `mobile`, but input `structures.crystal`')


def test_ranks_that_would_save_fragments(complaint, explore_with):
    """Known of the active set that the training will build, too."""
    message = complaint(explore_with(options=orm.Dict(RANKS)))
    assert message.startswith('Input `exploration.options.resources` asks for 4 MPI ranks, but with dialect `mlip`')
    assert complaint(explore_with({'dialect': 'mtp'}, options=orm.Dict(RANKS))) is None
    inputs = explore_with(options=orm.Dict(RANKS))
    training = {**inputs['training'], 'parameters': orm.Dict({'al_mode': 'cfg'})}
    selection = {**inputs, 'training': training}
    assert complaint(selection) is None


@pytest.mark.parametrize(('name', 'value'), [('timestep', 2.0), ('n_steps', 7), ('seed', 5), ('threshold_break', 99.0)])
def test_parameters_that_the_conditions_would_overrule(complaint, explore_with, name, value):
    message = complaint(explore_with({name: value}))
    assert message.startswith(f'Input `exploration.parameters` sets `{name}` to {value}, but the input `options` sets')
    assert complaint(explore_with({'timestep': 0.5})) is None  # the same


# -- training and reference -------------------------------------------------------------------------------------------


def test_mode_of_the_active_set_that_would_be_ignored(complaint, campaign_inputs, potential, make_frames):
    training = {**campaign_inputs['training'], 'parameters': orm.Dict({'al_mode': 'cfg'})}
    inputs = {'initial_training': {'old': make_frames(2, labelled=True)}, 'initial_potential': potential}
    message = complaint({**campaign_inputs, **inputs, 'training': training})
    assert message.startswith('Input `training.parameters` asks for an active set with `al_mode` `cfg`, but `init')


def test_calculator_that_lacks_its_potential(complaint, campaign_inputs, code):
    settings = {'code': code('seimlip.ase'), 'parameters': orm.Dict({'calculator': {'name': 'mtp'}})}
    message = complaint({**campaign_inputs, 'reference': settings})
    assert message == 'Input `reference.potential` is missing: the calculator `mtp` needs one.'


def test_good_structure_data_passes(complaint, campaign_inputs):
    assert complaint({**campaign_inputs, 'structures': {'crystal': orm.StructureData(ase=crystal())}}) is None


def test_potential_without_active_set_is_no_fault(complaint, campaign_inputs, potential, make_frames):
    bare = PotentialData.from_mtp(potential.get_mtp().replace(active_set=None))
    inputs = {'initial_training': {'old': make_frames(2, labelled=True)}, 'initial_potential': bare}
    assert complaint({**campaign_inputs, **inputs}) is None
    message = complaint({**campaign_inputs, 'initial_potential': bare})
    assert message == 'Input `initial_potential` needs `initial_training`: the frames that it was trained on.'


def test_start_of_many_frames_is_one_start_for_each(complaint, campaign_inputs):
    starts = FramesData.from_atoms([crystal(1, scale=0.05), crystal(2, scale=0.05)])
    assert complaint({**campaign_inputs, 'structures': {'crystals': starts}}) is None
