"""A distillation with the programs that it is for: the teacher is a MACE model that learns from the reference."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from aiida.common.links import LinkType
from aiida.engine import run_get_node
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.distillation_results import DistillationResults
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.workflows.campaign.distillation import DistillationWorkChain
from tests.mace_models.alloys import SMALL
from tests.mace_models.fixtures import needs_mace

pytestmark = [needs_mace, pytest.mark.slow]
_RUN: dict[str, Any] = {}

LONE = {'Cu': 3.51, 'Au': 3.80}
"""Energies of isolated atoms by effective-medium theory in eV."""
MD = {'timestep': 2.0, 'n_steps': 40, 'dump_every': 10, 'thermo_every': 20}
OVERRIDES = {
    'options': {'seed': 3, 'max_rounds': 1, 'labels_per_round': 6, 'max_force_error': 1e-6, 'max_energy_error': None},
    'engines': {'tuning': 'mace'},
    'campaign': {
        'protocol': 'demo',
        'options': {
            'max_iterations': 1, 'max_labels': 40, 'untrained': {'level': 6, 'min_dist': 1.6, 'max_dist': 4.5},
            'bootstrap': {'n_perturbed': 6, 'temperatures': [150.0, 300.0], 'strain': 0.02},
            'exploration': {'conditions': [{**MD, 'temperature': 150.0}]},
            'filters': {'min_distance': 1.6, 'max_force': 30.0}, 'selection': {'max_frames': 8}, 'held_out': None,
        },
        'reference': {
            'parameters': {'calculator': {'name': 'mace', 'method_label': 'teacher', 'reusable': False}, 'processes': 1}
        },
        'training': {'parameters': {'iteration_limit': 30, 'extra_options': {'threads': 1}}},
    },
    'reference': {'parameters': {'calculator': {'name': 'emt', 'method_label': 'truth'}, 'processes': 1}},
    'tuning': {'parameters': {**SMALL, 'atom_energies': LONE, 'max_num_epochs': 25}},
}  # fmt: skip


def alloy(symbols: str, seed: int = 0, scale: float = 0.0) -> Atoms:
    """Return a cell of eight atoms, the four given ones twice, displaced a little."""
    atoms = bulk('Cu', cubic=True, a=3.85)
    atoms.set_chemical_symbols(symbols)
    atoms *= (2, 1, 1)
    atoms.rattle(scale, seed=seed)
    return atoms


def labelled(images: list[Atoms]) -> Frames:
    """Return frames with labels of the reference."""
    for atoms in images:
        atoms.calc = EMT()
        atoms.get_stress()
    return Frames.from_atoms(images).computed_by('truth', 'free')


@pytest.fixture
def distillation(code, mace_code):
    """Return outputs and process, which is run once for all tests of this module."""
    if not _RUN:
        python = code('seimlip.ase', sys.executable)
        codes = {
            'teacher': mace_code, 'tuning': mace_code, 'reference': python,
            'training': code('seimlip.mlip3.train', 'seimlip-mlp'),
            'exploration': code('seimlip.lammps', 'seimlip-lmp'),
        }  # fmt: skip
        starts = {name: FramesData.from_atoms([alloy(symbols)]) for name, symbols in (('a', 'Au2Cu2'), ('b', 'AuCu3'))}
        known = [alloy(symbols, seed, 0.1) for seed in range(4) for symbols in ('Au2Cu2', 'AuCu3')]
        builder = DistillationWorkChain.get_builder_from_protocol(
            codes, starts, species=['Cu', 'Au'], protocol='balanced', overrides=OVERRIDES,
            initial_reference={'known': FramesData(labelled(known))},
        )  # fmt: skip
        _RUN['outputs'], _RUN['node'] = run_get_node(builder)
    return _RUN['outputs'], _RUN['node']


@pytest.fixture
def results(distillation) -> DistillationResults:
    """Return what was found."""
    return DistillationResults(**distillation[0]['results'].get_dict())


def join(sets: Any) -> Frames:
    """Return all frames of an output namespace."""
    return Frames.concatenate(node.get_frames() for node in sets.values())


def called(node: Any) -> dict[str, Any]:
    """Return what a process has called, by what it was for."""
    return {entry.link_label: entry.node for entry in node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()}


def trainings_of(node: Any) -> list[Any]:
    """Return the trainings of the teacher, the first one first."""
    found = [process for process in node.called if process.process_label == 'MaceTrainingWorkChain']
    return sorted(found, key=lambda process: process.pk)


def test_it_tells_that_the_bound_was_not_met(distillation, results):
    _, node = distillation
    assert node.exit_status == 400, node.exit_message
    assert not results.accepted
    assert [record.tuned for record in results.rounds] == [True, False]
    assert (results.n_given, results.n_reference) == (8, 14)


def test_teacher_is_trained_first_and_then_on_from_what_it_is(distillation):
    """The last potential is the output; its labels come from the training on all of the reference's labels."""
    outputs, node = distillation
    first, second = trainings_of(node)
    assert 'start' not in first.inputs
    assert second.inputs.start.uuid == first.outputs.potential.uuid
    assert sorted(first.inputs.training) == ['given_known']
    assert sorted(second.inputs.training) == ['given_known', 'round_01']
    assert first.inputs.parameters['seed'] != second.inputs.parameters['seed']
    assert outputs['teacher'].uuid == second.outputs.potential.uuid
    assert (outputs['teacher'].family, outputs['teacher'].species) == ('mace', ('Cu', 'Au'))


