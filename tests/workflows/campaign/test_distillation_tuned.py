"""A distillation whose teacher is a potential that learns from the reference; it begins far from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida.engine import run_get_node
from ase.calculators.lj import LennardJones

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.campaign.distillation_results import DistillationResults
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import TrainingOptions, train
from tests.workflows.campaign.distilled import ARGON, CONSTANTS, build
from tests.workflows.conftest import SPECIES, crystal

pytestmark = pytest.mark.slow
_RUN: dict[str, Any] = {}

OVERRIDES = {
    'options': {'max_rounds': 1, 'labels_per_round': 8, 'max_force_error': 1e-6, 'max_energy_error': None},
    'engines': {'tuning': 'mlip3'},
    'campaign': {
        'options': {'max_iterations': 2},
        'reference': {'parameters': {'calculator': {'name': 'motep', 'method_label': 'teacher'}}},
    },
    'tuning': {'parameters': {'iteration_limit': 40}},
}


def soft_teacher() -> PotentialData:
    """Return a potential that has learned from an argon with three quarters of its cohesion."""
    images = []
    for index in range(12):
        for atoms in (crystal(index, scale=0.08), crystal(100 + index, scale=0.08)):
            if index % 2:
                atoms.symbols[:] = 'Ar'
            atoms.calc = LennardJones(**{**ARGON, 'epsilon': 0.75 * ARGON['epsilon']})
            atoms.get_stress()
            images.append(atoms)
    empty = untrained(6, SPECIES, min_dist=2.0, max_dist=5.2)
    return PotentialData.from_mtp(
        train(empty, Frames.from_atoms(images), TrainingOptions(iteration_limit=30)).potential
    )


@pytest.fixture
def tuned(code, tmp_path):
    """Return outputs and process, which is run once for all tests of this module."""
    if not _RUN:
        given = FramesData.from_atoms([crystal(77, scale=0.05)])
        reference = LennardJones(**ARGON)
        (atoms,) = given.get_frames().to_atoms()
        atoms.calc = reference
        frames = Frames.from_atoms([atoms]) if atoms.get_stress() is not None else None
        extra = sum(CONSTANTS[symbol] for symbol in atoms.symbols)
        labels = frames.replace(energies=frames.energies + extra).computed_by('truth', 'free')
        builder = build(
            code, tmp_path, {'tuning': code('seimlip.mlip3.train', 'seimlip-mlp')}, OVERRIDES,
            potential=soft_teacher(), initial_reference={'known': FramesData(labels)},
        )  # fmt: skip
        _RUN['outputs'], _RUN['node'] = run_get_node(builder)
    return _RUN['outputs'], _RUN['node']


@pytest.fixture
def results(tuned) -> DistillationResults:
    """Return what was found."""
    return DistillationResults(**tuned[0]['results'].get_dict())


def test_it_tells_that_the_bound_was_not_met(tuned, results):
    _, node = tuned
    assert node.exit_status == 400
    assert node.exit_message.startswith('After 1 rounds of labels, as many as the input `options` allows, the errors')
    assert results.message == node.exit_message
    assert not results.accepted
    assert [record.tuned for record in results.rounds] == [True, False]


def test_given_labels_count(results):
    assert (results.n_given, results.n_reference) == (1, 9)
    assert results.alignment.n_frames == 9


def test_teacher_comes_nearer_to_the_reference(tuned, results):
    outputs, node = tuned
    before = results.rounds[0].teacher.force_ev_per_angstrom
    assert before > 1e-3
    assert outputs['teacher'].uuid != node.inputs.campaign.reference.potential.uuid
    reference = Frames.concatenate(one.get_frames() for one in outputs['reference'].values())
    teacher = Frames.concatenate(one.get_frames() for one in outputs['distilled'].values())
    where = {value: index for index, value in enumerate(teacher.hashes())}
    pairs = [(i, where[value]) for i, value in enumerate(reference.hashes()) if value in where]
    assert len(pairs) >= 3
    ours, theirs = reference[[i for i, _ in pairs]], teacher[[j for _, j in pairs]]
    assert np.sqrt(np.mean((ours.forces - theirs.forces) ** 2)) < 0.2 * before
    assert np.abs((ours.energies - theirs.energies) / ours.sizes).max() < 2e-3


def test_all_frames_were_labelled_anew(tuned, results):
    outputs, _ = tuned
    assert [name for name in outputs['distilled'] if 'relabelled' in name] == ['round_01_relabelled']
    relabelled = outputs['distilled']['round_01_relabelled']
    assert relabelled.n_frames == results.rounds[0].n_teacher
    assert relabelled.methods == {'teacher, shifted to truth': relabelled.n_frames}
