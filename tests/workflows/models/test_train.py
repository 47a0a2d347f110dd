"""The WorkChain ``seimlip.train``."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from ase import Atoms
from ase.calculators.emt import EMT

from aiida_seimlip.cli.run_process import explain_inputs
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.workflows.estimate import PLANNERS
from aiida_seimlip.workflows.models.train import TrainWorkChain
from tests.mace_models.alloys import SMALL, alloys
from tests.mace_models.fixtures import needs_mace

EMT_REFERENCE = {'calculator': {'name': 'emt'}}
ENERGIES = {'Cu': 0.0, 'Au': 0.0}


def energy_of(symbol):
    """Return the energy of an atom alone by effective-medium theory, in eV."""
    atoms = Atoms(symbol, cell=[12.0] * 3, pbc=True)
    atoms.calc = EMT()
    return atoms.get_potential_energy()


@pytest.fixture
def frames():
    return {'one': FramesData(alloys(5)), 'two': FramesData(alloys(7, seed=5))}


@pytest.fixture
def held_out():
    return {'later': FramesData(alloys(3, seed=50))}


@needs_mace
@pytest.mark.slow
def test_mace(frames, held_out, mace_code, code):
    """The energies of isolated atoms are those of the reference, and reach the model; a job judges it."""
    parameters = {key: value for key, value in SMALL.items() if key != 'atom_energies'}
    builder = TrainWorkChain.get_builder_from_protocol(
        {'training': mace_code, 'reference': code('seimlip.ase', sys.executable)}, frames, held_out=held_out,
        protocol='demo', overrides={'training': {'parameters': parameters}, 'reference': {'parameters': EMT_REFERENCE}},
    )  # fmt: skip
    outputs, node = run_get_node(builder)
    assert node.is_finished_ok, node.exit_message
    training = next(child for child in node.called if child.process_label == 'MaceTrainingWorkChain')
    given = training.inputs.parameters['atom_energies']
    for symbol in ('Cu', 'Au'):
        assert given[symbol] == pytest.approx(energy_of(symbol), abs=1e-10)
    errors = outputs['held_out_errors']['later']
    job = next(
        child for child in node.called if child.process_label == 'AseReferenceWorkChain' and 'potential' in child.inputs
    )
    predicted = job.outputs.frames.get_frames()
    wrong = predicted.forces - held_out['later'].get_frames().forces
    assert errors['force_ev_per_angstrom'] == pytest.approx(np.sqrt(np.mean(wrong**2)))
    assert errors['n_frames'] == 3
    assert outputs['potential'].family == 'mace'


@pytest.mark.slow
def test_moment_tensor_potential(frames, held_out, code):
    """An untrained potential is made for the elements of the frames, and no job is needed to judge it."""
    builder = TrainWorkChain.get_builder_from_protocol(
        {'training': code('seimlip.mlip3.train', 'seimlip-mlp'), 'reference': code('seimlip.ase', sys.executable)},
        frames, held_out=held_out, protocol='demo',
        overrides={
            'engines': {'training': 'mlip3'}, 'training': {'parameters': {'iteration_limit': 10}},
            'reference': {'parameters': EMT_REFERENCE},
        },
    )  # fmt: skip
    outputs, node = run_get_node(builder)
    assert node.is_finished_ok, node.exit_message
    assert outputs['potential'].species == ('Cu', 'Au')
    assert outputs['potential'].level == 8
    assert outputs['lone_atoms'].n_frames == 2
    assert outputs['held_out_errors']['later']['n_frames'] == 3


def test_training_that_fails(frames, code):
    """The reason of the job is told."""
    builder = TrainWorkChain.get_builder_from_protocol(
        {'training': code('seimlip.mace.train')}, frames, protocol='demo',
        overrides={'training': {'parameters': {'atom_energies': ENERGIES}}},
    )  # fmt: skip
    _, node = run_get_node(builder)
    assert node.exit_status == TrainWorkChain.spec().exit_codes.ERROR_TRAINING_FAILED.status
    assert '`results.json` was not retrieved' in node.exit_message


def test_atom_that_cannot_be_labelled(frames, code):
    builder = TrainWorkChain.get_builder_from_protocol(
        {'training': code('seimlip.mace.train'), 'reference': code('seimlip.ase')}, frames, protocol='demo',
        overrides={'reference': {'parameters': {'calculator': {'name': 'emt', 'kwargs': {'asap_cutoff': True}}}}},
    )  # fmt: skip
    _, node = run_get_node(builder)
    assert node.exit_status == TrainWorkChain.spec().exit_codes.ERROR_LONE_ATOMS_FAILED.status


@pytest.mark.parametrize('protocol', ['demo', 'balanced', 'paper'])
@pytest.mark.parametrize(('engine', 'plugin'), [('mace', 'seimlip.mace.train'), ('mlip3', 'seimlip.mlip3.train')])
def test_all_protocols_make_inputs_that_pass(frames, code, protocol, engine, plugin):
    overrides = {'engines': {'training': engine}, 'training': {'parameters': {'atom_energies': ENERGIES}}}
    builder = TrainWorkChain.get_builder_from_protocol(
        {'training': code(plugin)}, frames, protocol=protocol, overrides=overrides
    )
    assert explain_inputs(builder) is None


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({}, '`training.parameters` gives no `atom_energies`'),
        ({'atom_energies': {'Cu': 0.0}}, 'gives no Au among `atom_energies`, which input `frames.one` holds'),
        ({'atom_energies': ENERGIES, 'batch_size': 50}, 'a `batch_size` of 50'),
        ({'atom_energies': ENERGIES, 'colour': 1}, '`colour` is not a known option'),
    ],
)
def test_faults_are_found_before_anything_runs(frames, code, parameters, words):
    builder = TrainWorkChain.get_builder_from_protocol(
        {'training': code('seimlip.mace.train')}, frames, overrides={'training': {'parameters': parameters}}
    )
    assert words in explain_inputs(builder)


def test_unknown_engine(frames, code):
    builder = TrainWorkChain.get_builder_from_protocol(
        {'training': code('seimlip.mace.train')}, frames, overrides={'engines': {'training': 'nequip'}}
    )
    assert 'There is no engine `nequip`' in explain_inputs(builder)


def test_plan_counts_epochs_and_members(frames, held_out, code):
    overrides = {'training': {'parameters': {'atom_energies': ENERGIES, 'committee': 3, 'max_num_epochs': 7}}}
    builder = TrainWorkChain.get_builder_from_protocol(
        {'training': code('seimlip.mace.train')}, frames, held_out=held_out, overrides=overrides
    )
    training, judging = PLANNERS['TrainWorkChain'](builder._inputs(prune=True)).works
    assert training.n_jobs == 3
    n_learned = training.steps / 7
    assert n_learned == int(n_learned)
    assert 0 < n_learned < 12
    assert training.atom_steps == training.steps * 4 * 3
    assert (judging.steps, judging.atom_steps) == (3, 12)


def test_labels_of_atoms_are_no_input_of_the_user(frames, code):
    """Where a reference labels them, the parameters need not name their energies."""
    builder = TrainWorkChain.get_builder_from_protocol(
        {'training': code('seimlip.mace.train'), 'reference': code('seimlip.ase')}, frames,
        overrides={'reference': {'parameters': EMT_REFERENCE}},
    )  # fmt: skip
    assert explain_inputs(builder) is None
    builder.reference = {'code': code('seimlip.ase'), 'parameters': orm.Dict({'calculator': {'name': 'nothing'}})}
    assert '`reference.parameters`' in explain_inputs(builder)