def test_new_labels_improve_the_teacher(distillation, results):
    """Its errors on the labels of the round, before it learned from them and after."""
    outputs, _ = distillation
    reference, teacher = join({'new': outputs['reference']['round_01']}), join(outputs['distilled'])
    where = {value: index for index, value in enumerate(teacher.hashes())}
    pairs = [(i, where[value]) for i, value in enumerate(reference.hashes()) if value in where]
    assert len(pairs) >= 3
    ours, theirs = reference[[i for i, _ in pairs]], teacher[[j for _, j in pairs]]
    after = np.sqrt(np.mean((ours.forces - theirs.forces) ** 2))
    assert after < results.rounds[0].teacher.force_ev_per_angstrom


def test_labels_are_those_of_the_tuned_teacher(distillation, results):
    """All labels of the round are made anew, by the potential that is the output, and say whose they are."""
    outputs, node = distillation
    relabelled = outputs['distilled']['round_01_relabelled']
    assert relabelled.n_frames == results.rounds[0].n_teacher
    assert set(join(outputs['distilled']).methods) == {'teacher, shifted to truth'}
    links = called(node)
    first, second = trainings_of(node)
    assert links['round_01_relabel'].inputs.potential.uuid == second.outputs.potential.uuid
    assert links['round_01_campaign'].inputs.reference.potential.uuid == first.outputs.potential.uuid
    assert links['round_02_campaign'].inputs.reference.potential.uuid == second.outputs.potential.uuid
    assert set(links['round_01_relabel'].outputs.frames.methods) == {'teacher'}
    assert set(join(outputs['reference']).methods) == {'truth'}


def test_zero_of_the_energy_is_that_of_the_tuned_teacher(distillation, results):
    """The shift is fitted to what the last teacher says of the frames of the reference: the labels made anew."""
    outputs, node = distillation
    alignment = results.alignment
    assert alignment.n_frames == 14
    assert (alignment.teacher_method, alignment.reference_method) == ('teacher', 'truth')
    assert alignment.is_determined
    assert not alignment.unknown
    relabelled = called(node)['round_01_relabel'].outputs.frames.get_frames()
    where = {value: index for index, value in enumerate(relabelled.hashes())}
    reference = join(outputs['reference'])
    teacher = relabelled[[where[value] for value in reference.hashes()]]
    copper = np.array([np.sum(part == 29) for part in np.split(reference.numbers, reference.ptr[1:-1])])
    counts = np.stack([copper, reference.sizes - copper], axis=1)
    weights = 1.0 / reference.sizes
    expected = np.linalg.lstsq(counts * weights[:, None], (reference.energies - teacher.energies) * weights)[0]
    assert [alignment.per_element[symbol] for symbol in ('Cu', 'Au')] == pytest.approx(expected.tolist(), abs=1e-8)


def test_student_has_the_zero_of_the_reference(distillation, results):
    """It is the potential of the last campaign, with each element raised by the shift of the teacher."""
    outputs, node = distillation
    potential = outputs['potential']
    assert (potential.family, potential.level) == ('mtp', 6)
    frames = join(outputs['reference'])
    lower = evaluate(called(node)['round_02_campaign'].outputs.potential.get_mtp(), frames).energies
    copper = np.array([np.sum(part == 29) for part in np.split(frames.numbers, frames.ptr[1:-1])])
    shift = results.alignment.per_element
    expected = lower + copper * shift['Cu'] + (frames.sizes - copper) * shift['Au']
    assert evaluate(potential.get_mtp(), frames).energies == pytest.approx(expected, abs=1e-8)
