"""Run the CalcJobs with the embedded program, and compare with what MLIP-3 recorded."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.analysis.composition_span import count_elements
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate


@pytest.fixture
def run(code):
    """Return a function that runs a command."""

    def factory(command, **inputs):
        entry_point = f'seimlip.mlip3.{command}'
        job = code(entry_point, 'seimlip-mlp')
        _, node = run_get_node(job.get_builder().process_class, code=job, **inputs)
        assert node.is_finished_ok, f'{node.exit_message} {node.outputs.retrieved.get_object_content("stderr.txt")}'
        return node

    return factory


def test_train(run, potential_untrained, frames_labelled):
    frames = frames_labelled.get_frames()
    node = run(
        'train', start=potential_untrained, parameters=orm.Dict({'iteration_limit': 8, 'extra_options': {'seed': 3}}),
        training={'a': FramesData(frames[:10]), 'b': FramesData(frames[10:])},
    )  # fmt: skip
    potential = node.outputs.potential
    assert (potential.is_trained, potential.selection_mode, potential.level) == (True, 'nbh', 8)
    assert potential.species == ('Li', 'C', 'O')
    assert node.outputs.results['n_configurations'] == 16
    assert node.outputs.errors['energy_per_atom']['count'] == 16
    loss = node.outputs.history.get_array('loss')
    assert loss[-1] < loss[0]
    kept = node.outputs.retrieved.base.repository.list_object_names()
    assert kept == ['_scheduler-stderr.txt', '_scheduler-stdout.txt', 'stderr.txt', 'stdout.txt']
    assert 'train.cfg' not in node.base.repository.list_object_names()


def test_constants_stay_with_the_energies_of_lone_atoms(run, potential_untrained, frames_labelled):
    """Labels of one composition do not tell the constants: another method adds what its lone atoms have more."""
    frames = frames_labelled.get_frames()
    lone, more = {'Li': -5.0, 'C': -50.0, 'O': -100.0}, {'Li': 3.0, 'C': -2.0, 'O': 7.0}
    added = count_elements(frames, tuple(more)) @ np.array(list(more.values()))
    sets = {'one': (frames, lone), 'other': (frames.replace(energies=frames.energies + added), {
        symbol: energy + more[symbol] for symbol, energy in lone.items()
    })}  # fmt: skip
    lacking = frames[0].to_atoms()[0]
    del lacking[0]
    probe = Frames.from_atoms([*frames.to_atoms()[:1], lacking])
    found = {}
    for name, (training, energies) in sets.items():
        parameters = {'iteration_limit': 3, 'extra_options': {'seed': 3}, 'atom_energies': energies}
        inputs = {'parameters': orm.Dict(parameters), 'training': {'a': FramesData(training)}}
        potential = run('train', start=potential_untrained, **inputs).outputs.potential
        assert potential.compositions == [[2, 1, 3]]
        again = run('train', start=potential, **inputs).outputs.potential  # on from there
        found[name] = [evaluate(each.get_mtp(), probe).energies for each in (potential, again)]
    whole, less = 8 * 3.0 - 4 * 2.0 + 12 * 7.0, 7 * 3.0 - 4 * 2.0 + 12 * 7.0
    for one, other in zip(found['one'], found['other'], strict=True):
        np.testing.assert_allclose(other - one, [whole, less], atol=1e-5)
    refused = orm.Dict({'atom_energies': {'Li': -5.0}})
    with pytest.raises(ValueError, match='gives no C, O among `atom_energies`'):
        run('train', start=potential_untrained, parameters=refused, training={'a': frames_labelled})


def test_weight_is_the_number_of_times_that_a_set_is_given(run, potential_untrained, frames_labelled):
    frames = frames_labelled.get_frames()
    few, many = FramesData(frames[:4]), FramesData(frames[4:10])
    options = {'iteration_limit': 6, 'extra_options': {'seed': 3}}
    cases = {
        'weighted': ({'few': few, 'many': many}, {'weights': {'few': 3}}),
        'repeated': ({'few_0': few, 'few_1': few, 'few_2': few, 'many': many}, {}),
        'plain': ({'few': few, 'many': many}, {}),
    }
    found = {
        name: run('train', start=potential_untrained, training=training, parameters=orm.Dict({**options, **weights}))
        for name, (training, weights) in cases.items()
    }
    losses = {name: node.outputs.history.get_array('loss') for name, node in found.items()}
    np.testing.assert_allclose(losses['weighted'], losses['repeated'], rtol=1e-10)
    assert abs(losses['weighted'][-1] - losses['plain'][-1]) > 1e-8
    parameters = {name: node.outputs.potential.get_mtp().parameters for name, node in found.items()}
    np.testing.assert_allclose(parameters['weighted'], parameters['repeated'], rtol=1e-10, atol=1e-10)
    assert found['weighted'].outputs.results['n_configurations'] == 18
    forces = {}
    for name in ('weighted', 'plain'):
        predicted = evaluate(found[name].outputs.potential.get_mtp(), frames[:4])
        forces[name] = np.mean((predicted.forces - frames[:4].forces) ** 2)
    assert forces['weighted'] < forces['plain']


def test_grade(run, potential_trained, frames_labelled):
    node = run('grade', potential=potential_trained, frames=frames_labelled)
    recorded = [0.890692, 1.05239, 0.908838, 0.71538, 1.35984]
    np.testing.assert_allclose(node.outputs.results['grades'][:5], recorded, rtol=1e-4)


def test_evaluate(run, potential_trained, load_frames):
    frames = load_frames('shared/valid2.cfg')
    node = run('evaluate', potential=potential_trained, frames=frames)
    recorded = load_frames('11_calculate_efs/out.cfg').get_frames()
    evaluated = node.outputs.evaluated.get_frames()
    np.testing.assert_allclose(evaluated.energies, recorded.energies, atol=1e-6)
    np.testing.assert_allclose(evaluated.forces, recorded.forces, atol=2e-6)
    np.testing.assert_allclose(evaluated.stresses, recorded.stresses, atol=1e-6)
    assert node.outputs.errors['force']['count'] == 48


def test_select(run, potential_trained, frames_training, frames_labelled):
    node = run('select', potential=potential_trained, training={'a': frames_training}, candidates=frames_labelled)
    assert node.outputs.results['n_selected'] == 9
    selected = node.outputs.selected.get_frames()
    assert set(selected.origin_uuids) == {frames_labelled.uuid}
    assert selected.hashes() == [frames_labelled.hashes[index] for index in node.outputs.results['indices']]
