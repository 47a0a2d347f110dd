"""Test what the CalcJobs that run `mlp` write and refuse."""

import numpy as np
import pytest
from aiida import orm
from aiida.plugins import CalculationFactory

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.frames import Frames

SPECIES = ('Li', 'C', 'O')
POTENTIAL_PORTS = {'train': 'start', 'select': 'potential', 'grade': 'potential', 'evaluate': 'potential'}
COMMANDS = tuple(POTENTIAL_PORTS)


@pytest.fixture
def inputs(code, frames_labelled, frames_training, potential_trained, potential_untrained):
    """Return a function that gives the inputs of a command, some of them replaced; None takes an input away."""

    def factory(command, **changes):
        data = {
            'train': {'start': potential_untrained, 'training': {'b': frames_labelled, 'a': frames_training}},
            'select': {
                'potential': potential_trained, 'training': {'a': frames_training}, 'candidates': frames_labelled
            },
            'grade': {'potential': potential_trained, 'frames': frames_labelled},
            'evaluate': {'potential': potential_trained, 'frames': frames_labelled},
        }[command]  # fmt: skip
        given = {'code': code(f'seimlip.mlip3.{command}'), **data, **changes}
        return {key: value for key, value in given.items() if value is not None}

    return factory


@pytest.fixture
def prepare(generate_calc_job, inputs):
    """Return a function that writes the files of a command."""
    return lambda command, **changes: generate_calc_job(f'seimlip.mlip3.{command}', inputs(command, **changes))


@pytest.fixture
def refuse(prepare):
    """Return a function that checks that a command refuses its inputs for a reason."""

    def factory(command, reason, **changes):
        with pytest.raises(ValueError, match=reason):
            prepare(command, **changes)

    return factory


def frames_in(job, name):
    return read_cfg(job.folder / name, SPECIES).frames


# -- files and command lines ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('command', 'line', 'written', 'output'),
    [
        (
            'train',
            'train start.almtp train.cfg --save_to=pot.almtp --iteration_limit=1000 --tolerance=0.001 '
            '--energy_weight=1.0 --force_weight=0.01 --stress_weight=0.001 --weight_scaling=1 '
            '--weight_scaling_forces=0 --scale_by_force=0.0 --init_random=false --no_mindist_update=false '
            '--al_mode=nbh',
            ['train.cfg'], 'pot.almtp*',
        ),
        (
            'select', 'select_add pot.almtp train.cfg candidates.cfg selected.cfg --swap_limit=0',
            ['train.cfg', 'candidates.cfg'], 'selected.cfg*',
        ),
        ('grade', 'calculate_grade pot.almtp in.cfg out.cfg', ['in.cfg'], 'out.cfg*'),
        ('evaluate', 'calculate_efs pot.almtp in.cfg --output_filename=out.cfg', ['in.cfg'], 'out.cfg*'),
    ],
)  # fmt: skip
def test_submission(prepare, command, line, written, output):
    job = prepare(command)
    info = job.calc_info
    assert job.command_line == line
    assert sorted(path.name for path in job.folder.iterdir()) == sorted(written)
    assert info.provenance_exclude_list == written
    assert [(name, target) for _, name, target in info.local_copy_list] == [('pot.almtp', line.split()[1])]
    assert info.retrieve_list == ['stdout.txt', 'stderr.txt']
    assert info.retrieve_temporary_list == [output]
    assert (info.codes_info[0].stdout_name, info.codes_info[0].stderr_name) == ('stdout.txt', 'stderr.txt')


def test_train_options(prepare):
    job = prepare('train', parameters=orm.Dict({'iteration_limit': 7, 'extra_options': {'threads': 2}}))
    assert '--iteration_limit=7 ' in job.command_line
    assert job.command_line.endswith('--al_mode=nbh --threads=2')


def test_select_options(prepare):
    assert prepare('select', parameters=orm.Dict({'swap_limit': 9})).command_line.endswith('--swap_limit=9')


def test_training_set_is_joined_in_the_order_of_the_keys(prepare, frames_labelled, frames_training):
    written = frames_in(prepare('train'), 'train.cfg')
    expected = Frames.concatenate([frames_training.get_frames(), frames_labelled.get_frames()])
    assert written.hashes() == expected.hashes()
    np.testing.assert_allclose(written.energies, expected.energies, rtol=1e-14)
    np.testing.assert_allclose(written.forces, expected.forces, atol=1e-12)
    np.testing.assert_allclose(written.stresses, expected.stresses, atol=1e-12)
    assert written.grades is None


@pytest.mark.parametrize(
    ('command', 'file'), [('grade', 'in.cfg'), ('evaluate', 'in.cfg'), ('select', 'candidates.cfg')]
)
def test_labels_are_not_sent(prepare, frames_labelled, command, file):
    written = frames_in(prepare(command), file)
    assert written.hashes() == frames_labelled.hashes
    assert (written.energies, written.forces, written.stresses) == (None, None, None)


@pytest.mark.parametrize('command', COMMANDS)
def test_default_options(command):
    ports = CalculationFactory(f'seimlip.mlip3.{command}').spec_options
    assert ports['withmpi'].default is False
    assert ports['parser_name'].default == f'seimlip.mlip3.{command}'
    assert ports['environment_variables'].default() == {'OMP_NUM_THREADS': '1'}
    assert ports['resources'].default() == {'num_machines': 1, 'num_mpiprocs_per_machine': 1}


# -- refused at submission --------------------------------------------------------------------------------------------


@pytest.mark.parametrize('command', COMMANDS)
def test_refuse_code_for_another_program(refuse, code, command):
    refuse(command, r'Input `code` is a code for `seimlip\.ase`', code=code('seimlip.ase'))


