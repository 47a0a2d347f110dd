"""The energies of lone atoms, from which trainings begin."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData


def labelled(frames):
    """Return frames with an energy each, in eV: -1, -2, ..."""
    found = frames.get_frames()
    return FramesData(
        found.replace(
            energies=-1.0 - np.arange(len(found)), forces=np.zeros_like(found.positions),
            methods=np.full(len(found), 'LJ'), energy_kinds=np.full(len(found), 'free'),
        )
    )  # fmt: skip


def test_trainings_are_given_the_energies(generate_campaign, finished, under_way, make_frames):
    process = generate_campaign({'lone_atoms': 11.0})
    launched = under_way(process)
    assert process.should_label_atoms()
    process.run_lone_atoms()
    ((socket, label, data),) = launched
    assert (socket, label) == ('reference', 'lone_atoms')
    frames = data['frames'].get_frames()
    species = process.inputs.species.get_list()
    assert [atoms.symbols[0] for atoms in frames.to_atoms()] == species
    assert frames.volumes == pytest.approx(11.0**3)
    process.ctx.lone_atoms = finished(frames=labelled(data['frames']), failures=orm.Dict({}))
    assert process.inspect_lone_atoms() is None
    process.ctx.training['iteration_000'] = make_frames(5, labelled=True, seed=50).store()
    process.run_training()
    given = launched[-1][2]['parameters'].get_dict()
    assert given['atom_energies'] == {symbol: -1.0 - index for index, symbol in enumerate(species)}
    assert {**given, 'atom_energies': {}} == {**process.inputs.training.get('parameters', {}), 'atom_energies': {}}


def test_without_them_nothing_is_labelled(generate_campaign):
    process = generate_campaign()
    assert not process.should_label_atoms()
    assert process.ctx.training_inputs == {}


def test_an_atom_that_fails_ends_the_campaign(generate_campaign, finished, under_way):
    process = generate_campaign({'lone_atoms': 11.0})
    under_way(process)
    process.run_lone_atoms()
    process.ctx.lone_atoms = finished(failures=orm.Dict({'1': 'NotConverged: no'}))
    exit_code = process.inspect_lone_atoms()
    assert exit_code.status == 301
    assert 'NotConverged: no' in exit_code.message
