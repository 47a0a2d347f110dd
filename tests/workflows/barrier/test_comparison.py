"""Several potentials and the reference on one path."""

import sys

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.barrier.results import ComparisonRecord
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.structures.band import interpolate
from aiida_seimlip.workflows.barrier.comparison import PathComparisonWorkChain


@pytest.fixture
def path(li2co3):
    """Return three images of a lithium ion that leaves its place."""
    final = li2co3.copy()
    final.positions[0] += [0.5, 0.3, 0.0]
    return FramesData.from_atoms(interpolate(li2co3, final, 1, 'linear'))


@pytest.fixture
def potentials(load_potential):
    return {'small': load_potential('shared/l08_nbh_30.almtp'), 'large': load_potential('shared/l08_nbh_40.almtp')}


def test_comparison(code, path, potentials):
    """The same potential by a job of another program and in this process: no difference, and errors by labels."""
    mtp = potentials['large'].get_mtp()
    labels = FramesData(evaluate(mtp, path.get_frames()))
    settings = {'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'motep'}})}
    outputs, node = run_get_node(
        PathComparisonWorkChain, path=path, potentials=potentials, labelled=labels, evaluation={'mtp': settings}
    )
    assert node.is_finished_ok, node.exit_message
    found = ComparisonRecord.model_validate(outputs['comparison'].get_dict())
    assert found.n_images == 3
    assert found.potentials['large'].error_mev.forward == pytest.approx(0.0, abs=1e-4)
    assert abs(found.potentials['small'].error_mev.reaction_energy) > 0.01
    np.testing.assert_allclose(
        outputs['profiles'].get_array('large_energies'), outputs['profiles'].get_array('reference_energies'), atol=1e-7
    )
    assert outputs['labelled'].uuid == labels.uuid


def test_reference_that_fails(code, path, potentials):
    settings = {'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'emt'}})}
    _, node = run_get_node(PathComparisonWorkChain, path=path, potentials=potentials, reference=settings)
    assert node.exit_status == 310
    assert 'not evaluated by `reference`: image 0: NotImplementedError: No EMT-potential for Li' in node.exit_message


def test_refused(path, potentials, load_frames):
    def refuse(message, **inputs):
        with pytest.raises(ValueError, match=message):
            run_get_node(PathComparisonWorkChain, **{'path': path, 'potentials': potentials, **inputs})

    refuse('Input `potentials` is empty', potentials={})
    refuse('holds the name `reference`', potentials={'reference': potentials['small']})
    refuse('does not hold the images', labelled=load_frames('shared/valid2.cfg'))
    refuse('a path has three at least', path=load_frames('shared/valid2.cfg'))