def test_accept_code_of_another_command(prepare, code):
    prepare('grade', code=code('seimlip.mlip3.train'))


@pytest.mark.parametrize(
    ('command', 'port', 'name'),
    [('grade', 'frames', 'frames'), ('evaluate', 'frames', 'frames'), ('select', 'candidates', 'candidates')],
)
def test_refuse_unknown_element(refuse, frames_li2co3, command, port, name):
    atoms = frames_li2co3.get_atoms(0)
    atoms.symbols[0] = 'F'
    reason = rf"Input `{name}` holds F, which the species list \['Li', 'C', 'O'\] lacks\."
    refuse(command, reason, **{port: FramesData.from_atoms([atoms])})


@pytest.mark.parametrize('command', ['train', 'select'])
def test_refuse_unknown_element_in_training(refuse, frames_training, frames_labelled, command):
    numbers = frames_labelled.get_frames().numbers.copy()
    numbers[numbers == 3] = 11
    other = FramesData(frames_labelled.get_frames().replace(numbers=numbers))
    reason = r'Input `training\.b` holds Na, which the species list'
    refuse(command, reason, training={'a': frames_training, 'b': other})


@pytest.mark.parametrize(('command', 'port'), [('grade', 'frames'), ('evaluate', 'frames'), ('select', 'candidates')])
def test_refuse_no_frames(refuse, command, port):
    refuse(command, f'Input `{port}` holds no frames', **{port: FramesData(Frames.empty())})


@pytest.mark.parametrize('command', ['train', 'select'])
def test_refuse_no_training_set(refuse, command):
    refuse(command, 'Input `training` is empty', training={})


@pytest.mark.parametrize('command', ['train', 'select'])
def test_refuse_empty_part_of_training_set(refuse, frames_training, command):
    training = {'a': frames_training, 'b': FramesData(Frames.empty())}
    refuse(command, r'Input `training\.b` holds no frames', training=training)


def test_refuse_unlabelled_training(refuse, frames_training, frames_labelled):
    training = {'a': frames_training, 'b': FramesData(frames_labelled.get_frames().without_labels())}
    refuse('train', r'Input `training\.b` holds 16 of 16 frames without a finite energy', training=training)


def test_refuse_predictions(refuse, frames_training, frames_labelled):
    """A potential that learns from itself learns nothing; the potential that predicted them is named."""
    predicted = frames_labelled.get_frames().computed_by('potential:01234567-89ab-4def-8123-456789abcdef')
    training = {'a': frames_training, 'b': FramesData(predicted)}
    words = r'Input `training\.b`: .* 16 of 16 frames are predictions of the potential 01234567'
    refuse('train', words, training=training)


@pytest.mark.parametrize('label', ['energies', 'forces'])
@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_refuse_labels_that_are_not_finite(refuse, frames_labelled, label, value):
    frames = frames_labelled.get_frames()
    array = getattr(frames, label).copy()
    array[3] = value
    training = {'a': FramesData(frames.replace(**{label: array}))}
    refuse('train', r'Input `training\.a` holds 1 of 16 frames without a finite energy and finite', training=training)


def test_refuse_species_that_training_lacks(refuse, fixtures, frames_training):
    template = fixtures / 'mlip3' / '01_train_l08' / '08.almtp'
    start = PotentialData(template, species=('Li', 'C', 'O', 'F'))
    refuse('train', r"Input `training` holds no F, but `start` is for \['Li', 'C', 'O', 'F'\]", start=start)


def test_refuse_weight_of_a_set_that_is_not_there(refuse):
    parameters = orm.Dict({'weights': {'b': 2, 'c': 3}})
    refuse('train', r'gives weights to c, which `training` does not hold: its sets are a, b', parameters=parameters)


def test_refuse_weight_that_is_no_number_of_times(refuse):
    refuse('train', r'`weights\.a` is 0, but', parameters=orm.Dict({'weights': {'a': 0}}))


def test_refuse_mode_that_would_be_ignored(refuse, potential_trained):
    reason = r'Input `parameters` asks for an active set with `al_mode` `cfg`, but `start` has one with `nbh`'
    refuse('train', reason, start=potential_trained, parameters=orm.Dict({'al_mode': 'cfg'}))


@pytest.mark.parametrize('command', ['train', 'select'])
def test_refuse_unknown_option(refuse, command):
    refuse(command, '`iteration_limt` is not a known option', parameters=orm.Dict({'iteration_limt': 5}))


@pytest.mark.parametrize(
    ('command', 'port'),
    [('train', 'start'), ('select', 'potential'), ('grade', 'potential'), ('evaluate', 'potential')],
)
def test_refuse_another_family(refuse, tmp_path, command, port):
    (tmp_path / 'm.model').write_bytes(b'weights')
    other = PotentialData(tmp_path / 'm.model', family='mace', species=SPECIES, cutoff=5.0)
    refuse(command, f'Input `{port}` is a potential of the family `mace`, but `mtp` is needed', **{port: other})


@pytest.mark.parametrize('command', ['select', 'grade', 'evaluate'])
def test_refuse_untrained(refuse, potential_untrained, command):
    refuse(command, 'Input `potential` is a potential that is not trained', potential=potential_untrained)


@pytest.mark.parametrize('command', ['select', 'grade'])
def test_refuse_without_active_set(refuse, load_potential, command):
    checkpoint = load_potential('01k_train_killed/pot.almtp')
    refuse(command, 'Input `potential` is a potential without an active set', potential=checkpoint)


def test_accept_without_active_set(prepare, load_potential):
    prepare('evaluate', potential=load_potential('01k_train_killed/pot.almtp'))


@pytest.mark.parametrize('command', COMMANDS)
def test_refuse_missing_code(refuse, command):
    refuse(command, 'Input `code` is missing', code=None)
