"""What the calcfunctions choose and divide, without a run."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.sei.results import plan_lattices
from aiida_seimlip.functions.sei.training import choose_trace, leave_out, make_larger, make_small_crystals
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.training import TrainingOptions, train
from aiida_seimlip.testing.world import trained


@pytest.fixture
def trace(structures):
    """Return 20 labelled frames of two packed cells, every second one with a large force."""
    node = structures['mixed']
    frames = Frames.concatenate([node.get_frames()] * 20)
    forces = np.zeros_like(frames.positions)
    forces[frames.ptr[:-1][::2]] = [30.0, 0.0, 0.0]
    return FramesData(
        frames.replace(
            energies=np.arange(20.0), forces=forces, methods=np.full(20, 'lj'),
            origin_uuids=np.full(20, node.store().uuid), origin_indices=np.repeat([0, 1], 10),
            origin_steps=np.tile(np.arange(10), 2),
        )
    )  # fmt: skip


def test_trace_is_thinned_and_violent_frames_are_left_out(trace):
    chosen = choose_trace(orm.Dict({'trace': {'max_frames_per_start': 3}}), trace)['trace'].get_frames()
    assert chosen.energies.tolist() == [1.0, 5.0, 9.0, 11.0, 15.0, 19.0]
    assert choose_trace(orm.Dict({'trace': None}), trace) == {}
    calm = choose_trace(orm.Dict({'trace': {'max_force': 40.0, 'max_frames_per_start': 50}}), trace)['trace']
    assert calm.n_frames == 20


def test_small_crystals_of_known_elements():
    options = orm.Dict({'small_crystals': ['LiF', 'Li2O', 'Li-bcc']})
    cells = make_small_crystals(options, orm.List(['Li', 'O']))
    assert {name: node.formulas for name, node in cells.items()} == {'Li2O': {'Li8O4': 1}, 'Li_bcc': {'Li16': 1}}


def test_larger_potential_begins_with_what_the_smaller_one_knows():
    """Labels of the smaller one are met after one step, which finds the linear coefficients."""
    smaller, frames = trained()
    labels = evaluate(smaller, frames)
    labelled = frames.replace(energies=labels.energies, forces=labels.forces, stresses=labels.stresses)
    begin = make_larger(PotentialData.from_mtp(smaller), orm.Int(8), orm.Int(1)).get_mtp()
    assert (begin.level, begin.species, begin.max_dist) == (8, smaller.species, smaller.max_dist)
    found = train(begin, labelled, TrainingOptions(iteration_limit=1, regularisation=0.0)).potential
    assert np.abs(evaluate(found, frames).forces - labels.forces).max() < 1e-6


def test_training_set_without_a_composition(structures):
    both = Frames.concatenate([structures['pure'].get_frames(), structures['mixed'].get_frames()])
    parts = leave_out(structures['pure'], first=FramesData(both), second=structures['pure'])
    assert {name: node.formulas for name, node in parts['training'].items()} == {'first': {'Ar24Ne8': 1}}
    assert parts['left_out'].formulas == {'Ar32': 2}


def test_composition_of_a_structure_and_of_several_frames(structures):
    both = FramesData(Frames.concatenate([structures['pure'].get_frames(), structures['mixed'].get_frames()])).store()
    structure = orm.StructureData(ase=structures['pure'].get_frames().to_atoms()[0])
    assert leave_out(structure, first=both)['left_out'].formulas == {'Ar32': 1}
    assert set(leave_out(both, first=both)) == {'left_out'}


def test_crystals_of_unknown_elements_are_left_out():
    options = orm.Dict({'small_crystals': ['Li-bcc'], 'lattices': {'crystals': ['Li-bcc', 'LiF']}})
    planned = plan_lattices(options, orm.List(['Li']))
    assert planned['options']['crystals'] == ['Li-bcc']
    assert planned['options']['learned'] == {'campaign': [], 'with_crystals': ['Li-bcc']}
    assert planned['left_out'].get_dict() == {'LiF': 'The potentials do not know F.'}
    assert 'options' not in plan_lattices(options, orm.List(['Ar']))
