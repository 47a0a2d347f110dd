"""Wrong inputs of a campaign are refused at submission, in one sentence that names the input."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from tests.workflows.conftest import crystal


def complaint(inputs):
    """Return what `submit` would say about the inputs, None if it took them."""
    try:
        instantiate_process(get_manager().get_runner(), ActiveLearningWorkChain, **inputs)
    except ValueError as exception:
        return str(exception).split('\n', 1)[-1].removeprefix("Error occurred validating port 'inputs': ")
    return None


def test_good_inputs_pass(campaign_inputs):
    assert complaint(campaign_inputs) is None


def test_element_that_species_lacks(campaign_inputs):
    message = complaint({**campaign_inputs, 'species': orm.List(['Ar'])})
    assert message == "Input `structures.crystal` holds Ne, which the input `species` ['Ar'] lacks."


def test_element_that_no_frame_holds(campaign_inputs, make_frames):
    """A potential cannot be trained for it, which would come out after the first labels only."""
    message = complaint({**campaign_inputs, 'species': orm.List(['Ne', 'Ar', 'Kr'])})
    assert message.startswith('Input `species` names Kr, which occur(s) neither in')
    argon, krypton = make_frames(2, labelled=True), make_frames(2, labelled=True, seed=1).get_frames()
    krypton = FramesData(krypton.replace(numbers=np.where(krypton.numbers == 10, 36, krypton.numbers)))
    inputs = {**campaign_inputs, 'species': orm.List(['Ne', 'Ar', 'Kr'])}
    assert complaint({**inputs, 'initial_training': {'argon': argon, 'krypton': krypton}}) is None
    message = complaint({**inputs, 'initial_training': {'krypton': krypton}})  # which are learned from alone, at first
    assert message == "Input `initial_training` holds no Ne, but `species` is for ['Ne', 'Ar', 'Kr']."


def test_quarantine_without_failures(campaign_inputs, make_frames):
    message = complaint({**campaign_inputs, 'quarantine': {'old': {'frames': make_frames(2)}}})
    assert message == (
        'Input `quarantine.old` must hold `frames` (FramesData) and `failures` (Dict), and nothing else.'
    )


@pytest.mark.parametrize(('species', 'words'), [([], 'no element'), (['Xx'], 'Xx'), (['Ar', 'Ne', 'Ar'], 'once')])
def test_wrong_species(campaign_inputs, species, words):
    message = complaint({**campaign_inputs, 'species': orm.List(species)})
    assert '`species`' in message
    assert words in message


def test_no_start(campaign_inputs):
    expected = 'Input `structures` is empty: at least one start is needed.'
    assert complaint({**campaign_inputs, 'structures': {}}) == expected
    assert complaint({key: value for key, value in campaign_inputs.items() if key != 'structures'}) == expected


def test_start_without_frames(campaign_inputs):
    message = complaint({**campaign_inputs, 'structures': {'nothing': FramesData.from_atoms([])}})
    assert message == 'Input `structures.nothing` holds no frames.'


def test_structure_data_is_a_start(campaign_inputs):
    assert complaint({**campaign_inputs, 'structures': {'crystal': orm.StructureData(ase=crystal())}}) is None


def test_initial_training_without_labels(campaign_inputs, make_frames):
    message = complaint({**campaign_inputs, 'initial_training': {'old': make_frames(2)}})
    assert '`initial_training.old`' in message
    assert '2 of 2 frames' in message


def test_initial_training_with_nan(campaign_inputs, make_frames):
    frames = make_frames(2, labelled=True).get_frames()
    broken = FramesData(frames.replace(energies=np.array([np.nan, 1.0])))
    message = complaint({**campaign_inputs, 'initial_training': {'old': broken}})
    assert '1 of 2 frames' in message


def test_initial_training_with_foreign_element(campaign_inputs):
    atoms = crystal()
    atoms.symbols[0] = 'Kr'
    message = complaint({**campaign_inputs, 'initial_training': {'old': FramesData.from_atoms([atoms])}})
    assert message.startswith('Input `initial_training.old` holds Kr')


def test_species_order_of_another_campaign(campaign_inputs, make_frames, potential):
    inputs = {'initial_training': {'old': make_frames(2, labelled=True)}, 'initial_potential': potential}
    assert complaint({**campaign_inputs, **inputs}) is None
    message = complaint({**campaign_inputs, **inputs, 'species': orm.List(['Ar', 'Ne'])})
    assert message.startswith("Input `initial_potential` is for the species ['Ne', 'Ar']")


def test_potential_without_its_training_set(campaign_inputs, potential):
    message = complaint({**campaign_inputs, 'initial_potential': potential})
    assert message.startswith('Input `initial_potential` needs `initial_training`')


def test_untrained_initial_potential(campaign_inputs, make_frames):
    from aiida_seimlip.data.potential import PotentialData
    from aiida_seimlip.science.mtp.levels import untrained

    inputs = {
        'initial_training': {'old': make_frames(2, labelled=True)},
        'initial_potential': PotentialData.from_mtp(untrained(6, ['Ne', 'Ar'])),
    }
    assert complaint({**campaign_inputs, **inputs}).startswith('Input `initial_potential` is not trained')


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'colour': 'red'}, '`colour` is not a known option'),
        ({'seed': -1}, '`seed` is -1'),
        ({'untrained': {'level': 9}}, '`untrained.level` is 9'),
        ({'exploration': {'conditions': []}}, '`exploration.conditions`'),
        ({'exploration': {'conditions': [{'ensemble': 'npH', 'temperature': 300, 'n_steps': 5}]}}, "'npH'"),
        ({'exploration': {'conditions': [{'ensemble': 'npt_iso', 'temperature': 300, 'n_steps': 5}]}}, '`pressure`'),
        ({'exploration': {'conditions': [{'temperature': 300, 'n_steps': 5}] * 2}}, '`nvt-300K`'),
    ],
)
def test_wrong_option(campaign_inputs, campaign_options, change, words):
    message = complaint({**campaign_inputs, 'options': orm.Dict({**campaign_options, **change})})
    assert 'Input `options` is wrong' in message
    assert words in message


def test_unknown_calculator(campaign_inputs, code):
    settings = {'code': code('seimlip.ase'), 'parameters': orm.Dict({'calculator': {'name': 'abacus'}})}
    message = complaint({**campaign_inputs, 'reference': settings})
    assert 'abacus' in message
    assert 'reference' in message


def test_reference_that_moves_atoms(campaign_inputs, code):
    parameters = orm.Dict({'calculator': {'name': 'lj'}, 'task': 'relax'})
    message = complaint({**campaign_inputs, 'reference': {'code': code('seimlip.ase'), 'parameters': parameters}})
    assert '`task`' in message
    assert "'relax'" in message


@pytest.mark.parametrize('socket', ['reference', 'training', 'exploration', 'selection'])
def test_code_of_the_wrong_kind(campaign_inputs, code, socket):
    wrong = code('seimlip.lammps' if socket != 'exploration' else 'seimlip.ase')
    message = complaint({**campaign_inputs, socket: {**campaign_inputs[socket], 'code': wrong}})
    assert 'code' in message
    assert wrong.default_calc_job_plugin in message


def test_unknown_engine(campaign_inputs):
    message = complaint({**campaign_inputs, 'engines': {'training': 'nequip'}})
    assert (
        message == 'Input `engines` is wrong: There is no engine `nequip` for the socket `training`; '
        'there are `mace`, `mlip3`.'
    )


def test_unknown_setting_of_an_engine(campaign_inputs):
    message = complaint({**campaign_inputs, 'training': {**campaign_inputs['training'], 'epochs': orm.Int(3)}})
    assert message.startswith('Input `training.epochs` is not known to the engine')


def test_data_are_no_settings(campaign_inputs, potential):
    message = complaint({**campaign_inputs, 'training': {**campaign_inputs['training'], 'start': potential}})
    assert message.startswith('Input `training.start` is not known')


def test_wrong_parameter_of_the_exploration_engine(campaign_inputs):
    settings = {**campaign_inputs['exploration'], 'parameters': orm.Dict({'dialekt': 'mtp'})}
    assert 'dialekt' in complaint({**campaign_inputs, 'exploration': settings})


def test_starts_that_cannot_be_explored(campaign_inputs, unusable_start):
    """Refused at submission, also as one of several: else the first exploration would, after labels are paid."""
    start, words = unusable_start
    for structures in ({'start': start}, {**campaign_inputs['structures'], 'start': start}):
        message = complaint({**campaign_inputs, 'structures': structures})
        assert message.startswith('Input `structures.start` ')
        assert words in message


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'nope': 1}, '`options` holds `nope`, which no job knows (known are account, '),
        (
            {'max_wallclock_seconds': 'long'},
            '`options` holds a wrong `max_wallclock_seconds`: value',
        ),
        (
            {'resources': {'cores': 2}},
            'options` holds `resources` that `core.direct` does not take: ',
        ),
    ],
)
def test_options_that_no_job_takes(campaign_inputs, options, message):
    """Its first job would say so, after the first labels."""
    inputs = {**campaign_inputs, 'exploration': {**campaign_inputs['exploration'], 'options': orm.Dict(options)}}
    assert message in complaint(inputs)
    assert 'exploration.options' in complaint(inputs)


def test_options_that_jobs_take(campaign_inputs):
    options = orm.Dict({'resources': {'num_machines': 1}, 'max_wallclock_seconds': 60, 'queue_name': 'short'})
    inputs = {**campaign_inputs, 'exploration': {**campaign_inputs['exploration'], 'options': options}}
    assert complaint(inputs) is None


# -- what joins the bootstrap -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('group', ['bootstrap_structures', 'bootstrap_candidates'])
def test_elements_of_what_joins_the_bootstrap(campaign_inputs, make_frames, group):
    """They are learned from, so that they count as frames that hold an element; others are refused."""
    krypton = make_frames(2).get_frames()
    krypton = FramesData(krypton.replace(numbers=np.where(krypton.numbers == 10, 36, krypton.numbers)))
    given = {**campaign_inputs, group: {'krypton': krypton}}
    assert complaint({**given, 'species': orm.List(['Ne', 'Ar', 'Kr'])}) is None
    message = complaint(given)
    assert message == f"Input `{group}.krypton` holds Kr, which the input `species` ['Ne', 'Ar'] lacks."


def test_empty_set_that_joins_the_bootstrap(campaign_inputs):
    message = complaint({**campaign_inputs, 'bootstrap_candidates': {'none': FramesData.from_atoms([])}})
    assert message == 'Input `bootstrap_candidates.none` holds no frames.'


def test_element_that_the_bootstrap_adds_to_an_initial_training_set(campaign_inputs, make_frames):
    """The training set lacks neon, which the bootstrap beside it brings before anything is trained."""
    argon = make_frames(2, labelled=True).get_frames()
    argon = FramesData(argon.replace(numbers=np.full_like(argon.numbers, 18)))
    options = {**campaign_inputs['options'], 'bootstrap': {'n_perturbed': 3, 'beside_initial': True}}
    given = {**campaign_inputs, 'initial_training': {'argon': argon}}
    assert 'holds no Ne' in complaint(given)
    assert complaint({**given, 'options': options}) is None
